"""Spatial control: several styles in one image, each weighted by a mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.errors import InputError
from ir_transfer.models.style_code import StyleCode


@dataclass(frozen=True)
class SpatialStyle:
    """Styles of one model with a soft mask each.

    Attributes:
        codes: One style per mask, each from :meth:`~ir_transfer.TranslationModel.prepare`.
        masks: Float (1, 1, H, W) >= 0 of one size; at every pixel, a style's share is its mask divided by their sum.
        resize: Whether masks are resized to the content; otherwise content of another size is an error.

    Raises:
        InputError: No style, a wrong number of masks, styles of several models, or masks that are not floats >= 0 of
            one size.
    """

    codes: Sequence[StyleCode]
    masks: Sequence[Tensor]
    resize: bool = False

    def __post_init__(self) -> None:
        if not self.codes or len(self.codes) != len(self.masks):
            raise InputError(
                f"expected one mask per style, got {len(self.masks)} masks for {len(self.codes)} styles: "
                "pass one mask for each style"
            )
        if len(models := {code.model for code in self.codes}) > 1:
            raise InputError(
                f"expected styles of one model, got some of {', '.join(sorted(models))}: build all with one model"
            )
        for number, mask in enumerate(self.masks, start=1):
            _check_mask(number, mask, self.masks[0])

    @property
    def model(self) -> str:
        """Name of the model that prepared the styles."""
        return self.codes[0].model

    def shares(self, content: Tensor) -> Tensor:
        """Return the share of each style at every pixel of the content (B, 3, H, W).

        Returns:
            (N, 1, H, W) in [0, 1], of the content's data type; they sum to 1 at every pixel.

        Raises:
            InputError: Masks of another size without ``resize``, or pixels where every mask is 0.
        """
        size = content.shape[-2:]
        masks = torch.cat([mask.to(content.device, torch.float32) for mask in self.masks])
        if masks.shape[-2:] != size:
            if not self.resize:
                raise InputError(
                    f"expected masks of the content's size {tuple(size)}, got {tuple(masks.shape[-2:])}: "
                    "export them at that size, or have them resized (--fit-masks, resize=True)"
                )
            masks = F.interpolate(masks, size, mode="bilinear", antialias=True, align_corners=False).clamp(min=0)
        total = masks.sum(0, keepdim=True)
        if (total <= 0).any():
            _, _, row, column = (total <= 0).nonzero()[0].tolist()
            raise InputError(
                f"expected a mask above 0 at every pixel, got none at {int((total <= 0).sum())} pixels "
                f"(first: row {row}, column {column}): let the masks cover the image"
            )
        return (masks / total).to(content.dtype)


def _check_mask(number: int, mask: Tensor, first: Tensor) -> None:
    if mask.dim() != 4 or mask.shape[:2] != (1, 1) or not mask.is_floating_point():
        raise InputError(
            f"expected mask {number} as float (1, 1, H, W), got {mask.dtype} {tuple(mask.shape)}: convert it"
        )
    if mask.shape != first.shape:
        raise InputError(
            f"expected masks of one size, got {tuple(mask.shape[-2:])} for mask {number} and "
            f"{tuple(first.shape[-2:])} for mask 1: resize one"
        )
    low, high = mask.aminmax()
    if not (low >= 0 and high < float("inf")):  # also true for NaN
        raise InputError(f"expected values >= 0 in mask {number}, got {low.item():.4g} to {high.item():.4g}")
