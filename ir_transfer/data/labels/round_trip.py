"""Proof that labels still lie on the same pixels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from hashlib import sha256
from pathlib import Path

from ir_transfer.data.image_io import read_picture
from ir_transfer.data.labels.base import LabelledPicture, LabelledSet, by_place
from ir_transfer.data.labels.classification import ClassificationSet, class_of
from ir_transfer.data.labels.regions import Region
from ir_transfer.data.labels.side_files import Results
from ir_transfer.errors import DecodeError, MissingFileError


def check_round_trip(before: LabelledSet, after: LabelledSet, results: Results) -> list[str]:
    """Compare every region of every picture that was made with those of its source, and the sizes of both.

    Args:
        before: The source set.
        after: The set that was written, opened again.
        results: As they were given to :meth:`~.base.LabelledSet.write`.

    Returns:
        What differs, a line each; nothing if all is the same.
    """
    if before.kind != after.kind:
        return [f"expected labels of the format {before.kind}, got {after.kind}"]
    found = []
    if before.classes != after.classes:
        found.append(f"expected the classes {before.classes}, got {after.classes}")
    sources, made = by_place(before.pictures), by_place(after.pictures)
    for place, variants in results.items():
        for variant in variants:
            if place not in sources:
                found.append(f"{variant}: expected a source of the set, got {place}")
            elif variant not in made:
                found.append(f"{variant}: expected it in the new set, found it in no label file")
            else:
                found += _compare(before, after, sources[place], made[variant])
    extra = made.keys() - {variant for variants in results.values() for variant in variants}
    return found + [f"{place}: expected a result of this run, got a picture nobody made" for place in sorted(extra)]


def _compare(before: LabelledSet, after: LabelledSet, source: LabelledPicture, variant: LabelledPicture) -> list[str]:
    try:
        height, width = _size(source.path)
        new = _size(variant.path)
    except (DecodeError, MissingFileError) as error:
        return [f"{variant.place}: {error.line}"]
    found = []
    if new != (height, width):
        found.append(f"{variant.place}: expected {width} x {height} pixels, got {new[1]} x {new[0]}")
    if source.split != variant.split:
        found.append(f"{variant.place}: expected the split {source.split}, got {variant.split}")
    if isinstance(before, ClassificationSet) and class_of(source.place) != class_of(variant.place):
        found.append(f"{variant.place}: expected the class {class_of(source.place)}, got {class_of(variant.place)}")
    expected = Counter(_identity(region, height, width) for region in before.regions(source, height, width))
    got = Counter(_identity(region, *new) for region in after.regions(variant, *new))
    for verb, rest in (("expected", expected - got), ("did not expect", got - expected)):
        found += [f"{variant.place}: {verb} {name} at {box} on the same pixels" for name, box, _ in rest]
    return found


def _size(path: Path) -> tuple[int, int]:
    picture = read_picture(path)
    return picture.height, picture.width


def _identity(region: Region, height: int, width: int) -> tuple[Hashable, ...]:
    """Return what must stay: a box alone decides its pixels, so that only drawn ones are compared."""
    pixels = b"" if region.draw is None else sha256(region.mask(height, width).tobytes()).digest()
    return region.name, region.box, pixels
