"""Contrast of a picture relative to another's: fog is below 1."""

from __future__ import annotations

from torch import Tensor


def contrast(output: Tensor, reference: Tensor) -> Tensor:
    """Return the standard deviation (B,) over that of a reference; a flat reference counts as 1/1000 of the range.

    Args:
        output: (B, 1, H, W) in [0, 1].
        reference: (1 or B, 1, h, w) in [0, 1]: the exemplar, or the truth.
    """
    ours, theirs = (picture.double().flatten(1).std(dim=1, correction=0) for picture in (output, reference))
    return ours / theirs.clamp(min=1e-3)
