"""What whoever finds objects has in common: facts for the manifest, and a memory of the images seen last."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

import cv2
import numpy as np

from ir_transfer.conversion.heat.masks import HeatObject
from ir_transfer.imaging.image_io import DecodedImage

Found = TypeVar("Found")

_KEPT = 256  # images whose objects wait for their other variants: 100 KB each at most


class Finder(Protocol):
    """Finds objects in images; may be called by many threads, and travels to other processes."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """What decides what it finds, for the manifest."""

    def __call__(self, image: DecodedImage) -> Sequence[HeatObject]:
        """Return the objects in an image.

        Raises:
            MemoryError: The device has too little for one image.
        """


class Memory(Generic[Found]):
    """Has one thread search at a time, and no image twice that was asked for lately.

    Args:
        search: Finds the objects of an image.
    """

    def __init__(self, search: Callable[[DecodedImage], list[Found]]) -> None:
        self._search = search
        self._turn = threading.Lock()
        self._known: OrderedDict[str, list[Found]] = OrderedDict()

    def __call__(self, image: DecodedImage) -> list[Found]:
        """Return what is found in an image; one without a hash, such as a frame of a video, is always searched.

        Raises:
            MemoryError: The device has too little for one image.
        """
        with self._turn:
            if image.sha256 in self._known:
                self._known.move_to_end(image.sha256)
                return self._known[image.sha256]
            try:
                found = self._search(image)
            except RuntimeError as error:
                if "memory" not in str(error):
                    raise
                raise MemoryError(str(error)) from None  # what failed holds no memory any more
            if image.sha256:
                self._known[image.sha256] = found
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
            return found


def count(objects: Sequence[HeatObject]) -> dict[str, int]:
    """Return how many objects of each class there are, by name."""
    return dict(sorted(Counter(one.name for one in objects).items()))


def resized(image: DecodedImage, height: int, width: int) -> DecodedImage:
    """Return a smaller image, averaged over areas, so that a device never holds a large one."""
    if (height, width) == (image.height, image.width):
        return image
    bands = [cv2.resize(band, (width, height), interpolation=cv2.INTER_AREA) for band in image.levels]
    return DecodedImage(np.stack(bands), image.white, image.sha256)
