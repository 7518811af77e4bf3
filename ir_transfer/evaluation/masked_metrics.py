"""Metrics of scenes with invalid pixels, computed over the valid pixels.

Per-pixel metrics use only valid pixels. Filters process images whose invalid pixels are replicated from the nearest
valid ones, as at borders, and their results are used at valid pixels. Windows are used if all their pixels are valid.
Networks and spectra, which need whole images, use the largest valid rectangle.
"""

from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from kornia.filters import spatial_gradient
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

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

Rectangle = tuple[int, int, int, int]
"""Top, left, bottom and right; the last two are excluded."""

_MOST_CELLS = 512  # per side of the grid in which the largest rectangle is searched for


class ValidPixels:
    """The pixels of a scene that are valid in its RGB image and in its ground truth.

    Args:
        valid: Bool (1, 1, H, W), with at least one true pixel.
    """

    def __init__(self, valid: Tensor) -> None:
        self.mask = valid

    @property
    def share(self) -> float:
        """Share of the pixels that are valid."""
        return float(self.mask.double().mean())

    def counted(self, image: Tensor) -> Tensor:
        """Return the valid pixels of an image (1, 1, H, W) as one row (1, 1, 1, N)."""
        return image[self.mask].reshape(1, 1, 1, -1)

    def hidden(self, image: Tensor) -> Tensor:
        """Return an image (1, 1, H, W) with NaN where it is not valid."""
        return image.masked_fill(~self.mask, torch.nan)

    def extended(self, image: Tensor) -> Tensor:
        """Return an image (1, 1, H, W) whose invalid pixels take the nearest valid value, as borders are replicated."""
        rows, columns = self._nearest
        return image[..., rows, columns]

    def rectangle(self, image: Tensor, least: int) -> Tensor | None:
        """Return the largest rectangle without invalid pixels of an image; None if a side is below ``least`` pixels."""
        top, left, bottom, right = self.largest
        return None if min(bottom - top, right - left) < least else image[..., top:bottom, left:right]

    @cached_property
    def largest(self) -> Rectangle:
        """The largest rectangle without invalid pixels; accurate to a few pixels for large images."""
        return largest_rectangle(self.mask[0, 0].cpu().numpy())

    @cached_property
    def _nearest(self) -> tuple[Tensor, Tensor]:
        invalid = ~self.mask[0, 0].cpu().numpy()
        rows, columns = ndimage.distance_transform_edt(invalid, return_distances=False, return_indices=True)
        return torch.from_numpy(rows).to(self.mask.device), torch.from_numpy(columns).to(self.mask.device)


def whole_windows(valid: Tensor, side: int, stride: int = 1) -> Tensor:
    """Return whether windows of ``side`` pixels contain only valid pixels: bool (1, 1, h, w), without padding."""
    return F.max_pool2d((~valid).float(), side, stride) == 0


def largest_rectangle(valid: NDArray[np.bool_]) -> Rectangle:
    """Return the largest rectangle of true pixels of (H, W), an empty one if there is none.

    Each row in turn is the base of a histogram of the true pixels above it, whose largest rectangle is found with a
    stack of rising bars. Images of more than 512 pixels a side are reduced to cells, which are true if all their pixels
    are.
    """
    height, width = valid.shape
    cell = max(1, -(-max(height, width) // _MOST_CELLS))
    rows, columns = height // cell, width // cell
    cells = np.all(valid[: rows * cell, : columns * cell].reshape(rows, cell, columns, cell), axis=(1, 3))
    bars = np.zeros(columns + 1, np.int64)
    best, found = 0, (0, 0, 0, 0)
    for row in range(rows):
        bars[:-1] = (bars[:-1] + 1) * np.take(cells, row, axis=0)
        stack: list[tuple[int, int]] = []
        for column, bar in enumerate(bars.tolist()):
            left = column
            while stack and stack[-1][1] >= bar:
                left, tall = stack.pop()
                if tall * (column - left) > best:
                    best, found = tall * (column - left), (row + 1 - tall, left, row + 1, column)
            stack.append((left, bar))
    top, left, bottom, right = (edge * cell for edge in found)
    return top, left, bottom, right


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
    """Return the hot regions of a ground truth (1, 1, H, W) whose frames are inside the valid pixels."""
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
