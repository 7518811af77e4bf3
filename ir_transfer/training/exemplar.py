"""The exemplar of the validation: the one that the recipe names, or a typical one of the first source."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ir_transfer.data.image_io import OutputLevels
from ir_transfer.data.pair_files import to_unit
from ir_transfer.data.pairs import Single
from ir_transfer.errors import InputError
from ir_transfer.training.pictures import load_single
from ir_transfer.training.recipe import DataSection
from ir_transfer.training.sources import find_sources, find_validation, look_files

_SAMPLE = 48
"""So many pictures of a set tell what is typical of it."""


def validation_exemplar(data: DataSection, root: Path) -> tuple[OutputLevels, Path]:
    """Return the exemplar (h, w), white-hot, and its file.

    Where the recipe names none, it is the first of its first look. Without looks, it is the infrared picture of the
    first source whose mean and spread are closest to the medians of that source, of an even sample of it. Equal
    folders give equal exemplars.

    Raises:
        InputError: The file that the recipe names is missing.
        DecodeError: A file is no picture.
    """
    sources = find_sources(data, root)
    if data.validation_exemplar is None and data.looks:
        single = look_files(next(iter(data.looks)), data.looks, root)[0]
        return load_single(single), single.path
    if data.validation_exemplar is None:
        single = typical(sources[0].infrared, set(find_validation(data, root).infrared))
        return load_single(single), single.path
    path = root / data.validation_exemplar
    if not path.is_file():
        raise InputError(
            f"expected data.validation_exemplar at {path}, found none: name an infrared picture there, or leave the "
            "key out to take a typical one"
        )
    # A picture of a source is read by that source's card, which knows its polarity.
    known = {single.path: single for source in sources for single in source.infrared}
    return load_single(known.get(path, Single(path.stem, path, "ir"))), path


def typical(infrared: Sequence[Single], held_out: set[Single]) -> Single:
    """Return the picture whose mean and spread are closest to the medians of an even sample."""
    usable = [single for single in infrared if single not in held_out] or infrared
    count = min(len(usable), _SAMPLE)
    sample = [usable[index * len(usable) // count] for index in range(count)]
    pictures = (to_unit(load_single(single)) for single in sample)
    moments = np.array([(picture.mean(), picture.std()) for picture in pictures])
    return sample[int(np.square(moments - np.median(moments, axis=0)).sum(axis=1).argmin())]
