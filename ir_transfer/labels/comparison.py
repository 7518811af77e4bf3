"""Comparison of the labels of a source set and its translated set: classes, boxes and masks must be equal."""

from collections import Counter
from collections.abc import Iterable
from hashlib import sha256
from pathlib import PurePosixPath

from ir_transfer.errors import DecodeError
from ir_transfer.labels.base import LabelledImage, LabelledSet
from ir_transfer.labels.classification import ClassificationSet, class_of
from ir_transfer.labels.regions import Box, Region
from ir_transfer.labels.side_files import Results

Signature = tuple[str, Box, bytes]


def compare_labels(before: LabelledSet, after: LabelledSet, results: Results) -> list[str]:
    """Compare regions, size, split and class of each result with those of its source image.

    Sizes are read from the headers. The number of compared labels is added to ``before.compared``.

    Args:
        before: Source set.
        after: Written set, opened again.
        results: Paths of the results by path of their image, as given to :meth:`~.base.LabelledSet.write`.

    Returns:
        A line for each difference.
    """
    if before.kind != after.kind:
        return [f"expected labels of the format {before.kind}, got {after.kind}"]
    found = []
    # Without a list of classes in the format, classes of failed images are missing.
    failed = any(not results.get(image.rel_path) for image in before.images)
    if before.classes != after.classes and not (failed and set(after.classes) <= set(before.classes)):
        found.append(f"expected the classes {before.classes}, got {after.classes}")
    sources, made = ({image.rel_path: image for image in labelled.images} for labelled in (before, after))
    for rel_path, variants in results.items():
        if rel_path not in sources:
            found += [f"{variant}: expected a source of the set, got {rel_path}" for variant in variants]
        elif variants:
            found += _compare_all(
                before, after, sources[rel_path], [made.get(variant, variant) for variant in variants]
            )
    extra = made.keys() - {variant for variants in results.values() for variant in variants}
    return found + [f"{rel_path}: expected only results of this run, got another image" for rel_path in sorted(extra)]


def _compare_all(
    before: LabelledSet, after: LabelledSet, source: LabelledImage, variants: list[LabelledImage | PurePosixPath]
) -> list[str]:
    try:
        size = before.frame_size(source)
    except DecodeError as error:
        return [f"{source.rel_path}: {error.line}"]
    regions = before.regions(source, *size)
    before.report_outside(source, regions, *size)
    expected = _signatures(regions, size)
    found = []
    before.compared += sum(expected.values()) * len(variants)
    for variant in variants:
        if isinstance(variant, PurePosixPath):
            found.append(f"{variant}: expected it in the new set, found it in no label file")
            continue
        try:
            new = after.frame_size(variant)
        except DecodeError as error:
            found.append(f"{variant.rel_path}: {error.line}")
            continue
        if new != size:
            found.append(f"{variant.rel_path}: expected {size[1]} x {size[0]} pixels, got {new[1]} x {new[0]}")
        if source.split != variant.split:
            found.append(f"{variant.rel_path}: expected the split {source.split}, got {variant.split}")
        if isinstance(before, ClassificationSet) and class_of(source.rel_path) != class_of(variant.rel_path):
            kinds = class_of(source.rel_path), class_of(variant.rel_path)
            found.append(f"{variant.rel_path}: expected the class {kinds[0]}, got {kinds[1]}")
        got = _signatures(after.regions(variant, *new), new)
        for verb, rest in (("expected", expected - got), ("did not expect", got - expected)):
            found += [f"{variant.rel_path}: {verb} {name} at {box} on the same pixels" for name, box, _ in rest]
    return found


def _signatures(regions: Iterable[Region], size: tuple[int, int]) -> Counter[Signature]:
    return Counter(_signature(region, *size) for region in regions)


def _signature(region: Region, height: int, width: int) -> Signature:
    """Return name, box and a hash of what determines the mask.

    A mask is drawn only without polygons or run lengths, since drawing takes a millisecond for each object.
    """
    if region.draw is None:
        return region.name, region.box, b""
    data = region.mask(height, width).tobytes() if region.shape is None else repr(region.shape).encode()
    return region.name, region.box, sha256(data).digest()
