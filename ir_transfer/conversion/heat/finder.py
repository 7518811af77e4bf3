"""Protocol of object finders, and their common functions: a cache of recent results, counts, resized images."""

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

import cv2
import numpy as np

from ir_transfer.conversion.heat.masks import HeatObject
from ir_transfer.imaging.image_io import DecodedImage

Found = TypeVar("Found")

_CACHED = 256  # images, of which further variants may follow: at most 100 KB each


class Finder(Protocol):
    """Finds objects in images; thread-safe, and can be pickled for other processes."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """Settings that determine its results, for the manifest."""

    def __call__(self, image: DecodedImage) -> Sequence[HeatObject]:
        """Return the objects in an image.

        Raises:
            MemoryError: The device has too little memory for one image.
        """


class CachedSearch(Generic[Found]):
    """Runs a search in one thread at a time, and caches the results of recent images."""

    def __init__(self, search: Callable[[DecodedImage], list[Found]]) -> None:
        self._search = search
        self._lock = threading.Lock()
        self._known: OrderedDict[str, list[Found]] = OrderedDict()

    def __call__(self, image: DecodedImage) -> list[Found]:
        """Return the objects in an image; images without a hash, such as video frames, are not cached.

        Raises:
            MemoryError: The device has too little memory for one image.
        """
        with self._lock:
            if image.sha256 in self._known:
                self._known.move_to_end(image.sha256)
                return self._known[image.sha256]
            try:
                found = self._search(image)
            except RuntimeError as error:
                if "memory" not in str(error):
                    raise
                raise MemoryError(str(error)) from None  # without the traceback, which would keep memory alive
            if image.sha256:
                self._known[image.sha256] = found
            if len(self._known) > _CACHED:
                self._known.popitem(last=False)
            return found


def count(objects: Sequence[HeatObject]) -> dict[str, int]:
    """Return the number of objects of each class, by name."""
    return dict(sorted(Counter(one.name for one in objects).items()))


def resized(image: DecodedImage, height: int, width: int) -> DecodedImage:
    """Return an image reduced by area averaging, to save memory on the device."""
    if (height, width) == (image.height, image.width):
        return image
    bands = [cv2.resize(band, (width, height), interpolation=cv2.INTER_AREA) for band in image.levels]
    return DecodedImage(np.stack(bands), image.white, image.sha256)
