"""Follows a training in a thread of its own and delivers its journal; the training never waits for MLflow."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import psutil
import torch

from ir_transfer.tracking.client import connect
from ir_transfer.tracking.delivery import Delivery
from ir_transfer.tracking.provenance import RunInput
from ir_transfer.training.journal import append_event, read_events

_SYSTEM_EVERY = 10.0  # seconds
_LONGEST_PAUSE = 60.0


class Follower:
    """Delivers a run folder's journal while the training writes it.

    A store that does not answer is said once; what it missed stays in the journal, and is delivered when it answers
    again, or later by ``ir-transfer runs deliver``. A context: the thread runs inside.

    Args:
        folder: The run's.
        uri: Tracking URI.
        data: What is trained and validated on; read once, in the thread, for the digests.
        say: Receives a line for the user.
        every: Seconds between deliveries.

    Raises:
        MissingPackageError: On entering, if MLflow is not installed.
    """

    def __init__(
        self, folder: Path, uri: str, data: Sequence[RunInput], say: Callable[[str], None], every: float = 5.0
    ) -> None:
        self._delivery, self._data, self._say, self._every = Delivery(folder, uri), data, say, every
        self._stop = threading.Event()
        self._lost = False
        self._samples = sum("system/cpu_utilization_percentage" in e.get("values", ()) for e in read_events(folder)[0])
        self._thread = threading.Thread(target=self._follow, name="tracking", daemon=True)

    def __enter__(self) -> Self:
        connect(self._delivery.uri, create=True)  # MLflow not installed, or no URI: now is the time to say so
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self, patience: float = 180.0) -> None:
        """Deliver the rest, for so many seconds at most; what is left stays in the journal, and that is said."""
        self._stop.set()
        self._thread.join(patience)
        folder = self._delivery.folder
        if self._thread.is_alive() or not self._delivery.complete:
            self._say(f"MLflow at {self._delivery.uri} lacks a part of this run: ir-transfer runs deliver {folder}")
        elif self._delivery.run is not None:
            self._say(f"MLflow run {self._delivery.run} at {self._delivery.uri}: ir-transfer review")

    def _follow(self) -> None:
        self._note_data()
        self._note_system()
        pause, sampled = self._every, time.monotonic()
        while not self._stop.is_set():
            pause = self._every if self._deliver() else min(2 * pause, _LONGEST_PAUSE)
            if not self._stop.wait(pause) and time.monotonic() - sampled >= _SYSTEM_EVERY:
                self._note_system()
                sampled = time.monotonic()
        self._deliver()

    def _deliver(self) -> bool:
        try:
            self._delivery.deliver()
        except Exception as error:  # whatever a store or the network comes up with must not cost the training
            if not self._lost:
                reason = " ".join(str(error).split())[:200]
                self._say(
                    f"warning: MLflow at {self._delivery.uri} does not take this run ({type(error).__name__}: "
                    f"{reason}); the training goes on, and what happens is kept in {self._delivery.folder}"
                )
            self._lost = True
            return False
        if self._lost:
            self._say(f"MLflow at {self._delivery.uri} answers again: all is delivered")
        self._lost = False
        return True

    def _note_data(self) -> None:
        folder = self._delivery.folder
        noted = [event["data"]["name"] for event in read_events(folder)[0] if event["kind"] == "data"]
        for data in self._data:
            if data.name in noted:
                continue
            try:
                append_event(folder, "data", 0, {"data": data.summary()})
            except OSError as error:
                self._say(f"warning: no digest of {data.name}: {error}")

    def _note_system(self) -> None:
        values = {
            "system/cpu_utilization_percentage": psutil.cpu_percent(),
            "system/system_memory_usage_percentage": psutil.virtual_memory().percent,
            "system/process_memory_usage_megabytes": psutil.Process().memory_info().rss / 2**20,
        }
        for index in range(torch.cuda.device_count()):
            free, whole = torch.cuda.mem_get_info(index)
            values[f"system/gpu_{index}_memory_usage_percentage"] = 100 * (1 - free / whole)
        with suppress(OSError):  # a full disk is said by the training itself
            append_event(self._delivery.folder, "metrics", self._samples, {"values": values})
        self._samples += 1
