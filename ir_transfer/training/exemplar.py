"""The exemplars of a validation set: those that the recipe names, or two typical ones."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ir_transfer.data.image_io import OutputLevels
from ir_transfer.data.pair_files import to_unit
from ir_transfer.data.pairs import Single
from ir_transfer.errors import InputError
from ir_transfer.training.pictures import load_single
from ir_transfer.training.recipe import DataSection, ValidationSet
from ir_transfer.training.sources import Found, find_sources, find_validations, look_files

_SAMPLE = 48
"""So many pictures of a set tell what is typical of it."""


def validation_exemplars(
    data: DataSection, root: Path, chosen: ValidationSet, found: Found
) -> list[tuple[OutputLevels, Path]]:
    """Return the exemplars (h, w) of a validation set, white-hot, each with its file.

    Where the recipe names none, it is the first of its first look. Without looks, they are :func:`typical` pictures of
    the set's own truths, so that band, camera and time of day are right; without truths, those of the first source.
    Equal folders give equal exemplars.

    Args:
        data: The recipe's data section.
        root: Folder that its paths are relative to.
        chosen: The set.
        found: Its pictures.

    Raises:
        InputError: A file that the recipe names is missing.
        DecodeError: A file is no picture.
    """
    sources = find_sources(data, root)
    if not chosen.exemplars and data.looks:
        singles = look_files(next(iter(data.looks)), data.looks, root)[:1]
    elif not chosen.exemplars:
        held_out = {single for other in find_validations(data, root) for single in other.infrared}
        singles = typical(found.infrared) if found.infrared else typical(sources[0].infrared, held_out)
    else:
        # A picture of a source or of the set is read by its card, which knows its polarity.
        known = {single.path: single for other in (*sources, found) for single in other.infrared}
        paths = [_existing(root / text, found.where) for text in chosen.exemplars]
        singles = [known.get(path, Single(path.stem, path, "ir")) for path in paths]
    return [(load_single(single), single.path) for single in singles]


def typical(infrared: Sequence[Single], held_out: Collection[Single] = ()) -> list[Single]:
    """Return two typical pictures that differ: of the darker and of the brighter half of an even sample.

    In each half it is the picture whose mean and spread are closest to that half's medians; one alone if there is no
    second picture.

    Args:
        infrared: Pictures to choose from.
        held_out: Those to leave out, if others remain.
    """
    usable = [single for single in infrared if single not in held_out] or infrared
    count = min(len(usable), _SAMPLE)
    sample = [usable[index * len(usable) // count] for index in range(count)]
    moments = np.array([(p.mean(), p.std()) for p in (to_unit(load_single(single)) for single in sample)])
    order = np.argsort(moments[:, 0], kind="stable")
    halves = [half for half in np.array_split(order, 2) if half.size]
    return [sample[half[_most_typical(moments[half])]] for half in halves]


def _most_typical(moments: NDArray[np.float64]) -> int:
    return int(np.square(moments - np.median(moments, axis=0)).sum(axis=1).argmin())


def _existing(path: Path, where: str) -> Path:
    if not path.is_file():
        key = f"{where}_exemplar" if where == "data.validation" else f"an exemplar of {where}"
        raise InputError(
            f"expected {key} at {path}, found none: name an infrared picture there, or leave the key out to take "
            "typical ones"
        )
    return path
