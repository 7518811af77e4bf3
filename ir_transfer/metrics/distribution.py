"""Distances between the patch features of two sets of images: Frechet and kernel distance.

The samples are patches, not images: an image of 640 x 512 gives 285 patches of 64 pixels every 32, so that a few
dozen scenes suffice to estimate a covariance. A patch's feature is the mean, over the patch, of the unit-normalised
VGG features of all five levels. They are centred on the reference and each level is scaled to the same variance there,
since otherwise the first level, which represents little more than tone, would dominate.

The FID and KID of torchmetrics (an extra) are not used, since they compare whole images in an Inception network.
"""

from collections.abc import Sequence

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ir_transfer.errors import InputError

PATCH = 64
"""Side of a patch in pixels."""
BLOCK = 250
"""Samples of each set in a block of the kernel distance."""
_STRIDE = 16  # of the deepest level, relu5_1

Samples = NDArray[np.float32 | np.float64]
"""Features (N, D)."""


def patch_area(images: Tensor) -> Tensor:
    """Return images (B, C, H, W) cropped to sides that all levels divide, for equal grids of patches at each level.

    Raises:
        InputError: A side is shorter than a patch.
    """
    height, width = images.shape[-2:]
    if min(height, width) < PATCH:
        raise InputError(f"expected images of at least {PATCH} x {PATCH} pixels, got {height} x {width}")
    return images[..., : height - height % _STRIDE, : width - width % _STRIDE]


def pooled_patches(levels: Sequence[Tensor]) -> list[Samples]:
    """Return the features (N, D) of all 64-pixel patches, 32 pixels apart, by level.

    Args:
        levels: Unit-normalised features (B, D, h, w) by level, of a :func:`patch_area`.
    """
    samples = []
    for level, features in enumerate(levels):
        pooled = F.avg_pool2d(features, PATCH >> level, PATCH // 2 >> level)
        samples.append(pooled.permute(0, 2, 3, 1).flatten(0, 2).cpu().numpy())
    return samples


def joined(parts: Sequence[Sequence[Samples]]) -> list[Samples]:
    """Return the samples of several images as one set, by level."""
    return [np.concatenate(level) for level in zip(*parts, strict=True)]


def standardised(samples: Sequence[Samples], reference: Sequence[Samples]) -> Samples:
    """Return samples (N, D) of all levels, concatenated and standardised.

    Each level is centred on the reference's mean and scaled so that the reference has the same variance in each and a
    total variance of 1.

    Args:
        samples: (N, D_l) by level.
        reference: (M, D_l) by level.
    """
    scaled = []
    for level, other in zip(samples, reference, strict=True):
        variance = max(float(other.var(axis=0, dtype=np.float64).sum()), 1e-12)
        mean = other.mean(axis=0, dtype=np.float64)
        scaled.append((level - mean) / np.sqrt(variance * len(reference)))
    return np.concatenate(scaled, axis=1)


def frechet_distance(samples: Samples, reference: Samples) -> float:
    """Return the Frechet distance of two Gaussians fitted to samples (N, D) and (M, D).

    |mu_1 - mu_2|^2 + tr(C_1 + C_2 - 2 (C_1 C_2)^(1/2)) (Heusel et al. 2017, arXiv:1706.08500). It is biased upwards
    for few samples: compare methods only on equal numbers of samples. On standardised samples, 1 is the variance of
    the reference.
    """
    gaussians = [(s.mean(axis=0), np.cov(s, rowvar=False)) for s in (samples, reference)]
    return gaussian_distance(*gaussians[0], *gaussians[1])


def gaussian_distance(mean_a: Samples, cov_a: Samples, mean_b: Samples, cov_b: Samples) -> float:
    """Return the Frechet distance of two Gaussians from their means (D,) and covariances (D, D)."""
    # The trace of the root of a product equals that of a symmetric matrix, which needs no complex square root.
    values, vectors = np.linalg.eigh(cov_a)
    root = vectors * np.sqrt(values.clip(min=0)) @ vectors.T
    cross = np.sqrt(np.linalg.eigvalsh(root @ cov_b @ root).clip(min=0)).sum()
    return float(np.square(mean_a - mean_b).sum() + np.trace(cov_a) + np.trace(cov_b) - 2 * cross)


def kernel_distance(samples: Samples, reference: Samples, *, block: int = BLOCK, seed: int = 0) -> tuple[float, float]:
    """Return the squared maximum mean discrepancy and its standard error.

    The kernel is (x y + 1)^3, as in the KID (Binkowski et al. 2018, arXiv:1801.01401), whose division by the number of
    features is part of :func:`standardised`; the estimator is unbiased and is averaged over disjoint random blocks.
    Blocks share no sample, so that their spread gives the standard error of these samples; between scenes the distance
    varies more, as patches of one scene are correlated. It may be negative.

    Args:
        samples: (N, D).
        reference: (M, D).
        block: Samples of each set in a block; fewer where the sets are too small for two blocks.
        seed: Seed of the random blocks.

    Raises:
        InputError: Fewer than 4 samples in a set.
    """
    smaller = min(len(samples), len(reference))
    if smaller < 4:
        raise InputError(f"expected at least 4 samples in each set, got {len(samples)} and {len(reference)}")
    blocks = max(smaller // block, 2)
    rng = np.random.default_rng(seed)
    parts = [np.array_split(rng.permutation(s)[: smaller - smaller % blocks], blocks) for s in (samples, reference)]
    estimates = [_unbiased_mmd(a, b) for a, b in zip(*parts, strict=True)]
    return float(np.mean(estimates)), float(np.std(estimates, ddof=1) / np.sqrt(blocks))


def _unbiased_mmd(a: Samples, b: Samples) -> float:
    def kernel(x: Samples, y: Samples) -> Samples:
        return (x @ y.T + 1) ** 3

    def off_diagonal_mean(matrix: Samples) -> float:
        return float((matrix.sum() - np.trace(matrix)) / (len(matrix) * (len(matrix) - 1)))

    within = off_diagonal_mean(kernel(a, a)) + off_diagonal_mean(kernel(b, b))
    return within - 2 * float(kernel(a, b).mean())
