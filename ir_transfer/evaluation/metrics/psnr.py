"""Peak signal-to-noise ratio."""

from __future__ import annotations

from torch import Tensor


def psnr(output: Tensor, truth: Tensor) -> Tensor:
    """Return 10 log10(1 / mean squared error) in dB (B,) for a data range of 1; infinite for equal pictures.

    It rewards a blank picture of the right mean: read it beside the perceptual and the distribution distance.

    Args:
        output: (B, 1, H, W) in [0, 1].
        truth: Same shape.
    """
    return -10 * (output - truth).square().mean(dim=(1, 2, 3)).log10()
