"""Fixed looks: exemplars by the name of a look, and the truths of a set as the look's camera would show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ir_transfer.data.augment import Floats
from ir_transfer.data.image_io import OutputLevels
from ir_transfer.data.pair_files import to_unit
from ir_transfer.models.fixed_looks import intensity_quantiles
from ir_transfer.training.pictures import PictureSet, load_single
from ir_transfer.training.sources import look_files

_RANKS = 257
_SAMPLE = 48  # so many pictures of a set tell its tone
_STRIDE = 17  # of pixels: a part of them gives the same quantiles


class Looks:
    """Holds the looks of a recipe, white-hot.

    A registered truth has the tone of its own camera. The curve that carries the intensities of all truths of a set to
    those of a look is the same for every scene, so it changes the camera and leaves what is hot and what is cold.

    Args:
        named: Infrared files by the name of the look, relative to ``root`` or absolute.
        root: Folder of the pictures.
        sets: The recipe's sources.

    Attributes:
        names: Of the looks, in the recipe's order.

    Raises:
        MissingFileError: A file is missing.
        DecodeError: A file is no picture.
    """

    def __init__(self, named: Mapping[str, Sequence[str]], root: Path, sets: Sequence[PictureSet]) -> None:
        self.names = tuple(named)
        self._pictures = [[load_single(single) for single in look_files(name, named, root)] for name in named]
        self._tones = [_quantiles(pictures) for pictures in self._pictures]
        self._set_tones = [_quantiles(_sample(pictures)) if pictures.paired else None for pictures in sets]

    @property
    def intensities(self) -> Tensor:
        """Quantile functions of the looks (N, 17), as weights keep them."""
        return torch.stack([intensity_quantiles(torch.from_numpy(tone)) for tone in self._tones])

    def exemplar(self, look: int, random: np.random.Generator) -> OutputLevels:
        """Return one of the pictures of a look (h, w)."""
        pictures = self._pictures[look]
        return pictures[int(random.integers(len(pictures)))]

    def toned(self, truth: Floats, look: int, source: int) -> Floats:
        """Return a truth of a paired source as the look's camera would show it."""
        tone = self._set_tones[source]
        return truth if tone is None else np.interp(truth, tone, self._tones[look]).astype(np.float32)


def _sample(pictures: PictureSet) -> Iterable[OutputLevels]:
    count = min(len(pictures.infrared), _SAMPLE)
    return (pictures.exemplar(index * len(pictures.infrared) // count) for index in range(count))


def _quantiles(pictures: Iterable[OutputLevels]) -> NDArray[np.float64]:
    """Return the quantile function (257,) of the intensities of pictures; it rises everywhere, so that it inverts."""
    pooled = np.concatenate([to_unit(picture).ravel()[::_STRIDE] for picture in pictures])
    found = np.quantile(pooled, np.linspace(0, 1, _RANKS))
    return np.asarray(found + np.linspace(0, 1e-6, _RANKS))
