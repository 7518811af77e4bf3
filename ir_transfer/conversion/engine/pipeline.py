"""One machine: reader threads, the device, writer threads, with bounded queues between."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ir_transfer.conversion.batches import Batcher, read_ahead
from ir_transfer.conversion.engine.worker import Loaded, Outcome, Task, Worker
from ir_transfer.conversion.times import Times

Record = Callable[[Outcome], bool]
"""Takes what became of a job; says whether to go on."""
Result = TypeVar("Result")


class Pipeline:
    """Reading, translating and writing overlap; the device is the caller's thread.

    Args:
        worker: Who does it.
        record: Called in the caller's thread for each job, in any order.
    """

    def __init__(self, worker: Worker, record: Record) -> None:
        self.worker = worker
        self.record = record
        self.threads = worker.options.workers or min(4, os.cpu_count() or 1)
        self.times = Times()
        self._writing: deque[Future[tuple[Outcome, float]]] = deque()
        self._stopped = False

    def __call__(self, tasks: Iterable[Task]) -> Times:
        """Deal with tasks until they end or ``record`` says stop; return where the time went."""
        start = time.perf_counter()
        with ThreadPoolExecutor(self.threads) as readers, ThreadPoolExecutor(self.threads) as writers:
            try:
                self._translate_all(tasks, readers, writers)
            finally:  # also on Ctrl-C: what is being written is finished and recorded
                readers.shutdown(wait=False, cancel_futures=True)
                while self._writing:
                    self._record_oldest()
        self.times.whole += time.perf_counter() - start
        return self.times

    def _translate_all(self, tasks: Iterable[Task], readers: ThreadPoolExecutor, writers: ThreadPoolExecutor) -> None:
        translator = self.worker.translator
        batcher = Batcher[Loaded](lambda item: item.kind, lambda kind: translator.batch_for(*kind[0]))
        depth = self.threads + translator.batch_for(512, 640)
        read = read_ahead(readers, lambda task: _timed(lambda: self.worker.read(task)), tasks, depth)
        while (found := self._next(read)) is not None:
            for item in found:
                if isinstance(item, Outcome):
                    self._record(item)
                elif batch := batcher.add(item):
                    self._translate(batch, writers)
                if self._stopped:
                    return
        for batch in batcher.rest():
            self._translate(batch, writers)
            if self._stopped:
                return

    def _next(self, read: Iterator[tuple[list[Loaded | Outcome], float]]) -> list[Loaded | Outcome] | None:
        (found, seconds), waited = _timed(lambda: next(read, (None, 0.0)))
        self.times.wait_read += waited
        self.times.decode += seconds
        return found

    def _translate(self, batch: Sequence[Loaded], writers: ThreadPoolExecutor) -> None:
        results, seconds = _timed(lambda: self.worker.translate(batch))
        self.times.translate += seconds
        for item, result in results:
            if isinstance(result, Outcome):
                self._record(result)
            else:
                self._writing.append(writers.submit(self._write, item, result))
        while len(self._writing) > self.threads + len(batch) or (self._writing and self._writing[0].done()):
            self._record_oldest()

    def _write(self, item: Loaded, intensity: NDArray[np.float32]) -> tuple[Outcome, float]:
        return _timed(lambda: self.worker.write(item, intensity))

    def _record_oldest(self) -> None:
        # Removed only once recorded: an interrupt in between may write a line twice, but never lose one.
        (outcome, seconds), waited = _timed(self._writing[0].result)
        self.times.encode += seconds
        self.times.wait_write += waited
        self._record(outcome)
        self._writing.popleft()

    def _record(self, outcome: Outcome) -> None:
        self._stopped = not self.record(outcome) or self._stopped


def _timed(function: Callable[[], Result]) -> tuple[Result, float]:
    start = time.perf_counter()
    result = function()
    return result, time.perf_counter() - start
