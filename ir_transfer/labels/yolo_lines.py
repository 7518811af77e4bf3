"""Lines of a YOLO label file: a box, a polygon, a rotated box or keypoints, relative to width and height."""

import math

from ir_transfer.errors import InputError
from ir_transfer.labels.regions import Region, check_box, polygon_region
from ir_transfer.labels.text_io import quoted

_SLACK = 0.01
"""Tolerance for rounded corners outside of the image, relative to its size."""


def parse_line(line: str, keypoint_numbers: int) -> tuple[int, list[float]]:
    """Return the class of a line and its box (4 numbers: centre and size) or polygon (6 or more: x, y ...).

    Four numbers are a box, five a box with a confidence, eight the corners of a rotated box, and other
    even counts a polygon, unless the set has keypoints: then a box comes first.

    Args:
        line: ``class x y ...``.
        keypoint_numbers: Count of numbers after the box; 0 in a set without keypoints.

    Raises:
        InputError: Another layout, or numbers that are not finite.
    """
    words = line.split()
    try:
        numbers = [float(word) for word in words]
    except ValueError as error:
        raise InputError(f"expected 'class x y ...' in numbers, got {quoted(line)}") from error
    count = len(numbers) - 1
    if count < 4 or not all(map(math.isfinite, numbers)) or numbers[0] < 0 or numbers[0] != int(numbers[0]):
        raise InputError(f"expected a class from 0 and at least four finite numbers, got {quoted(line)}")
    is_box = count in {4, 5} or (keypoint_numbers > 0 and count == 4 + keypoint_numbers)
    if not is_box and count % 2:
        if (count - 4) % 3:
            raise InputError(f"expected a box, a polygon or keypoints, got {count} numbers in {quoted(line)}")
        is_box = True  # x, y, visibility
    return int(numbers[0]), numbers[1:5] if is_box else numbers[1:]


def region_of(numbers: list[float], name: str, instance: str, height: int, width: int) -> Region:
    """Return the region of a line's numbers; see :func:`parse_line`.

    Raises:
        InputError: A box or a polygon without area.
    """
    if len(numbers) == 4:
        x, y, wide, high = numbers
        ends = (x - wide / 2) * width, (y - high / 2) * height, (x + wide / 2) * width, (y + high / 2) * height
        return Region(name, instance, check_box(ends))
    corners = [part * (width, height)[index % 2] for index, part in enumerate(numbers)]
    return polygon_region(name, instance, [corners])


def is_out_of_image(numbers: list[float]) -> bool:
    """Return whether a number is outside of [0, 1], as of labels in absolute pixels."""
    return any(not -_SLACK <= part <= 1 + _SLACK for part in numbers)
