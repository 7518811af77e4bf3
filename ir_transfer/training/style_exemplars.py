"""Exemplars of fixed styles in training, and the pairs that each style is trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ir_transfer.data.pair_files import to_unit
from ir_transfer.imaging.image_io import OutputLevels
from ir_transfer.training.images import ImageSet, load_infrared
from ir_transfer.training.sources import style_files
from ir_transfer.training.style_pairs import assign_pairs, describe_infrared


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
