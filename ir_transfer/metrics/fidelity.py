"""Pixel-wise similarity of an image to its ground truth: PSNR, SSIM, MS-SSIM and mutual information.

MS-SSIM is implemented here, since kornia has it only mixed with L1 and torchmetrics (an extra) rejects small images.
"""

from collections.abc import Sequence

import kornia.metrics
import numpy as np
import torch
import torch.nn.functional as F
from kornia.filters import gaussian_blur2d
from scipy.stats import entropy
from torch import Tensor


def psnr(output: Tensor, ground_truth: Tensor) -> Tensor:
    """Return 10 log10(1 / mean squared error) in dB (B,) for a data range of 1; infinite for equal images.

    A blank image of the right mean scores well: report it together with the perceptual and the distribution distance.

    Args:
        output: (B, 1, H, W) in [0, 1].
        ground_truth: Same shape.
    """
    return -10 * (output - ground_truth).square().mean(dim=(1, 2, 3)).log10()


WINDOW = 11
"""Side of the window in pixels; kornia's Gaussian has the paper's standard deviation of 1.5 pixels."""


def ssim(output: Tensor, ground_truth: Tensor, windows: Tensor | None = None) -> Tensor:
    """Return the mean structural similarity (B,) (Wang et al. 2004): 11 x 11 Gaussian window, data range 1.

    Only windows that lie inside the image count. A uniform 7 x 7 window, the default of scikit-image, gives other
    values: compare only with those that state this window.

    Args:
        output: (B, 1, H, W) in [0, 1], sides >= 11.
        ground_truth: Same shape.
        windows: Which windows count, bool (B, 1, H - 10, W - 10); all by default. B is 1 with it.
    """
    similarity: Tensor = kornia.metrics.ssim(output, ground_truth, WINDOW, max_val=1.0, padding="valid")
    return _mean(similarity, windows)


def _mean(similarity: Tensor, windows: Tensor | None) -> Tensor:
    return similarity.mean(dim=(1, 2, 3)) if windows is None else similarity[windows].mean()[None]


WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the scales, finest first (Wang et al. 2003, table 1)."""

_SIGMA = 1.5
_C1, _C2 = 0.01**2, 0.03**2


def ms_ssim(output: Tensor, ground_truth: Tensor, windows: Sequence[Tensor] | None = None) -> Tensor:
    """Return the multi-scale structural similarity (B,) (Wang, Simoncelli and Bovik 2003, equation 7), data range 1.

    Five scales need sides of 176 pixels; a smaller image has as many scales as the window of 11 pixels fits, with
    their exponents scaled to sum to 1. A scale of negative contrast similarity counts as 0.

    Args:
        output: (B, 1, H, W) in [0, 1], sides >= 11.
        ground_truth: Same shape.
        windows: Which windows count at each scale to compute, as of :func:`ssim`; all by default.
    """
    most = min(len(WEIGHTS), max(min(output.shape[-2:]) // WINDOW, 1).bit_length())
    scales = most if windows is None else len(windows)
    weights = torch.tensor(WEIGHTS[:scales], dtype=torch.float64)
    weights = weights / weights.sum()
    a, b = output.double(), ground_truth.double()
    product = torch.ones(len(a), dtype=torch.float64, device=a.device)
    for scale, weight in enumerate(weights):
        if scale:
            a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
        luminance, contrast = _similarities(a, b)
        similarity = luminance * contrast if scale == scales - 1 else contrast
        product = product * _mean(similarity, None if windows is None else windows[scale]).clamp(min=0) ** weight
    return product


def _similarities(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return the luminance and contrast-structure maps (B, 1, h, w) of windows inside the images (B, 1, H, W)."""
    inside = WINDOW // 2

    def mean(x: Tensor) -> Tensor:
        blurred: Tensor = gaussian_blur2d(x, (WINDOW, WINDOW), (_SIGMA, _SIGMA), border_type="constant")
        return blurred[..., inside:-inside, inside:-inside]

    mean_a, mean_b = mean(a), mean(b)
    variances = mean(a * a) - mean_a**2 + mean(b * b) - mean_b**2
    luminance = (2 * mean_a * mean_b + _C1) / (mean_a**2 + mean_b**2 + _C1)
    return luminance, (2 * (mean(a * b) - mean_a * mean_b) + _C2) / (variances + _C2)


BINS = 64
"""Histogram bins of equal width over [0, 1], the same for every image (scikit-image takes each image's own range)."""


def normalised_mutual_information(output: Tensor, ground_truth: Tensor) -> Tensor:
    """Return (H(a) + H(b)) / H(a, b) (B,), from 1 to 2 (Studholme et al. 1999, equation 8).

    1: the images are independent, or one is flat. 2: each determines the other, also for a negative, so that it does
    not depend on polarity.

    Args:
        output: (B, 1, H, W) in [0, 1].
        ground_truth: Same shape.
    """
    return torch.tensor([_one(a, b) for a, b in zip(output, ground_truth, strict=True)], dtype=torch.float64)


def _one(a: Tensor, b: Tensor) -> float:
    x, y = (image.flatten().double().clamp(0, 1).cpu().numpy() for image in (a, b))
    joint, _, _ = np.histogram2d(x, y, bins=BINS, range=((0, 1), (0, 1)))
    both = entropy(joint.ravel())
    return float((entropy(joint.sum(axis=0)) + entropy(joint.sum(axis=1))) / both) if both > 0 else 1.0
