"""Metrics of scenes with invalid pixels, computed over the valid pixels.

Per-pixel metrics use only valid pixels. Filters process images whose invalid pixels are replicated from the nearest
valid ones, as at borders, and their results are used at valid pixels. Windows are used if all their pixels are valid.
Networks and spectra, which need whole images, use the largest valid rectangle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
import torch.nn.functional as F
from kornia.filters import spatial_gradient
from torch import Tensor

from ir_transfer.evaluation.valid_pixels import ValidPixels, whole_windows
from ir_transfer.metrics import fidelity
from ir_transfer.metrics.appearance import contrast, wasserstein
from ir_transfer.metrics.correlation import (
    CELL,
    EDGE_TOLERANCE,
    SIGN_TOLERANCE,
    all_shifts,
    cosine,
    highpass,
    pearson,
)
from ir_transfer.metrics.edges import STRONG, magnitude, share_near
from ir_transfer.metrics.object_heat import Box, hot_regions

Metric = Callable[[Tensor, Tensor, ValidPixels], Tensor | None]
"""Function of output (1, 1, H, W), reference and valid pixels that returns a value (1,); None if it is undefined."""


def ssim(output: Tensor, truth: Tensor, valid: ValidPixels) -> Tensor | None:
    """Return :func:`~ir_transfer.metrics.fidelity.ssim` over windows of valid pixels."""
    windows = _windows_of_scales(valid.mask, 1)
    return fidelity.ssim(output, truth, windows[0]) if windows else None


def ms_ssim(output: Tensor, truth: Tensor, valid: ValidPixels) -> Tensor | None:
    """Return :func:`~ir_transfer.metrics.fidelity.ms_ssim` over windows of valid pixels.

    There are as many scales, up to five, as have such windows.
    """
    windows = _windows_of_scales(valid.mask, len(fidelity.WEIGHTS))
    return fidelity.ms_ssim(output, truth, windows) if windows else None


def _windows_of_scales(mask: Tensor, most: int) -> list[Tensor]:
    """Return the valid windows at every scale that has any, finest first."""
    found: list[Tensor] = []
    while len(found) < most and min(mask.shape[-2:]) >= fidelity.WINDOW:
        windows = whole_windows(mask, fidelity.WINDOW)
        if not bool(windows.any()):
            break
        found.append(windows)
        mask = whole_windows(mask, 2, 2)
    return found


def cell_correlation(output: Tensor, truth: Tensor, valid: ValidPixels) -> Tensor:
    """Return the correlation (1,) over the means of the valid pixels of cells; cells without any are ignored."""
    mask = valid.mask.double()
    shares = F.avg_pool2d(mask, CELL, ceil_mode=True)
    seen = shares > 0
    sums = (F.avg_pool2d(image.double() * mask, CELL, ceil_mode=True) for image in (output, truth))
    means = [(total[seen] / shares[seen]).reshape(1, 1, 1, -1) for total in sums]
    return pearson(*means)


def highpass_correlation(output: Tensor, other: Tensor, valid: ValidPixels) -> Tensor:
    """Return the correlation (1,) of detail at valid pixels."""
    return pearson(*(valid.counted(highpass(valid.extended(image))) for image in (output, other)))


def gradient_correlation(output: Tensor, other: Tensor, valid: ValidPixels) -> Tensor:
    """Return the correlation (1,) of gradient magnitudes at valid pixels."""
    return pearson(*(valid.counted(magnitude(valid.extended(image))) for image in (output, other)))


def tolerant_gradient_correlation(output: Tensor, truth: Tensor, valid: ValidPixels) -> Tensor | None:
    """Return the largest correlation (1,) of gradient magnitudes over shifts, at pixels with valid surroundings."""
    ours, theirs = (magnitude(valid.extended(image)) for image in (output, truth))
    return _best_shift(pearson, ours, theirs, valid, EDGE_TOLERANCE)


def gradient_agreement(output: Tensor, truth: Tensor, valid: ValidPixels) -> Tensor | None:
    """Return the largest cosine (1,) of the two gradient fields over shifts, at pixels with valid surroundings."""
    ours, theirs = (spatial_gradient(valid.extended(image).double(), mode="sobel")[0] for image in (output, truth))
    return _best_shift(cosine, ours, theirs, valid, SIGN_TOLERANCE)


def edges_kept(output: Tensor, luma: Tensor, valid: ValidPixels) -> Tensor:
    """Return the share (1,) of the RGB image's valid edge pixels with a valid edge pixel of the output close by."""
    return share_near(*(_strong(image, valid) for image in (luma, output)))


