"""Bounded queues: reading ahead without filling the memory, and batches of one size."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import Generic, TypeVar

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


class Batcher(Generic[Item]):
    """Groups items by size; the fullest group leaves early if too many items of mixed sizes wait.

    Args:
        size_of: Height and width of an item.
        batch_for: Items of that height and width in a full batch.
    """

    def __init__(self, size_of: Callable[[Item], tuple[int, int]], batch_for: Callable[[int, int], int]) -> None:
        self._size_of = size_of
        self._batch_for = batch_for
        self._groups: dict[tuple[int, int], list[Item]] = {}

    def add(self, item: Item) -> list[Item] | None:
        """Add an item; return a batch if one is ready."""
        size = self._size_of(item)
        group = self._groups.setdefault(size, [])
        group.append(item)
        limit = self._batch_for(*size)
        if len(group) >= limit:
            return self._groups.pop(size)
        if sum(map(len, self._groups.values())) >= 2 * limit:
            return self._groups.pop(max(self._groups, key=lambda key: len(self._groups[key])))
        return None

    def rest(self) -> Iterator[list[Item]]:
        """Yield what is left, one batch for each size."""
        while self._groups:
            yield self._groups.pop(next(iter(self._groups)))
