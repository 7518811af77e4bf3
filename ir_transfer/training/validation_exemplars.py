"""Exemplars of a validation set: those listed in the recipe, or two typical infrared images."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ir_transfer.data.pair_files import to_unit
from ir_transfer.data.pairs import Single
from ir_transfer.errors import InputError
from ir_transfer.imaging.image_io import OutputLevels
from ir_transfer.training.images import load_infrared
from ir_transfer.training.recipe import DataSection, ValidationSet
from ir_transfer.training.sources import ImageFiles, find_sources, find_validations, style_files

_SAMPLE = 48
"""Images of a set from which the typical ones are chosen."""


def validation_exemplars(
    data: DataSection, root: Path, chosen: ValidationSet, found: ImageFiles
) -> list[tuple[OutputLevels, Path]]:
    """Return the exemplars (h, w) of a validation set, white-hot, each with its file.

    If the set names no exemplar, it is the first file of the recipe's first style. In a recipe without styles, they are
    :func:`typical` images of the set's own ground truths, which have the right band, camera and time of day, or of the
    first source if the set is unpaired. The choice is deterministic.

    Args:
        data: The recipe's data section.
        root: Folder to which its paths are relative.
        chosen: The set.
        found: Its image files.

    Raises:
        InputError: A file named in the recipe is missing.
        DecodeError: A file is not an image.
    """
    sources = find_sources(data, root)
    if not chosen.exemplars and data.looks:
        singles = style_files(next(iter(data.looks)), data.looks, root)[:1]
    elif not chosen.exemplars:
        held_out = {single for other in find_validations(data, root) for single in other.infrared}
        singles = typical(found.infrared) if found.infrared else typical(sources[0].infrared, held_out)
    else:
        # An image of a source or of the set is read with its card, which states its polarity.
        known = {single.path: single for other in (*sources, found) for single in other.infrared}
        paths = [_existing(root / text, found.where) for text in chosen.exemplars]
        singles = [known.get(path, Single(path.stem, path, "ir")) for path in paths]
    return [(load_infrared(single), single.path) for single in singles]


def typical(infrared: Sequence[Single], held_out: Collection[Single] = ()) -> list[Single]:
    """Return two typical images, one of the darker and one of the brighter half of an even sample.

    In each half it is the image whose mean and deviation are closest to the medians of that half. A set of one image
    gives that image only.

    Args:
        infrared: Images to choose from.
        held_out: Images to exclude, if others remain.
    """
    usable = [single for single in infrared if single not in held_out] or infrared
    count = min(len(usable), _SAMPLE)
    sample = [usable[index * len(usable) // count] for index in range(count)]
    moments = np.array([(p.mean(), p.std()) for p in (to_unit(load_infrared(single)) for single in sample)])
    order = np.argsort(moments[:, 0], kind="stable")
    halves = [half for half in np.array_split(order, 2) if half.size]
    return [sample[half[_most_typical(moments[half])]] for half in halves]


def _most_typical(moments: NDArray[np.float64]) -> int:
    return int(np.square(moments - np.median(moments, axis=0)).sum(axis=1).argmin())


def _existing(path: Path, where: str) -> Path:
    if not path.is_file():
        key = f"{where}_exemplar" if where == "data.validation" else f"an exemplar of {where}"
        raise InputError(
            f"expected {key} at {path}, found none: set it to an infrared image, or omit the key to use typical ones"
        )
    return path
