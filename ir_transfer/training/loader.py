"""Loader that prepares batches ahead of the training, in order."""

import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Protocol, Self

from ir_transfer.training.batches import Batch


class BatchDrawer(Protocol):
    """Draws the batch of a step."""

    def draw(self, step: int, size: int) -> Batch:
        """Return this process's shard of the batch of a step, of which ``size`` is the total number of samples."""


class Loader:
    """Draws batches in threads, a few steps ahead of the training.

    Args:
        batches: Source of the batches.
        size: Samples of a batch over all processes.
        step: First step.
        last: End of the steps, exclusive.
        workers: Number of threads.

    Attributes:
        waited: Seconds spent waiting for batches so far.
    """

    def __init__(self, batches: BatchDrawer, size: int, step: int, last: int, workers: int) -> None:
        self._batches, self._size, self._next, self._last = batches, size, step, last
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="batches")
        self._ahead: deque[Future[Batch]] = deque()
        self._depth = workers + 1
        self.waited = 0.0

    def __enter__(self) -> Self:
        self._fill()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def take(self) -> Batch:
        """Return the next batch, and add the seconds spent waiting for it to ``waited``."""
        asked = time.monotonic()
        batch = self._ahead.popleft().result()
        self.waited += time.monotonic() - asked
        self._fill()
        return batch

    def _fill(self) -> None:
        while len(self._ahead) < self._depth and self._next < self._last:
            self._ahead.append(self._pool.submit(self._batches.draw, self._next, self._size))
            self._next += 1
