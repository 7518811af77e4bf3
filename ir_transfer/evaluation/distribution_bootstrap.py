"""Frechet and kernel distance of patch features, resampled by the draws of a :class:`SceneBootstrap`."""

import tempfile
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ir_transfer.evaluation.bootstrap import Estimate, SceneBootstrap
from ir_transfer.metrics.distribution import (
    Samples,
    frechet_distance,
    gaussian_distance,
    kernel_distance,
    standardised,
)


class PatchFile:
    """Patch features of one method in a temporary file, which is deleted with this object.

    Memory then holds the features of only one method at a time.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="ir-transfer-")  # noqa: SIM115 (it lives as long as this object)
        self._widths: list[int] = []
        self._scenes: list[int] = []
        self._counts: list[int] = []

    def add(self, scene: int, levels: Sequence[Samples]) -> None:
        """Append the patches of one image.

        Args:
            scene: Index of the scene.
            levels: Features (N, D_l) by level.
        """
        self._widths = [level.shape[1] for level in levels]
        self._scenes.append(scene)
        self._counts.append(len(levels[0]))
        self._file.write(np.concatenate(levels, axis=1).astype(np.float32).tobytes())

    def __len__(self) -> int:
        return sum(self._counts)

    @property
    def owners(self) -> NDArray[np.int64]:
        """Index of the scene of every patch (N,), ascending."""
        return np.repeat(self._scenes, self._counts)

    def read(self) -> list[Samples]:
        """Return the features of all patches (N, D_l) by level."""
        self._file.seek(0)
        rows = np.frombuffer(self._file.read(), dtype=np.float32).reshape(len(self), sum(self._widths))
        return list(np.split(rows, np.cumsum(self._widths)[:-1], axis=1))


RESAMPLES = 200
"""Number of draws of the scenes that are used, since each needs a matrix decomposition."""
DIRECTIONS = 64
"""Number of principal directions of the ground-truth patches used for the draws of the Frechet distance."""
PATCHES = 2000
"""Largest number of evenly spaced patches of a set used for the draws of the kernel distance."""

Matrix = NDArray[np.float64]


class DistributionBootstrap:
    """Distances of patch sets to that of the ground truth, with their draws.

    The distances use all patches and all features. The draws estimate their variation over scenes: each drawn scene
    contributes its patches of outputs and of ground truth. Since scenes are drawn repeatedly, both distances are biased
    in the draws, which are therefore shifted so that their mean is the distance.

    Args:
        ground_truth: Patches of the ground-truth images.
        bootstrap: Draws of the scenes.
    """

    def __init__(self, ground_truth: PatchFile, bootstrap: SceneBootstrap) -> None:
        self._own = ground_truth.read()
        self._reference = standardised(self._own, self._own)
        self._owners = ground_truth.owners
        self._counts = bootstrap.counts[:RESAMPLES]
        _, vectors = np.linalg.eigh(np.cov(self._reference, rowvar=False))
        self._basis = vectors[:, ::-1][:, :DIRECTIONS]

    def __call__(self, method: PatchFile) -> dict[str, Estimate]:
        """Return the estimates ``patch_frechet`` and ``patch_mmd`` of a method's patches."""
        samples, owners = standardised(method.read(), self._own), method.owners
        frechet = frechet_distance(samples, self._reference)
        mmd, _ = kernel_distance(samples, self._reference)
        return {
            "patch_frechet": _centred(frechet, self._frechet_draws(samples, owners)),
            "patch_mmd": _centred(mmd, self._kernel_draws(samples, owners)),
        }

    def _frechet_draws(self, samples: Samples, owners: NDArray[np.int64]) -> Matrix:
        sets = [self._drawn_gaussians(s, o) for s, o in ((samples, owners), (self._reference, self._owners))]
        pairs = zip(*sets[0], *sets[1], strict=True)
        return np.array([gaussian_distance(*pair) for pair in pairs])

    def _drawn_gaussians(self, samples: Samples, owners: NDArray[np.int64]) -> tuple[list[Matrix], list[Matrix]]:
        """Return means and covariances of every draw from sums over the patches of each scene."""
        short = samples @ self._basis
        scenes = self._counts.shape[1]
        parts = [short[owners == scene] for scene in range(scenes)]
        sizes = np.array([len(part) for part in parts])
        sums, squares = np.stack([p.sum(axis=0) for p in parts]), np.stack([p.T @ p for p in parts])
        means, covariances = [], []
        for counts in self._counts:
            total = counts @ sizes
            mean = counts @ sums / total
            square = np.tensordot(counts, squares, axes=1) / total
            means.append(mean)
            covariances.append(square - np.outer(mean, mean))
        return means, covariances

    def _kernel_draws(self, samples: Samples, owners: NDArray[np.int64]) -> Matrix:
        a, of_a = _thinned(samples, owners)
        b, of_b = _thinned(self._reference, self._owners)
        scenes = self._counts.shape[1]

        def mean(x: Samples, y: Samples, of_x: NDArray[np.int64], of_y: NDArray[np.int64]) -> Matrix:
            """Mean of the kernel over pairs of patches of different scenes, in every draw."""
            sums, pairs = _by_scene((x @ y.T + 1) ** 3, of_x, of_y, scenes)
            totals = np.einsum("ri,ij,rj->r", self._counts, pairs, self._counts)
            found = np.einsum("ri,ij,rj->r", self._counts, sums, self._counts)
            means: Matrix = np.divide(found, totals, out=np.full(len(totals), np.nan), where=totals > 0)
            return means

        within = mean(a, a, of_a, of_a) + mean(b, b, of_b, of_b)
        draws: Matrix = within - 2 * mean(a, b, of_a, of_b)
        return draws


def _thinned(samples: Samples, owners: NDArray[np.int64]) -> tuple[Samples, NDArray[np.int64]]:
    chosen = np.linspace(0, len(samples) - 1, min(len(samples), PATCHES)).round().astype(np.int64)
    return samples[chosen], owners[chosen]


def _by_scene(
    kernel: Samples, rows: NDArray[np.int64], columns: NDArray[np.int64], scenes: int
) -> tuple[Matrix, Matrix]:
    """Return sums (scenes, scenes) of the kernel and numbers of pairs, both 0 within a scene."""
    left, right = (np.eye(scenes)[of] for of in (rows, columns))
    sums, pairs = left.T @ kernel @ right, np.outer(left.sum(axis=0), right.sum(axis=0))
    np.fill_diagonal(sums, 0)
    np.fill_diagonal(pairs, 0)
    return sums, pairs


def _centred(value: float, draws: Matrix) -> Estimate:
    known = draws[~np.isnan(draws)]
    return Estimate(value, draws - known.mean() + value if known.size else draws)
