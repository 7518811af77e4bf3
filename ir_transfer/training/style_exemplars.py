"""Exemplars of fixed styles in training, and the pairs that each style is trained on."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ir_transfer.data.pair_files import to_unit
from ir_transfer.imaging.image_io import OutputLevels
from ir_transfer.nn.thermal.exemplar_encoder import standardised
from ir_transfer.training.images import ImageSet, load_infrared
from ir_transfer.training.sources import style_files

Floats = NDArray[np.float64]

_SIZE = (64, 80)
_RANKS = (0.05, 0.2, 0.4, 0.6, 0.8, 0.95)
_BANDS = 4  # of rows
_SCALES = (2, 4, 8)
_SHARPNESS = 0.1  # of the assignment, in mean distances
_ROUNDS = 200


def describe_infrared(infrared: OutputLevels) -> Floats:
    """Return a descriptor (13,) of a white-hot infrared image (H, W), independent of gain and offset.

    It consists of six quantiles of the intensities, the means of four bands of rows, from sky to ground, and the
    logarithms of the deviations of three octaves of detail.
    """
    image = torch.from_numpy(np.ascontiguousarray(to_unit(infrared)))[None, None].double()
    small = standardised(F.interpolate(image, _SIZE, mode="bilinear", antialias=True, align_corners=False))
    quantiles = torch.quantile(small.flatten(), torch.tensor(_RANKS, dtype=small.dtype))
    rows = F.adaptive_avg_pool2d(small, (_BANDS, 1)).flatten()
    return torch.cat([quantiles, rows, _octaves(small)]).numpy()


def assign_pairs(truths: Sequence[Floats], styles: Sequence[Sequence[Floats]]) -> NDArray[np.bool_]:
    """Return which of n ground truths each of N styles is trained on, bool (N, n).

    With several styles, each ground truth is assigned to one of them, so that all styles get about the same number with
    the smallest total distance (entropic optimal transport, Cuturi 2013). A single style gets the nearer half.

    Args:
        truths: Descriptors of the ground truths.
        styles: Descriptors of the exemplars of each style.
    """
    described = np.stack(truths)
    spread = described.std(axis=0) + 1e-6
    distances = np.stack(
        [
            np.min([np.linalg.norm((described - one) / spread, axis=1) for one in exemplars], axis=0)
            for exemplars in styles
        ]
    )
    if len(styles) == 1:
        return np.asarray(distances <= np.median(distances))
    chosen = _balanced(distances / distances.mean()).argmax(axis=0)
    return np.asarray(chosen == np.arange(len(styles))[:, None])


def _balanced(costs: Floats) -> Floats:
    """Return the transport plan (N, n) of least cost with equal row sums and equal column sums."""
    plan = np.exp(-(costs - costs.min(axis=0)) / _SHARPNESS) + 1e-30
    for _ in range(_ROUNDS):
        plan /= plan.sum(axis=1, keepdims=True) * len(plan)
        plan /= plan.sum(axis=0, keepdims=True) * plan.shape[1]
    return np.asarray(plan)


def _octaves(image: Tensor) -> Tensor:
    blurred = [image, *(F.interpolate(F.avg_pool2d(image, scale), _SIZE, mode="bilinear") for scale in _SCALES)]
    bands = [(fine - coarse).std() for fine, coarse in pairwise(blurred)]
    return torch.stack(bands).clamp(min=1e-4).log()


class StyleExemplars:
    """White-hot exemplars of a recipe's fixed styles, and random draws of the images that each is trained on.

    In canonical tone a style is described by its exemplars: whether sky or ground is warm, and how fine the structure
    is. Each style is trained on the pairs whose ground truths resemble its exemplars (see :func:`assign_pairs`), and on
    all RGB images without a ground truth.

    Args:
        named: Infrared files by name of the style, relative to ``root`` or absolute.
        root: Folder of the images.
        sets: Image sets of the recipe's sources.
        shares: Draws per RGB image of each source, relative to the others.

    Attributes:
        names: Names of the styles, in the recipe's order.

    Raises:
        MissingFileError: A file is missing.
        DecodeError: A file is not an image.
    """

    def __init__(
        self, named: Mapping[str, Sequence[str]], root: Path, sets: Sequence[ImageSet], shares: Sequence[float]
    ) -> None:
        self.names = tuple(named)
        self._exemplars = [[load_infrared(single) for single in style_files(name, named, root)] for name in named]
        self._places = [(chosen, index) for chosen, one in enumerate(sets) for index in range(len(one.rgb))]
        weights = np.array([shares[chosen] for chosen, _ in self._places])
        self._edges = np.cumsum(self._learned(sets) * weights, axis=1)

    @property
    def exemplars(self) -> dict[str, list[Tensor]]:
        """Exemplars (1, 1, h, w) in [0, 1] of every style by name."""
        pairs = zip(self.names, self._exemplars, strict=True)
        return {name: [torch.from_numpy(to_unit(one))[None, None] for one in found] for name, found in pairs}

    def draw(self, random: np.random.Generator) -> tuple[int, int, int]:
        """Draw a style, a source, and the number of an RGB image in it that the style is trained on."""
        style = int(random.integers(len(self.names)))
        edges = self._edges[style]
        place = min(int(np.searchsorted(edges, random.random() * edges[-1], side="right")), len(edges) - 1)
        return (style, *self._places[place])

    def exemplar(self, style: int, random: np.random.Generator) -> OutputLevels:
        """Return a random exemplar (h, w) of a style."""
        found = self._exemplars[style]
        return found[int(random.integers(len(found)))]

    def _learned(self, sets: Sequence[ImageSet]) -> np.ndarray:
        """Return which of n RGB images each of N styles is trained on, bool (N, n)."""
        learned = np.ones((len(self.names), len(self._places)), bool)
        paired = np.array([sets[chosen].paired for chosen, _ in self._places])
        if paired.any():
            places = [place for place, is_paired in zip(self._places, paired, strict=True) if is_paired]
            truths = [
                describe_infrared(load_infrared(sets[chosen].infrared[index], sets[chosen].max_width))
                for chosen, index in places
            ]
            learned[:, paired] = assign_pairs(
                truths, [[describe_infrared(one) for one in found] for found in self._exemplars]
            )
        return learned
