"""The engine of a Ray cluster: Ray Data distributes chunks of tasks to workers with a device and a loaded model."""

from __future__ import annotations

import logging
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from ir_transfer.conversion.batches import chunk_sizes
from ir_transfer.conversion.devices import pick_device
from ir_transfer.conversion.engine.attempts import Attempts
from ir_transfer.conversion.engine.pipeline import Pipeline, Record
from ir_transfer.conversion.engine.tasks import Outcome, Task, Tasks, failed_entry
from ir_transfer.conversion.engine.worker import Worker
from ir_transfer.conversion.exported.translator import in_torch
from ir_transfer.conversion.plan import Job
from ir_transfer.conversion.timing import RunTimes
from ir_transfer.errors import InputError, MissingPackageError
from ir_transfer.imaging.remote import Mount, is_remote, mounts, use_mount

_LARGEST_CHUNK = 64  # images that are repeated after a worker was killed, at most
_LARGEST_GPU_CHUNK = 1024  # larger, since a GPU idles at the start and the end of each chunk
_ATTEMPTS = 3  # at a chunk whose worker dies, since an image may kill every worker

logger = logging.getLogger(__name__)


class RayEngine:
    """Processes chunks of tasks with the workers of a Ray cluster; outcomes are recorded in the caller's thread.

    Each worker is an actor that runs its own :class:`~ir_transfer.conversion.engine.pipeline.Pipeline`, so results are
    identical to those of the local engine. If an actor dies, it is restarted and its chunk repeated; since files are
    written whole and are reproducible, this is harmless. All machines need the same paths to inputs and results, and
    this package installed; the loaded model and the styles are sent with the worker.

    Args:
        worker: Copied to every actor.
        record: Called for each job, in any order; returns whether to continue.
    """

    def __init__(self, worker: Worker, record: Record) -> None:
        self.worker = worker
        self.record = record

    def __call__(self, tasks: Tasks) -> RunTimes:
        """Process tasks until they end or ``record`` returns False; return the times of all workers.

        Args:
            tasks: Counted first, then read once, so that the lines of an earlier run are not held here.

        Raises:
            MissingPackageError: Ray is not installed.
            InputError: There is no cluster at the address, or it has no such device.
            RuntimeError: An unexpected exception in a worker.
        """
        times, count = RunTimes(), len(tasks)
        if not count:
            return times
        with _cluster(self.worker.options.address):
            pool = _Pool.of_cluster(self.worker)
            sizes = chunk_sizes(count, pool.actors, _LARGEST_GPU_CHUNK if pool.gpus else _LARGEST_CHUNK)
            stored, chunks = _store(tasks, sizes)
            for done in _results(self.worker, pool, stored):
                if done.bug is not None:
                    raise RuntimeError(f"a worker failed:\n{done.bug}")
                times += done.times
                if self._record_all(_given_up(chunks[done.chunk]) if done.outcomes is None else done.outcomes):
                    break
        return times

    def _record_all(self, outcomes: Iterable[Outcome]) -> bool:
        """Record all outcomes, even after the first that stops the run; return whether to stop."""
        stop = False
        for outcome in outcomes:
            _note(self.worker.out, outcome)
            stop = not self.record(outcome) or stop
        return stop


@dataclass(frozen=True)
class _Done:
    """Result of a chunk; without outcomes if it was given up after too many attempts."""

    chunk: int
    outcomes: Sequence[Outcome] | None = None
    times: RunTimes = field(default_factory=RunTimes)
    bug: str | None = None


