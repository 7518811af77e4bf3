"""Values of COCO entries: ids, lists of numbers and boxes, and ids for copies."""

import math
from collections.abc import Hashable, Iterable
from typing import Any

from ir_transfer.errors import InputError
from ir_transfer.labels.regions import check_box
from ir_transfer.labels.text_io import quoted

Id = int | str


def id_of(value: Any) -> Id | None:
    """Return an id as int or str, with 7.0 as 7; None for any other value."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and value == int(value) else None
    return value if isinstance(value, int | str) else None


def numbers(value: Any) -> list[float]:
    """Return a list of numbers.

    Raises:
        InputError: Another value.
    """
    if not isinstance(value, list) or any(isinstance(one, bool) or not isinstance(one, int | float) for one in value):
        raise InputError(f"expected a list of numbers, got {quoted(value)}")
    try:
        return [float(one) for one in value]
    except OverflowError as error:
        raise InputError(f"expected a list of numbers, got {quoted(value)}") from error


def whole_numbers(value: Any) -> list[int]:
    """Return a list of whole numbers.

    Raises:
        InputError: Another value.
    """
    found = numbers(value)
    if not all(map(float.is_integer, found)):
        raise InputError(f"expected a list of whole numbers, got {quoted(value)}")
    return [int(one) for one in found]


def box_of(annotation: dict[str, Any]) -> tuple[float, float, float, float]:
    """Return left, top, right, bottom of ``bbox``, which is x, y, width, height.

    Raises:
        InputError: Not four finite numbers, or a box without area.
    """
    bbox = numbers(annotation.get("bbox"))
    if len(bbox) != 4:
        raise InputError(f"expected a box of four finite numbers, got {quoted(bbox)}")
    x, y, width, height = bbox
    return check_box([x, y, x + width, y + height])


class NewIds:
    """Ids for copies of entries: the first copy keeps its id, later ones get ids above the largest of the set.

    The id of a copy depends only on the original id and its number, so that it is the same if other images fail.
    """

    def __init__(self, ids: Iterable[Hashable]) -> None:
        self._taken = frozenset(ids)
        whole = [one for one in self._taken if isinstance(one, int)]
        self._span = max(whole, default=0) - min([0, *whole]) + 1

    def copy(self, old: Id, number: int) -> Id:
        """Return the id of a copy; number 0 is the first."""
        if number == 0:
            return old
        if isinstance(old, int):
            return old + number * self._span
        new = f"{old}__v{number}"
        while new in self._taken:
            new += "_"
        return new
