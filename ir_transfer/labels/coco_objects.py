"""Objects of COCO annotations, read in the same way for data sets, label maps and evaluation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ir_transfer.errors import InputError
from ir_transfer.labels.coco_file import CocoFile, Image
from ir_transfer.labels.coco_values import box_of, id_of, numbers, whole_numbers
from ir_transfer.labels.label_maps.rasterize import Mask, check_rle, rle_mask
from ir_transfer.labels.regions import Box, Region, polygon_region
from ir_transfer.labels.text_io import printable, quoted

Size = tuple[int, int]
"""Height and width."""


@dataclass(frozen=True)
class CocoObject:
    """An object of an annotation.

    Attributes:
        index: Index of the annotation in its file.
        region: Class and pixels; None without a valid segmentation or box.
        category: Category id; None if the file does not list it.
        crowd: Whether it is a crowd of many objects (``iscrowd``).
        problems: Defects of the annotation, and how they are handled.
    """

    index: int
    region: Region | None
    category: int | str | None
    crowd: bool
    problems: tuple[str, ...] = ()


def objects_of(file: CocoFile, image: Image, size: Size) -> Iterator[CocoObject]:
    """Yield the objects of an image, without captions and panoptic segments.

    Args:
        file: File of the annotations.
        image: Entry of the image in the file.
        size: Height and width of the image in pixels.
    """
    for index in () if image.id is None else file.of_image.get(image.id, ()):
        if index not in file.segment_files and (found := object_at(file, index, size)) is not None:
            yield found


def object_at(file: CocoFile, index: int, size: Size) -> CocoObject | None:
    """Return the object of an annotation; None for a caption. See :func:`objects_of`."""
    entry = file.annotation(index)
    segmentation = entry.get("segmentation")
    if "bbox" not in entry and not segmentation:
        return None
    problems = []
    key = entry.get("category_id")
    own = id_of(key)
    name = class_name(file, key)
    if own is None or own not in file.categories:
        problems.append(unknown_category(key))
        own = None
    instance = str(file.annotation_ids[index])
    box = box_or_none(entry)
    try:
        region = region_of_segmentation(name, instance, segmentation, box, size)
    except InputError as error:
        problems.append(f"{error}: {'its box is used' if box else 'no region'}")
        region = None if box is None else Region(name, instance, box)
    return CocoObject(index, region, own, bool(entry.get("iscrowd")), tuple(problems))


def class_name(file: CocoFile, key: Any) -> str:
    """Return the name of a ``category_id``; a placeholder if the file does not list it."""
    own = id_of(key)
    return file.categories[own] if own is not None and own in file.categories else printable(f"category {quoted(key)}")


def unknown_category(key: Any) -> str:
    """Return the message about a ``category_id`` that the file does not list."""
    return f"expected a category of the file, got category_id {quoted(key)}: kept unchanged"


def box_or_none(entry: dict[str, Any]) -> Box | None:
    """Return the box of an annotation; None without a valid one, which :class:`CocoFile` has reported."""
    try:
        return box_of(entry)
    except InputError:
        return None


def rle_size(segmentation: Any) -> Size | None:
    """Return the height and width stated with run lengths; None for polygons."""
    size = segmentation.get("size") if isinstance(segmentation, dict) else None
    is_size = isinstance(size, list) and len(size) == 2 and all(isinstance(side, int) for side in size)
    return (size[0], size[1]) if is_size and size is not None else None


def region_of_segmentation(name: str, instance: str, segmentation: Any, box: Box | None, size: Size) -> Region | None:
    """Return the region of ``segmentation``, or of the box without one; None without both.

    Raises:
        InputError: Neither valid polygons nor run lengths of an image of this size.
    """
    if not segmentation:
        return None if box is None else Region(name, instance, box)
    if isinstance(segmentation, dict):
        counts = segmentation.get("counts")
        if numbers(segmentation.get("size")) != list(size):
            raise InputError(
                f"expected run lengths of an image of {list(size)} pixels, got {quoted(segmentation.get('size'))}"
            )
        if not isinstance(counts, str):
            counts = whole_numbers(counts)
        runs = check_rle(counts, *size)
        if not runs[1::2].any():
            raise InputError("expected run lengths that hold pixels, got none")
        around = _rle_box(runs, size[0])
        full = int(runs[1::2].sum()) == (around[2] - around[0]) * (around[3] - around[1])
        return Region(name, instance, box or around, partial(_rle_mask, counts, size), full, (counts, size))
    if not isinstance(segmentation, list):
        raise InputError(f"expected polygons or run lengths, got {quoted(segmentation)}")
    flat = not isinstance(segmentation[0], list)
    return polygon_region(name, instance, [numbers(one) for one in ([segmentation] if flat else segmentation)], box)


def _rle_box(runs: NDArray[np.int64], height: int) -> Box:
    """Return the bounding box of run lengths without allocating the mask, since a file may state any size."""
    stops = np.cumsum(runs)[1::2]
    held = runs[1::2] > 0
    first, last = (stops - runs[1::2])[held], stops[held] - 1
    columns = first // height, last // height
    across = columns[0] != columns[1]
    top = 0 if across.any() else int((first % height).min())
    bottom = height if across.any() else int((last % height).max()) + 1
    return float(columns[0].min()), float(top), float(columns[1].max() + 1), float(bottom)


def _rle_mask(counts: Sequence[int] | str, size: Size, height: int, width: int) -> Mask:
    if (height, width) != size:
        raise InputError(f"expected to draw run lengths of {size[::-1]} pixels, got an image of {(width, height)}")
    return rle_mask(counts, height, width)