@dataclass(frozen=True)
class _Pool:
    """Number of workers, and the GPUs and threads of each."""

    actors: int
    gpus: int
    threads: int

    @classmethod
    def of_cluster(cls, worker: Worker) -> _Pool:
        import ray

        asked = worker.options
        resources = ray.cluster_resources()  # type: ignore[no-untyped-call]
        gpus = 0 if asked.device == "cpu" else int(resources.get("GPU", 0))
        if asked.device.startswith("cuda") and not gpus:
            raise InputError("expected a GPU in the Ray cluster for --device cuda, found none: use --device cpu")
        nodes = ray.nodes()  # type: ignore[no-untyped-call]
        actors = asked.ray_workers or gpus or sum(node["Alive"] for node in nodes)
        cores = int(resources.get("CPU", 1))
        return cls(actors, min(1, gpus), asked.threads or max(1, cores // actors))


class _Actor:
    """Holds a worker in a process of the cluster."""

    def __init__(self, packed: Any, pool: _Pool, attempts: Any, mounted: Sequence[Mount]) -> None:
        import ray

        self._begin: Callable[[int], int] = lambda chunk: ray.get(attempts.begin.remote(chunk))
        for mount in mounted:
            use_mount(replace(mount, keeps=False))
        torch.set_num_threads(pool.threads)
        worker: Worker = pickle.loads(ray.get(packed))
        options = worker.options
        if pool.gpus and options.workers is None:  # cores are shared with the other workers of the machine
            options = replace(options, workers=pool.threads)
        translator = in_torch(worker.translator).to(pick_device("cuda" if pool.gpus else "cpu"))
        self._worker = replace(worker, options=options, translator=translator)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[bytes]]:
        return {"done": [pickle.dumps(self._process(*pickle.loads(chunk))) for chunk in batch["chunk"]]}

    def _process(self, number: int, tasks: Sequence[Task]) -> _Done:
        if self._begin(number) > _ATTEMPTS:
            return _Done(number)
        outcomes: list[Outcome] = []

        def record(outcome: Outcome) -> bool:
            outcomes.append(outcome)
            failed = outcome.entry is not None and outcome.entry.status == "failed"
            return outcome.stop is None and not (failed and self._worker.options.fail_fast)

        try:
            times = Pipeline(self._worker, record)(tasks)
        except Exception:  # passed on to the caller, since Ray Data would retry or drop the chunk
            return _Done(number, bug=traceback.format_exc())
        return _Done(number, outcomes, times)


def _store(tasks: Iterable[Task], sizes: Sequence[int]) -> tuple[list[Any], list[Sequence[Job]]]:
    """Put chunks of tasks into the object store, one after the other.

    The store is outside of this process and spills to disk, whereas the lines of an earlier run would take 0.6 kB each
    here.

    Returns:
        A reference to each chunk, and its jobs.
    """
    import pyarrow as pa
    import ray

    waiting = iter(tasks)
    stored: list[Any] = []
    jobs: list[Sequence[Job]] = []
    for number, size in enumerate(sizes):
        chunk = list(islice(waiting, size))
        stored.append(ray.put(pa.table({"chunk": [pickle.dumps((number, chunk))]})))
        jobs.append([job for task in chunk for job in task.jobs])
    return stored, jobs


def _results(worker: Worker, pool: _Pool, stored: Sequence[Any]) -> Iterator[_Done]:
    """Yield the result of each stored chunk as it ends."""
    import ray
    from ray import cloudpickle
    from ray.data import ActorPoolStrategy, DataContext

    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    translator = in_torch(worker.translator)
    translator.model.on_step = None  # a progress bar cannot be pickled
    there = replace(worker, translator=translator.to(torch.device("cpu")))
    packed = ray.put(cloudpickle.dumps(there))  # type: ignore[no-untyped-call]
    attempts = ray.remote(num_cpus=0)(Attempts).remote()
    done = ray.data.from_arrow_refs(list(stored)).map_batches(
        _Actor,
        fn_constructor_args=(packed, pool, attempts, mounts()),
        batch_size=1,
        compute=ActorPoolStrategy(size=pool.actors, max_tasks_in_flight_per_actor=2),
        num_cpus=1,
        num_gpus=pool.gpus,
    )
    for row in done.iter_rows():
        yield pickle.loads(row["done"])


def _note(out: Path, outcome: Outcome) -> None:
    """Create the local entry of a result that another machine wrote to remote storage."""
    if outcome.entry is not None and outcome.entry.status == "converted" and is_remote(out):
        path = out / str(outcome.entry.output)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def _given_up(jobs: Iterable[Job]) -> Iterator[Outcome]:
    for job in jobs:
        error = (
            f"{job.source}: expected a Ray worker to process it, got {_ATTEMPTS} that died: make sure that they "
            "have enough memory, then continue with --resume"
        )
        yield Outcome(replace(failed_entry(job), error=error))


@contextmanager
def _cluster(address: str | None) -> Iterator[None]:
    """Connect to a cluster, or start one on this machine for the duration of the context."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # no usage statistics unless the user enables them
    try:
        import ray
    except ImportError:
        raise MissingPackageError("expected Ray for --engine ray, found none: pip install 'ir-transfer[ray]'") from None
    if ray.is_initialized():
        yield
        return
    dashboard = False if address is None else None
    on_sigterm = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address or "local", include_dashboard=dashboard, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError) as error:
        raise InputError(f"expected a Ray cluster at {address}, got: {error}: see ray status") from error
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, on_sigterm)  # Ray has installed a handler that exits with code 15
    try:
        yield
    finally:
        ray.shutdown()
