"""Delivers the journal of a running training in a separate thread, so that training never waits for MLflow."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import psutil
import torch

from ir_transfer.errors import one_line
from ir_transfer.tracking.delivery import Delivery
from ir_transfer.tracking.run_inputs import RunInput
from ir_transfer.tracking.store import connect
from ir_transfer.training.journal import append_event, read_events

_SYSTEM_EVERY = 10.0  # seconds
_LONGEST_PAUSE = 60.0


class Follower:
    """Delivers a run folder's journal while the training writes it, within a ``with`` block.

    An unavailable store is reported once; the events remain in the journal and are delivered when the store is
    available again, or later with ``ir-transfer runs deliver``.

    Args:
        folder: Folder of the run.
        uri: Tracking URI.
        data: Training and validation sets; read once, in the thread, for their digests.
        report: Called with lines for the user.
        every: Seconds between deliveries.

    Raises:
        MissingPackageError: On entering, if MLflow is not installed.
    """

    def __init__(
        self, folder: Path, uri: str, data: Sequence[RunInput], report: Callable[[str], None], every: float = 5.0
    ) -> None:
        self._delivery, self._data, self._report, self._every = Delivery(folder, uri), data, report, every
        self._stop = threading.Event()
        self._failing = False
        self._samples = sum("system/cpu_utilization_percentage" in e.get("values", ()) for e in read_events(folder)[0])
        self._thread = threading.Thread(target=self._follow, name="tracking", daemon=True)

    def __enter__(self) -> Self:
        connect(self._delivery.uri, create=True)  # reports a missing package or a wrong URI before the training starts
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self, timeout: float = 180.0) -> None:
        """Deliver the remaining events; report it if some are left after a timeout in seconds."""
        self._stop.set()
        self._thread.join(timeout)
        folder = self._delivery.folder
        if self._thread.is_alive() or not self._delivery.complete:
            self._report(f"MLflow at {self._delivery.uri} lacks events of this run: ir-transfer runs deliver {folder}")
        elif self._delivery.run is not None:
            self._report(f"MLflow run {self._delivery.run} at {self._delivery.uri}: ir-transfer review")

    def _follow(self) -> None:
        self._record_data()
        self._record_system()
        pause, sampled = self._every, time.monotonic()
        while not self._stop.is_set():
            pause = self._every if self._deliver() else min(2 * pause, _LONGEST_PAUSE)
            if not self._stop.wait(pause) and time.monotonic() - sampled >= _SYSTEM_EVERY:
                self._record_system()
                sampled = time.monotonic()
        self._deliver()

    def _deliver(self) -> bool:
        try:
            self._delivery.deliver()
        except Exception as error:  # no error of a store or a network may stop the training
            if not self._failing:
                self._report(
                    f"warning: MLflow at {self._delivery.uri} does not accept this run ({type(error).__name__}: "
                    f"{one_line(error)}); the training continues, and its events are kept in {self._delivery.folder}"
                )
            self._failing = True
            return False
        if self._failing:
            self._report(f"MLflow at {self._delivery.uri} is available again: all events are delivered")
        self._failing = False
        return True

    def _record_data(self) -> None:
        folder = self._delivery.folder
        recorded = [event["data"]["name"] for event in read_events(folder)[0] if event["kind"] == "data"]
        for data in self._data:
            if data.name in recorded:
                continue
            try:
                append_event(folder, "data", 0, {"data": data.summary()})
            except OSError as error:
                self._report(f"warning: no digest of {data.name}: {error}")

    def _record_system(self) -> None:
        """Record machine utilisation in the journal, since MLflow's own monitor needs an available store."""
        values = {
            "system/cpu_utilization_percentage": psutil.cpu_percent(),
            "system/system_memory_usage_percentage": psutil.virtual_memory().percent,
            "system/process_memory_usage_megabytes": psutil.Process().memory_info().rss / 2**20,
        }
        for index in range(torch.cuda.device_count()):
            free, whole = torch.cuda.mem_get_info(index)
            values[f"system/gpu_{index}_memory_usage_percentage"] = 100 * (1 - free / whole)
        with suppress(OSError):  # a full disk is reported by the training
            append_event(self._delivery.folder, "metrics", self._samples, {"values": values})
        self._samples += 1
