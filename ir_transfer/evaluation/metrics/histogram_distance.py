"""Earth mover's distance of histograms."""

from __future__ import annotations

from torch import Tensor


def histogram_distance(output: Tensor, truth: Tensor) -> Tensor:
    """Return the Wasserstein-1 distance (B,) of the two pictures' values, exact, without bins.

    For as many values on both sides it is the mean difference of the values in order (Peyre and Cuturi 2019, arXiv:
    1803.00567, remark 2.28). It is a share of the range: how far a value must be moved on average.

    Args:
        output: (B, 1, H, W) in [0, 1].
        truth: Same shape.
    """
    a, b = (picture.flatten(1).double().sort(dim=1).values for picture in (output, truth))
    return (a - b).abs().mean(dim=1)
