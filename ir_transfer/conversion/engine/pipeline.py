"""The engine of one machine: reader threads, the device and writer threads, connected by bounded queues."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from ir_transfer.conversion.batches import BUCKETS, Batcher, read_ahead
from ir_transfer.conversion.engine.budget import InFlight, Size, Token, size_of
from ir_transfer.conversion.engine.tasks import Loaded, Outcome, Task, Translated, Translation
from ir_transfer.conversion.engine.worker import Worker
from ir_transfer.conversion.timing import RunTimes
from ir_transfer.heap import return_freed

Record = Callable[[Outcome], bool]
"""Receives the outcome of a job; returns whether to continue."""
Value = TypeVar("Value")

_LARGE = 2**22  # pixels
_TOGETHER = 2**20  # pixels that a CPU translates concurrently: about 1 GB of AdaIN's feature maps
_READERS_BESIDE_CPU = 4  # reader threads, and writer threads, if a CPU translates too
_BATCHES_AHEAD = 2  # on a GPU: one computes while the next is queued


class Pipeline:
    """Overlaps reading, translating and writing.

    With a GPU, the caller's thread launches each batch before it collects the results of the previous one, and the
    process has one reader and one writer thread per core.

    A CPU translates several small images concurrently, each with its share of the threads, since threads that share an
    image wait for each other after every layer, especially on busy cores.

    Args:
        worker: Processes the images.
        record: Called in the caller's thread for each job, in any order.
    """

    def __init__(self, worker: Worker, record: Record) -> None:
        self.worker = worker
        self.record = record
        translator = worker.translator
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self.threads = worker.options.workers or (
            cores if translator.takes_batches else min(_READERS_BESIDE_CPU, cores)
        )
        self.times = RunTimes()
        several = translator.device.type == "cpu" and not translator.model.info.iterative
        self._cores = translator.threads if several else 1
        self._most = 1
        self.flight = InFlight(worker.budget)
        self._tokens: dict[int, Token] = {}
        self._reading: deque[tuple[Token, Future[tuple[list[Loaded | Outcome], float]]]] = deque()
        self._translating: deque[Future[tuple[Translated, float]] | Translation] = deque()
        self._writing: deque[tuple[Loaded, Future[tuple[Outcome, float]]]] = deque()
        self._stopped = False

    def __call__(self, tasks: Iterable[Task]) -> RunTimes:
        """Process tasks until they end or ``record`` returns False; return the time spent on each stage."""
        start = time.perf_counter()
        with (
            ThreadPoolExecutor(self.threads) as probes,
            ThreadPoolExecutor(self.threads) as readers,
            ThreadPoolExecutor(self._cores) as devices,
            ThreadPoolExecutor(self.threads) as writers,
        ):
            try:
                self._translate_all(tasks, probes, readers, devices, writers)
            finally:  # also on Ctrl-C: results being written are finished and recorded
                probes.shutdown(wait=False, cancel_futures=True)
                readers.shutdown(wait=False, cancel_futures=True)
                while self._writing:
                    self._record_oldest()
        if self._most > 1:  # new threads inherit the last value set
            self.worker.translator.use_threads(self._cores)
        self.times.whole += (time.perf_counter() - start) * self._most
        return self.times

    def _translate_all(
        self,
        tasks: Iterable[Task],
        probes: ThreadPoolExecutor,
        readers: ThreadPoolExecutor,
        devices: ThreadPoolExecutor,
        writers: ThreadPoolExecutor,
    ) -> None:
        translator = self.worker.translator
        batcher = Batcher[Loaded](lambda item: item.kind, lambda kind: translator.batch_for(*kind[0]))
        depth = self.threads + (_BATCHES_AHEAD * BUCKETS[0] if translator.takes_batches else self._cores)
        for task, size in read_ahead(probes, lambda task: (task, _size_of(task)), tasks, 2 * depth):
            while not self._stopped and (len(self._reading) >= depth or not self.flight.fits(size)):
                self._go_on(batcher, devices, writers)
            if self._stopped:
                return
            read = readers.submit(_timed, partial(self.worker.read, task, size))
            self._reading.append((self.flight.begin(size), read))
        while not self._stopped and len(self.flight):
            self._go_on(batcher, devices, writers)

    def _go_on(self, batcher: Batcher[Loaded], devices: ThreadPoolExecutor, writers: ThreadPoolExecutor) -> None:
        """Advance the images in flight by one step; taking images that were read comes first."""
        if self._reading:
            self._take_read(batcher, devices, writers)
        elif (batch := batcher.fullest()) is not None:
            self._translate(batch, devices, writers)
        elif self._translating:
            self._take_translated(len(self._translating) - 1, writers)
        elif self._writing:
            self._record_oldest()

    def _take_read(self, batcher: Batcher[Loaded], devices: ThreadPoolExecutor, writers: ThreadPoolExecutor) -> None:
        token, read = self._reading.popleft()
        (found, seconds), waited = self._wait(read)
        self.times.wait_read += waited
        self.times.decode += seconds
        if token.size is not None and token.size.pixels > _LARGE:
            return_freed()  # each reader thread has its own heap, which would keep the memory of decoding
        loaded = [item for item in found if isinstance(item, Loaded)]
        self.flight.was_read(token, len(loaded))
        self._tokens |= {id(item): token for item in loaded}
        for item in found:
            if isinstance(item, Outcome):
                self._record(item)
            elif batch := batcher.add(item):
                self._translate(batch, devices, writers)
            if self._stopped:
                return

    def _translate(self, batch: Sequence[Loaded], devices: ThreadPoolExecutor, writers: ThreadPoolExecutor) -> None:
        if self.worker.translator.takes_batches:
            self._translating.append(self.worker.launch(batch))
            self._take_translated(_BATCHES_AHEAD - 1, writers)
            return
        pixels = sum(item.image.height * item.image.width for item in batch)
        together = min(self._cores, _TOGETHER // pixels, self._room_for(batch))
        if together <= 1:  # with all threads, after the other batches
            self._take_translated(0, writers)
            self._take(self.worker.launch(batch).result(), writers)
            return
        self._most = max(self._most, together)
        self._take_translated(together - 1, writers)
        self._translating.append(devices.submit(self._translate_beside, batch, self._cores // together))

    def _room_for(self, batch: Sequence[Loaded]) -> int:
        """Return the number of such batches that fit into the memory not used by the images in flight."""
        needed = self.flight.budget.device(batch[0].size) * len(batch)
        return self._cores if needed == 0 else int(min(max(self.flight.free, 0) // needed, self._cores))

    def _translate_beside(self, batch: Sequence[Loaded], threads: int) -> tuple[Translated, float]:
        self.worker.translator.use_threads(threads)
        return self.worker.launch(batch).result()

    def _take_translated(self, left: int, writers: ThreadPoolExecutor) -> None:
        """Wait until at most ``left`` batches are on the device, and queue the results of the others for writing."""
        while len(self._translating) > left and not self._stopped:
            self._take(self._translating.popleft().result(), writers)

    def _take(self, translated: tuple[Translated, float], writers: ThreadPoolExecutor) -> None:
        results, seconds = translated
        self.times.translate += seconds
        for item, result in results:
            if isinstance(result, Outcome):
                self._end(item)
                self._record(result)
            else:
                self._writing.append((item, writers.submit(_timed, partial(self.worker.write, item, result))))
        while len(self._writing) > self.threads + len(results) or (self._writing and self._writing[0][1].done()):
            self._record_oldest()

    def _record_oldest(self) -> None:
        # Removed only after recording: an interrupt in between may record a result twice, but cannot lose it.
        item, written = self._writing[0]
        (outcome, seconds), waited = self._wait(written)
        self.times.encode += seconds
        self.times.wait_write += waited
        self._record(outcome)
        self._writing.popleft()
        self._end(item)

    def _wait(self, thread: Future[Value]) -> tuple[Value, float]:
        """Wait for a thread; return its result and the seconds waited, 0 if the device was busy at the start."""
        idle = all(batch.done() for batch in self._translating)
        value, seconds = _timed(thread.result)
        return value, seconds if idle else 0.0

    def _end(self, item: Loaded) -> None:
        self.flight.end(self._tokens.pop(id(item)))

    def _record(self, outcome: Outcome) -> None:
        self._stopped = not self.record(outcome) or self._stopped


def _size_of(task: Task) -> Size | None:
    """Return the size of the largest image that a task reads."""
    sizes = [size_of(task.jobs[0].source, page) for page in {job.page for job in task.jobs}]
    return max(filter(None, sizes), key=lambda size: size.pixels, default=None)


def _timed(function: Callable[[], Value]) -> tuple[Value, float]:
    start = time.perf_counter()
    result = function()
    return result, time.perf_counter() - start
