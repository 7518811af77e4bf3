"""Labelled objects of an image: class, box and mask."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from ir_transfer.errors import InputError
from ir_transfer.labels.label_maps.rasterize import Mask, polygon_mask

MAX_CORNERS = 10_000
"""Limit of the corners of a polygon, since filling takes time proportional to corners times pixels."""

_UPRIGHT = 0.5  # tolerance in pixels between the corners of a rectangle and those of its box

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Region:
    """A labelled object of an image.

    Attributes:
        name: Class name.
        instance: Identifier of the object in its label file: an annotation id, a line number or a level.
        box: Left, top, right, bottom in pixels; 0 is the left or upper edge, the width of the image its right edge.
        draw: Function of (height, width) that returns the mask (height, width); None if only the box is known.
        rectangular: Whether the polygon is an axis-aligned rectangle, as tools export for plain boxes; the mask then
            holds no more information than the box.
        shape: Polygons or run lengths that determine the mask, with a unique ``repr``; None without them.
    """

    name: str
    instance: str
    box: Box
    draw: Callable[[int, int], Mask] | None = field(default=None, compare=False, repr=False)
    rectangular: bool = field(default=False, compare=False, repr=False)
    shape: object = field(default=None, compare=False, repr=False)

    def mask(self, height: int, width: int) -> Mask:
        """Return the mask (height, width); without a drawn shape, the pixels whose centres are inside the box."""
        return box_mask(self.box, height, width) if self.draw is None else self.draw(height, width)


def box_mask(box: Box, height: int, width: int) -> Mask:
    """Return the mask (height, width) of the pixel centres inside a box; its left and upper edge are inclusive."""
    left, top, right, bottom = box
    inside = np.zeros((height, width), bool)
    rows, columns = (_between(*ends, length) for ends, length in (((top, bottom), height), ((left, right), width)))
    inside[rows, columns] = True
    return inside


def _between(first: float, last: float, length: int) -> slice:
    start, stop = (min(max(math.ceil(end - 0.5), 0), length) for end in (first, last))
    return slice(start, stop)


def check_box(box: Sequence[float]) -> Box:
    """Return left, top, right, bottom as a box of floats.

    Raises:
        InputError: A number is missing or not finite, or the box has no area.
    """
    if len(box) != 4 or not all(map(math.isfinite, box)):
        raise InputError(f"expected a box of four finite numbers, got {list(box)[:8]}")
    left, top, right, bottom = map(float, box)
    if right <= left or bottom <= top:
        raise InputError(f"expected a box with an area, got {right - left:g} x {bottom - top:g} pixels")
    return left, top, right, bottom


def polygons_box(polygons: Sequence[Sequence[float]]) -> Box:
    """Return the bounding box of polygons of x, y, x, y ... in pixels.

    Raises:
        InputError: Fewer than three corners, an odd count, too many, numbers that are not finite, or no area.
    """
    for corners in polygons:
        if len(corners) % 2 or not 6 <= len(corners) <= 2 * MAX_CORNERS:
            raise InputError(
                f"expected a polygon of 3 to {MAX_CORNERS} corners x, y, got one of {len(corners)} numbers"
            )
    if not polygons:
        raise InputError("expected a polygon, got none")
    xs, ys = ([value for corners in polygons for value in corners[axis::2]] for axis in (0, 1))
    if not all(map(math.isfinite, (*xs, *ys))):  # min and max ignore some NaN
        return check_box([math.nan] * 4)
    return check_box([min(xs), min(ys), max(xs), max(ys)])


def polygon_region(name: str, instance: str, polygons: Sequence[Sequence[float]], box: Box | None = None) -> Region:
    """Return the region covered by polygons of x, y, x, y ... in pixels.

    Args:
        name: Class name.
        instance: See :class:`Region`.
        polygons: Polygons of the object; their union is the mask.
        box: Box stated in the file; None takes the bounding box of the polygons.

    Raises:
        InputError: See :func:`polygons_box`.
    """
    around = polygons_box(polygons)
    shape = tuple(map(tuple, polygons))
    rectangular = len(polygons) == 1 and _is_upright(polygons[0], around)
    return Region(name, instance, box or around, partial(_polygons_mask, shape), rectangular, shape)


def _is_upright(corners: Sequence[float], box: Box) -> bool:
    """Return whether a polygon is an axis-aligned rectangle: four corners, the first optionally repeated."""
    if len(corners) not in {8, 10}:
        return False
    points = np.asarray(corners, np.float64).reshape(-1, 2)
    if len(points) == 5 and np.abs(points[0] - points[4]).max() <= _UPRIGHT:
        points = points[:4]
    if len(points) != 4:
        return False
    far = np.abs(points - np.asarray(box[:2])) > np.abs(points - np.asarray(box[2:]))  # at the right or lower edge
    corner = np.where(far, box[2:], box[:2])
    once_round = (far != np.roll(far, 1, axis=0)).sum(axis=1) == 1
    return bool(once_round.all() and len(np.unique(far, axis=0)) == 4 and np.abs(points - corner).max() <= _UPRIGHT)


def _polygons_mask(polygons: Sequence[Sequence[float]], height: int, width: int) -> Mask:
    inside = np.zeros((height, width), bool)
    for corners in polygons:
        inside |= polygon_mask(corners, height, width)
    return inside


def mask_region(name: str, instance: str, mask: Mask) -> Region:
    """Return the region of a mask (H, W) with at least one pixel; its box is their bounding box."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
    return Region(name, instance, box, partial(_checked_mask, mask))


def _checked_mask(mask: Mask, height: int, width: int) -> Mask:
    if mask.shape != (height, width):
        raise InputError(f"expected to draw a mask of {mask.shape[::-1]} pixels, got an image of {(width, height)}")
    return mask


def regions_outside(regions: Iterable[Region], height: int, width: int) -> list[str]:
    """Return messages about regions whose centre is outside of the image: labels of another image or frame.

    Args:
        regions: Regions of one image.
        height: Height of the image in pixels.
        width: Width of the image in pixels.
    """
    found = []
    for region in regions:
        left, top, right, bottom = region.box
        if not (0 <= (left + right) / 2 <= width and 0 <= (top + bottom) / 2 <= height):
            ends = ", ".join(f"{end:g}" for end in region.box)
            found.append(f"expected {region.name} inside of {width} x {height} pixels, got a box of ({ends})")
    return found


def size_mismatch(size: Sequence[int] | None, height: int, width: int) -> str:
    """Return the message that labels were made for another size (height, width) than that of their image."""
    made = "another" if size is None else f"{size[1]} x {size[0]}"
    return f"expected the size of its image, {width} x {height}, got {made}: labels may not fit"
