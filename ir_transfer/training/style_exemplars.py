"""Fixed looks in training: the exemplars of each, and the pairs that it is learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ir_transfer.data.image_io import OutputLevels
from ir_transfer.data.pair_files import to_unit
from ir_transfer.training.images import ImageSet, load_single
from ir_transfer.training.sources import style_files
from ir_transfer.training.style_pairs import assign_pairs, describe


class StyleExemplars:
    """Holds the looks of a recipe, white-hot, and draws what each is learned from.

    In canonical tone a look is what its exemplars show: whether the sky or the ground is warm, how fine the structure
    is. So each look learns from those pairs whose ground truths resemble its exemplars (see :func:`assign_pairs`), and
    from all RGB images without a ground truth.

    Args:
        named: Infrared files by the name of the look, relative to ``root`` or absolute.
        root: Folder of the images.
        sets: The recipe's sources.
        shares: Draws per RGB image of each source, relative to the others.

    Attributes:
        names: Of the looks, in the recipe's order.

    Raises:
        MissingFileError: A file is missing.
        DecodeError: A file is no image.
    """

    def __init__(
        self, named: Mapping[str, Sequence[str]], root: Path, sets: Sequence[ImageSet], shares: Sequence[float]
    ) -> None:
        self.names = tuple(named)
        self._exemplars = [[load_single(single) for single in style_files(name, named, root)] for name in named]
        self._places = [(chosen, index) for chosen, one in enumerate(sets) for index in range(len(one.rgb))]
        weights = np.array([shares[chosen] for chosen, _ in self._places])
        self._edges = np.cumsum(self._learned(sets) * weights, axis=1)

    @property
    def exemplars(self) -> dict[str, list[Tensor]]:
        """Exemplars (1, 1, h, w) in [0, 1] of every look by name."""
        pairs = zip(self.names, self._exemplars, strict=True)
        return {name: [torch.from_numpy(to_unit(one))[None, None] for one in found] for name, found in pairs}

    def draw(self, random: np.random.Generator) -> tuple[int, int, int]:
        """Draw a look, and the source and number of an RGB image that it is learned from."""
        look = int(random.integers(len(self.names)))
        edges = self._edges[look]
        place = min(int(np.searchsorted(edges, random.random() * edges[-1], side="right")), len(edges) - 1)
        return (look, *self._places[place])

    def exemplar(self, look: int, random: np.random.Generator) -> OutputLevels:
        """Return one of the exemplars of a look (h, w)."""
        found = self._exemplars[look]
        return found[int(random.integers(len(found)))]

    def _learned(self, sets: Sequence[ImageSet]) -> np.ndarray:
        """Return which RGB images each look is learned from (N, n)."""
        learned = np.ones((len(self.names), len(self._places)), bool)
        paired = np.array([sets[chosen].paired for chosen, _ in self._places])
        if paired.any():
            places = [place for place, is_paired in zip(self._places, paired, strict=True) if is_paired]
            truths = [
                describe(load_single(sets[chosen].infrared[index], sets[chosen].max_width)) for chosen, index in places
            ]
            learned[:, paired] = assign_pairs(truths, [[describe(one) for one in found] for found in self._exemplars])
        return learned
