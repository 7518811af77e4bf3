import threading
import time
from typing import cast

import pytest

from ir_transfer.errors import MissingFileError
from ir_transfer.training.batches import Batch, BatchSource
from ir_transfer.training.loader import Loader


class Numbers:
    """A source whose batches are step numbers, optionally with a delay."""

    def __init__(self, seconds: float = 0.0, fails_at: int | None = None) -> None:
        self.seconds, self.fails_at = seconds, fails_at
        self.drawn: list[int] = []
        self.sizes: set[int] = set()
        self._lock = threading.Lock()

    def draw(self, step: int, size: int) -> Batch:
        time.sleep(self.seconds * (1 + step % 2))
        with self._lock:
            self.drawn.append(step)
            self.sizes.add(size)
        if step == self.fails_at:
            raise MissingFileError(f"no image of step {step}")
        return cast(Batch, step)


def test_batches_are_delivered_in_order() -> None:
    numbers = Numbers(0.002)
    with Loader(cast(BatchSource, numbers), 7, step=3, last=12, workers=4) as loader:
        taken = [cast(int, loader.take()) for _ in range(9)]
    assert taken == [*range(3, 12)]
    assert sorted(numbers.drawn) == [*range(3, 12)], "none is drawn twice, or after the last"
    assert numbers.sizes == {7}


def test_prefetching_is_bounded() -> None:
    numbers = Numbers()
    with Loader(cast(BatchSource, numbers), 1, step=0, last=1000, workers=2) as loader:
        loader.take()
        time.sleep(0.2)
    assert len(numbers.drawn) == 4


def test_waiting_time_is_measured() -> None:
    with Loader(cast(BatchSource, Numbers(0.05)), 1, step=0, last=4, workers=1) as loader:
        assert loader.waited == 0
        loader.take()
        first = loader.waited
        loader.take()
    assert 0.04 < first < loader.waited


def test_exceptions_in_threads_propagate() -> None:
    with Loader(cast(BatchSource, Numbers(fails_at=1)), 1, step=0, last=4, workers=2) as loader:
        loader.take()
        with pytest.raises(MissingFileError, match="step 1"):
            loader.take()
