"""What whoever finds objects has in common: facts for the manifest, and a memory of the pictures seen last."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

import cv2
import numpy as np

from ir_transfer.conversion.heat.masks import HeatObject
from ir_transfer.imaging.image_io import Picture

Found = TypeVar("Found")

_KEPT = 256  # pictures whose objects wait for their other variants: 100 KB each at most


class Finder(Protocol):
    """Finds objects in pictures; may be called by many threads, and travels to other processes."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """What decides what it finds, for the manifest."""

    def __call__(self, picture: Picture) -> Sequence[HeatObject]:
        """Return the objects in a picture.

        Raises:
            MemoryError: The device has too little for one picture.
        """


class Memory(Generic[Found]):
    """Has one thread search at a time, and no picture twice that was asked for lately.

    Args:
        search: Finds the objects of a picture.
    """

    def __init__(self, search: Callable[[Picture], list[Found]]) -> None:
        self._search = search
        self._turn = threading.Lock()
        self._known: OrderedDict[str, list[Found]] = OrderedDict()

    def __call__(self, picture: Picture) -> list[Found]:
        """Return what is found in a picture; one without a hash, such as a frame of a video, is always searched.

        Raises:
            MemoryError: The device has too little for one picture.
        """
        with self._turn:
            if picture.sha256 in self._known:
                self._known.move_to_end(picture.sha256)
                return self._known[picture.sha256]
            try:
                found = self._search(picture)
            except RuntimeError as error:
                if "memory" not in str(error):
                    raise
                raise MemoryError(str(error)) from None  # what failed holds no memory any more
            if picture.sha256:
                self._known[picture.sha256] = found
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
            return found


def count(objects: Sequence[HeatObject]) -> dict[str, int]:
    """Return how many objects of each class there are, by name."""
    return dict(sorted(Counter(one.name for one in objects).items()))


def resized(picture: Picture, height: int, width: int) -> Picture:
    """Return a smaller picture, averaged over areas, so that a device never holds a large one."""
    if (height, width) == (picture.height, picture.width):
        return picture
    bands = [cv2.resize(band, (width, height), interpolation=cv2.INTER_AREA) for band in picture.levels]
    return Picture(np.stack(bands), picture.white, picture.sha256)
