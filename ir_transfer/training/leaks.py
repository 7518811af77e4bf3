"""Refusal of data leaks: no scene and no image may be in both training and validation."""

import filecmp
import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from ir_transfer.data.pairs import Single
from ir_transfer.errors import InputError
from ir_transfer.regular_files import open_regular
from ir_transfer.training.sources import ImageFiles

_START = 2**16


def refuse_leaks(sources: Sequence[ImageFiles], validation: ImageFiles) -> None:
    """Refuse sources that share a scene or a copied image with the validation.

    Scenes are compared if both sides have the same card, and images byte by byte. Files listed on both sides are not
    reported, since they are excluded from training.

    Args:
        sources: Sources without the files of the validation.
        validation: Validation set.

    Raises:
        InputError: The first scene or image that is on both sides, and how many more there are.
    """
    for source in sources:
        if leaks := list(_shared_scenes(source, validation)):
            scene, ours, theirs = leaks[0]
            raise InputError(
                f"expected no scene in training and validation, got {scene!r} of the card {source.card} in both"
                f"{_more(leaks)}: {ours} ({source.where}) and {theirs} ({validation.where}): make subsets with "
                f"ir-transfer datasets split {source.card}, and set 'split' and 'validation_split' to the file, with "
                "'part: train' and 'validation_part: val' (a set of other places needs a separate card)"
            )
        if copies := list(_copies(source.rgb, validation.rgb)):
            ours, theirs = copies[0]
            raise InputError(
                f"expected no image in training and validation, got {ours} ({source.where}) and its copy {theirs} "
                f"({validation.where}){_more(copies)}: remove one of them"
            )


def refuse_overlap(source: ImageFiles, validation: ImageFiles) -> None:
    """Refuse a subset that contains images of the validation: two subsets of a split must be disjoint.

    Raises:
        InputError: The first such image, and how many more there are.
    """
    held_out = {single.path for single in validation.rgb}
    if shared := [single.path for single in source.rgb if single.path in held_out]:
        raise InputError(
            f"expected subsets without a common image, got {shared[0]} in {source.where} and in {validation.where}"
            f"{_more(shared)}: use two subsets of one split (part: train, validation_part: val)"
        )


def _more(found: Sequence[object]) -> str:
    return f" (and {len(found) - 1} more)" if len(found) > 1 else ""


def _shared_scenes(source: ImageFiles, validation: ImageFiles) -> Iterator[tuple[str, Path, Path]]:
    if source.card is None or source.card != validation.card:
        return
    held_out = {single.scene: single.path for single in validation.rgb if single.scene is not None}
    ours = {single.scene: single.path for single in source.rgb if single.scene in held_out}
    for scene, path in ours.items():
        if scene is not None:
            yield scene, path, held_out[scene]


def _copies(rgb: Sequence[Single], held_out: Sequence[Single]) -> Iterator[tuple[Path, Path]]:
    by_size: dict[int, list[Path]] = defaultdict(list)
    for single in held_out:
        by_size[single.path.stat().st_size].append(single.path)
    starts: dict[int, dict[bytes, Path]] = {}
    for single in rgb:
        size = single.path.stat().st_size
        if size not in by_size:
            continue
        if size not in starts:
            starts[size] = {_start(path): path for path in by_size[size]}
        twin = starts[size].get(_start(single.path))
        if twin is not None and filecmp.cmp(single.path, twin, shallow=False):
            yield single.path, twin


def _start(path: Path) -> bytes:
    """Return a digest of the first 64 KiB, which distinguishes most files of the same size."""
    with open_regular(path) as file:
        return hashlib.sha256(file.read(_START)).digest()