def hot_regions_within(truth: Tensor, valid: ValidPixels) -> list[Box]:
    """Return the hot regions of a ground truth (1, 1, H, W) whose frames lie inside of the valid pixels."""
    mask = valid.mask[0, 0].cpu().numpy()
    return [
        box
        for box in hot_regions(valid.extended(truth))
        if mask[max(box.top, 0) : box.bottom, max(box.left, 0) : box.right].all()
    ]


def _strong(image: Tensor, valid: ValidPixels) -> Tensor:
    strength = magnitude(valid.extended(image))
    limit = max(float(np.quantile(valid.counted(strength).cpu().numpy(), STRONG)), 1e-4)
    return (strength > limit) & valid.mask


def _best_shift(
    similarity: Callable[[Tensor, Tensor], Tensor], ours: Tensor, theirs: Tensor, valid: ValidPixels, tolerance: int
) -> Tensor | None:
    """Return the largest similarity (1,) of fields (1, C, H, W) at the pixels from which all shifts see valid ones."""
    seen = whole_windows(valid.mask, 2 * tolerance + 1)[0, 0]
    if not bool(seen.any()):
        return None
    inner, moved = all_shifts(ours, theirs, tolerance)
    found = [similarity(*(field[..., seen].reshape(1, -1) for field in (inner, other))) for other in moved]
    return torch.stack(found).amax(dim=0)


def _of_pixels(metric: Callable[[Tensor, Tensor], Tensor]) -> Metric:
    """Return a metric of single pixels that is computed from the valid ones."""
    return lambda output, other, valid: metric(valid.counted(output), valid.counted(other))


TO_GROUND_TRUTH: Mapping[str, Metric] = {
    "psnr": _of_pixels(fidelity.psnr),
    "ssim": ssim,
    "ms_ssim": ms_ssim,
    "nmi": _of_pixels(fidelity.normalised_mutual_information),
    "cell_correlation": cell_correlation,
    "gradient_agreement": gradient_agreement,
    "truth_highpass": highpass_correlation,
    "contrast_truth": _of_pixels(contrast),
    "gradient_truth": gradient_correlation,
    "gradient_truth_3px": tolerant_gradient_correlation,
    "histogram_emd": _of_pixels(wasserstein),
}
"""Columns against the ground truth; the others are computed on the largest valid rectangle."""
TO_RGB: Mapping[str, Metric] = {
    "gradient_input": gradient_correlation,
    "edges_kept": edges_kept,
    "luma_highpass": highpass_correlation,
}
"""Columns against the luma of the RGB image."""
LEAST_SIDES: Mapping[str, int] = {"spectrum": 16, "line_noise": 32, "shift": 64}
"""Columns of the largest valid rectangle, with the smallest side in pixels for which they are computed."""
LEAST_SIDE_OF_NETWORKS = 64
_LEAST_WINDOWS: Mapping[str, int] = {
    "ssim": fidelity.WINDOW,
    "ms_ssim": fidelity.WINDOW,
    "gradient_truth_3px": 2 * EDGE_TOLERANCE + 1,
    "gradient_agreement": 2 * SIGN_TOLERANCE + 1,
}
_OF_NETWORKS = frozenset({"perceptual", "style", "patch_frechet", "patch_mmd"})


def not_computed(valid: ValidPixels, *, networks: bool, lpips: bool) -> set[str]:
    """Return the columns that are undefined for a scene, since no window or rectangle of valid pixels is large enough.

    Args:
        valid: The valid pixels of the scene.
        networks: Whether a feature network is available.
        lpips: Whether LPIPS is available.
    """
    top, left, bottom, right = valid.largest
    side = min(bottom - top, right - left)
    missing = {key for key, least in LEAST_SIDES.items() if side < least}
    missing |= {key for key, window in _LEAST_WINDOWS.items() if not bool(whole_windows(valid.mask, window).any())}
    if side < LEAST_SIDE_OF_NETWORKS:
        missing |= _OF_NETWORKS if networks else set()
        missing |= {"lpips"} if lpips else set()
    return missing
