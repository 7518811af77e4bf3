"""Bounded queues: reading ahead without filling the memory, batches of one kind, and chunks for several workers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def read_ahead(
    pool: Executor, function: Callable[[Item], Result], items: Iterable[Item], depth: int
) -> Iterator[Result]:
    """Yield ``function(item)`` in order while at most ``depth`` items are on their way.

    Args:
        pool: Where the function runs.
        function: What to do with each item.
        items: Consumed only as far as results are taken.
        depth: Results that may exist before they are taken.
    """
    waiting: deque[Future[Result]] = deque()
    for item in items:
        waiting.append(pool.submit(function, item))
        if len(waiting) >= depth:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


BUCKETS = (16, 8, 4, 2, 1)
"""Images in a batch: few lengths, so that what a GPU prepares for one serves again, and none is filled with copies."""

_SMALLEST_CHUNK = 2
_CHUNKS_EACH = 3  # of what is left


def bucket_sizes(count: int, most: int) -> list[int]:
    """Return the lengths of the batches that ``count`` images of one size are translated in.

    Args:
        count: Images.
        most: Images in a batch at most; used itself even if it is no bucket.

    Returns:
        Lengths that sum to ``count``, the longest first.

    Example:
        >>> bucket_sizes(13, 8), bucket_sizes(7, 3)
        ([8, 4, 1], [3, 3, 1])
    """
    lengths = [most, *(bucket for bucket in BUCKETS if bucket < most)]
    found = []
    while count:
        found.append(next(length for length in lengths if length <= count))
        count -= found[-1]
    return found


def chunk_sizes(count: int, workers: int, largest: int) -> list[int]:
    """Return how many of ``count`` tasks each chunk has: fewer and fewer, so that all workers end at about one time.

    Args:
        count: Tasks.
        workers: Who share them.
        largest: Tasks of a chunk at most.

    Example:
        >>> chunk_sizes(100, 2, 64)
        [16, 14, 11, 9, 8, 7, 5, 5, 4, 3, 3, 2, 2, 2, 2, 2, 2, 2, 1]
    """
    sizes = []
    while count:
        sizes.append(min(count, largest, max(_SMALLEST_CHUNK, count // (_CHUNKS_EACH * workers))))
        count -= sizes[-1]
    return sizes


class Batcher(Generic[Item]):
    """Groups items that are alike; the fullest group leaves early if too many items of mixed kinds wait.

    Args:
        kind_of: What the items of a batch have in common, such as their size.
        batch_for: Items of a kind in a full batch.
    """

    def __init__(self, kind_of: Callable[[Item], Any], batch_for: Callable[[Any], int]) -> None:
        self._kind_of = kind_of
        self._batch_for = batch_for
        self._groups: dict[Any, list[Item]] = {}

    def add(self, item: Item) -> list[Item] | None:
        """Add an item; return a batch if one is ready."""
        kind = self._kind_of(item)
        group = self._groups.setdefault(kind, [])
        group.append(item)
        limit = self._batch_for(kind)
        if len(group) >= limit:
            return self._groups.pop(kind)
        if sum(map(len, self._groups.values())) >= 2 * limit:
            return self.fullest()
        return None

    def fullest(self) -> list[Item] | None:
        """Return the largest batch of what waits; None if nothing does."""
        return self._groups.pop(max(self._groups, key=lambda one: len(self._groups[one]))) if self._groups else None
