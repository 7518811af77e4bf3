"""Bounded read-ahead, batches of similar items, and chunks of work for several workers."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def read_ahead(
    pool: Executor, function: Callable[[Item], Result], items: Iterable[Item], depth: int
) -> Iterator[Result]:
    """Yield ``function(item)`` in order, computed ahead for at most ``depth`` items.

    Args:
        pool: Executor of the function.
        function: Applied to each item.
        items: Consumed only as results are taken.
        depth: Largest number of results computed ahead.
    """
    waiting: deque[Future[Result]] = deque()
    for item in items:
        waiting.append(pool.submit(function, item))
        if len(waiting) >= depth:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


BUCKETS = (16, 8, 4, 2, 1)
"""Batch sizes: only a few, so that a GPU's preparation for each is reused; batches are not padded."""

_SMALLEST_CHUNK = 2
_CHUNKS_EACH = 3  # number of chunks per worker into which the remaining tasks are divided


def bucket_sizes(count: int, most: int) -> list[int]:
    """Split ``count`` images of one size into batches.

    Args:
        count: Number of images.
        most: Largest batch size; it is used even if it is not in :data:`BUCKETS`.

    Returns:
        Batch sizes that sum to ``count``, the largest first.

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
    """Split ``count`` tasks into chunks of decreasing size, so that all workers finish at about the same time.

    Args:
        count: Number of tasks.
        workers: Number of workers.
        largest: Largest number of tasks in a chunk.

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
    """Groups items of one kind into batches; returns the largest group early if too many items are waiting.

    Args:
        kind_of: Returns what the items of a batch have in common, such as their size.
        batch_for: Returns the size of a full batch of a kind.
    """

    def __init__(self, kind_of: Callable[[Item], Any], batch_for: Callable[[Any], int]) -> None:
        self._kind_of = kind_of
        self._batch_for = batch_for
        self._groups: dict[Any, list[Item]] = {}

    def add(self, item: Item) -> list[Item] | None:
        """Add an item; return a batch if one is complete."""
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
        """Return the largest group of waiting items; None if there are none."""
        return self._groups.pop(max(self._groups, key=lambda one: len(self._groups[one]))) if self._groups else None
