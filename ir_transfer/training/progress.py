"""Progress of a run: mean losses, images per second, and share of time spent waiting for data."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


class Progress:
    """Sums the losses of the steps since the last report and measures their time, without pauses.

    Args:
        batch_size: Images per step, over all processes.
    """

    def __init__(self, batch_size: int) -> None:
        self._batch_size = batch_size
        self._restart(0.0)

    def _restart(self, waited: float) -> None:
        self._sums: dict[str, float] = {}
        self._steps, self._began, self._paused, self._waited = 0, time.monotonic(), 0.0, waited

    def add(self, losses: Mapping[str, float]) -> None:
        """Add the losses of a step."""
        self._steps += 1
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + value

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Exclude the time of the block, such as a validation or checkpoint, from the rate."""
        began = time.monotonic()
        yield
        self._paused += time.monotonic() - began

    def report(self, waited: float) -> tuple[dict[str, float], float, float]:
        """Return the mean losses, images per second and the share of waiting since the last report.

        Args:
            waited: Seconds spent waiting for data since the start of the run.
        """
        elapsed = max(time.monotonic() - self._began - self._paused, 1e-9)
        steps = max(self._steps, 1)
        means = {name: value / steps for name, value in self._sums.items()}
        found = means, self._steps * self._batch_size / elapsed, (waited - self._waited) / elapsed
        self._restart(waited)
        return found
