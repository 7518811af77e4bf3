"""Checks of the inputs of every model."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ir_transfer.errors import InputError
from ir_transfer.models.style_code import StyleCode
from ir_transfer.nn.limits import SMALLEST_SIDE


def check_image(what: str, image: Tensor, channels: int, *, values: bool = True) -> None:
    """Raise :class:`InputError` unless an image is float (B, channels, H, W) in [0, 1] with sides of 16 or more.

    ``values`` sets whether the range is checked, for which the host waits if the image is on a GPU.
    """
    if image.dim() != 4 or image.shape[1] != channels or not len(image):
        raise InputError(f"expected {what} of shape (B, {channels}, H, W), got {tuple(image.shape)}")
    if not image.is_floating_point():
        raise InputError(f"expected a float {what} in [0, 1], got {image.dtype}: divide by its white level")
    if min(image.shape[-2:]) < SMALLEST_SIDE:
        raise InputError(
            f"expected {what} sides of at least {SMALLEST_SIDE} pixels, got {tuple(image.shape[-2:])}: enlarge it"
        )
    if not values:
        return
    low, high = image.detach().aminmax()
    if not (low >= -1e-4 and high <= 1 + 1e-4):  # also true for NaN
        raise InputError(f"expected {what} values in [0, 1], got {low.item():.4g} to {high.item():.4g}: rescale it")


def check_strength(strength: float | Tensor) -> float:
    """Return the strength, a number or a tensor of any shape with one value, as a number in [0, 1].

    Raises:
        InputError: Several values, or one out of range.
    """
    if (isinstance(strength, Tensor) and strength.numel() != 1) or not 0 <= strength <= 1:
        raise InputError(f"expected one strength in [0, 1], got {strength}")
    return float(strength)


def check_style(style: StyleCode, model: str, weights_hash: str) -> None:
    """Raise :class:`InputError` unless a style was prepared by a model with these weights."""
    if style.model != model:
        raise InputError(f"expected a style of model {model!r}, got one of {style.model!r}: prepare it again")
    made_with = style.metadata.get("weights_hash", weights_hash)
    if made_with != weights_hash:
        raise InputError(f"expected a style prepared with weights {weights_hash}, got {made_with}: prepare it again")


def common_polarity(codes: Sequence[StyleCode]) -> bool:
    """Return whether all styles are white-hot.

    Raises:
        InputError: The styles have different polarities.
    """
    declared = {code.white_hot for code in codes}
    if len(declared) > 1:
        raise InputError("expected styles of one polarity with keep_tone, got both: leave one out")
    return declared.pop()


def check_masks(masks: Sequence[Tensor], images: Sequence[Tensor]) -> None:
    """Raise :class:`InputError` unless there is an integer label map (1, 1, H, W) for every image."""
    if len(masks) != len(images):
        raise InputError(f"expected one mask per image, got {len(masks)} masks for {len(images)} images")
    for mask, image in zip(masks, images, strict=True):
        expected = (1, 1, *image.shape[-2:])
        if mask.shape != expected or mask.is_floating_point() or mask.is_complex():
            raise InputError(f"expected an integer mask of shape {expected}, got {mask.dtype} {tuple(mask.shape)}")
