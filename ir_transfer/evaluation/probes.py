"""Probes of a network: its share of dead channels, and the influence of distant pixels."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ir_transfer.models.base import TranslationModel
from ir_transfer.models.style_code import StyleCode

RADIUS = 64
"""Radius in pixels around a probed pixel that :func:`context_reach` leaves unchanged."""

_VARIES = 1e-4  # least range of a live channel, relative to the largest range in its layer
_PROBED = (0.3, 0.7)  # rows and columns of the probed pixels, as a share of the sides
_LEAST_REPLACED = 0.25  # smallest share of pixels to replace; the influence of fewer would be small by construction
_ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.ELU, nn.SiLU, nn.GELU, nn.Sigmoid, nn.Tanh, nn.Hardswish, nn.Softplus)


class _Ranges:
    """Least and largest value of every channel of every layer's feature maps."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[Tensor, Tensor]] = {}

    def add(self, name: str, values: Any) -> None:
        if not isinstance(values, Tensor) or values.dim() != 4 or values.shape[-2:].numel() == 1:
            return  # a style code or a statistic is not a feature map
        low, high = (reduce(values.detach(), dim=(0, 2, 3)).float() for reduce in (torch.amin, torch.amax))
        if name in self.found:
            low, high = torch.minimum(low, self.found[name][0]), torch.maximum(high, self.found[name][1])
        self.found[name] = low, high


@contextmanager
def _watched(model: nn.Module) -> Iterator[_Ranges]:
    """Record the inputs of convolutions, and the outputs of convolutions and activations.

    Inputs are recorded because an activation may be a function, which has no hook.
    """
    ranges, hooks = _Ranges(), []

    def on(name: str, side: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(module: nn.Module, given: Any, made: Any) -> None:
            if side == "in":
                ranges.add(f"{name} (input)", given[0] if given else None)
            else:
                ranges.add(name, made)

        return hook

    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            hooks += [module.register_forward_hook(on(name, "in")), module.register_forward_hook(on(name, "out"))]
        elif isinstance(module, _ACTIVATIONS):
            hooks.append(module.register_forward_hook(on(name, "out")))
    try:
        yield ranges
    finally:
        for hook in hooks:
            hook.remove()


@torch.no_grad()
def dead_shares(
    model: TranslationModel, rgb_images: Sequence[Tensor], style: Callable[[], Sequence[StyleCode]]
) -> dict[str, float]:
    """Return the share of dead channels in [0, 1] of every layer with feature maps, by the layer's name.

    A channel is dead if it has the same value at all pixels of all images, so that it carries no information.
    ``NAME (input)`` is the input of a convolution.

    Args:
        model: In evaluation mode.
        rgb_images: Each (1, 3, H, W) in [0, 1]; a few that differ, such as by day and by night.
        style: Returns the style codes to translate them with; called while recording, for the exemplar's encoder.
    """
    with _watched(model) as ranges:
        for code in style():
            for rgb in rgb_images:
                model(rgb, code)
    shares = {}
    for name, (low, high) in ranges.found.items():
        spread = high - low
        shares[name] = float((spread <= _VARIES * spread.max()).double().mean())
    return shares


@torch.no_grad()
def context_reach(
    model: TranslationModel, rgb_images: Sequence[Tensor], style: StyleCode, radius: int = RADIUS
) -> float | None:
    """Return the mean change of a pixel, as a share of the range, if all pixels farther away than ``radius`` change.

    The distant pixels are replaced by those of the mirrored image, which changes colours, rows and feature statistics
    little, so that global effects (a global tone curve, normalised features) do not count as context.
    An image that equals its mirror image gives 0.

    Args:
        model: In evaluation mode.
        rgb_images: Each (1, 3, H, W) in [0, 1]; images of which less than a quarter would be replaced are ignored.
        style: A style code of the model.
        radius: In pixels.

    Returns:
        The mean over four pixels of every image; None if all images are too small.
    """
    changes = []
    for rgb in rgb_images:
        height, width = rgb.shape[-2:]
        points = [(int(y * height), int(x * width)) for y in _PROBED for x in _PROBED]
        far = [_farther(height, width, point, radius).to(rgb.device) for point in points]
        if min(float(mask.double().mean()) for mask in far) < _LEAST_REPLACED:
            continue
        before = model(rgb, style)
        mirrored = rgb.flip(3)
        for (y, x), mask in zip(points, far, strict=True):
            after = model(torch.where(mask, mirrored, rgb), style)
            changes.append(float((after - before)[0, 0, y, x].abs()))
    return sum(changes) / len(changes) if changes else None


def _farther(height: int, width: int, point: tuple[int, int], radius: int) -> Tensor:
    rows, columns = torch.arange(height)[:, None] - point[0], torch.arange(width)[None] - point[1]
    return rows.square() + columns.square() > radius**2
