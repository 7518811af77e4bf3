"""Results that a device computes asynchronously; imports torch only when a device is used."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from ir_transfer.imaging.image_io import BitDepth, OutputLevels

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Result = NDArray[np.float32] | OutputLevels
"""An intensity (H, W) in [0, 1], or its levels."""


@dataclass(frozen=True)
class _Part:
    """Results of one batch, whose host copies are complete when the device has finished.

    Attributes:
        intensity: (B, H, W), on the device.
        copied: Host copy of the levels, or of the intensity if no levels are made.
        finite: Whether each intensity (B,) is finite, so that its levels are used; None if no levels are made.
    """

    intensity: Tensor
    copied: Tensor
    finite: Tensor | None

    def results(self) -> list[Result]:
        copied = self.copied.numpy()
        if self.finite is None:
            return list(copied)
        levels = copied.view(np.uint16) if copied.dtype == np.int16 else copied
        kept = self.finite.tolist()
        return [levels[n] if kept[n] else self.intensity[n].cpu().numpy() for n in range(len(kept))]


class PendingResults:
    """Results of batches that a device translates; with a GPU, the host continues meanwhile.

    Args:
        device: Device of the computation; the host if None.
    """

    def __init__(self, device: torch.device | None = None) -> None:
        self._ready: list[Result] = []
        self._parts: list[_Part] = []
        self._clock: _Clock = _HostClock()
        if device is not None and device.type == "cuda":
            self._clock = _CudaClock(device)

    @classmethod
    def of(cls, results: Sequence[Result], seconds: float = 0.0) -> PendingResults:
        """Wrap results that are complete, with the seconds that they took."""
        made = cls()
        made._ready, made._clock = list(results), _HostClock(seconds)
        return made

    def add(self, intensity: Tensor, bit_depth: BitDepth | None = None) -> None:
        """Start copying results (B, H, W) back from the device.

        Args:
            intensity: Results of images of one size.
            bit_depth: Bit depth of the levels to copy; intensities are copied if None, or for images with NaN or
                infinite values.
        """
        from ir_transfer.conversion.devices import nearest_levels, to_host

        if bit_depth is None:
            part = _Part(intensity, to_host(intensity), None)
        else:
            finite = intensity.isfinite().flatten(1).all(dim=1)
            part = _Part(intensity, to_host(nearest_levels(intensity, bit_depth)), to_host(finite))
        self._parts.append(part)
        self._clock.stop()

    def done(self) -> bool:
        """Return whether :meth:`results` returns without waiting."""
        return self._clock.is_over()

    def results(self) -> list[Result]:
        """Wait for the device; return the result of each image, (H, W)."""
        self._clock.wait()
        return self._ready + [result for part in self._parts for result in part.results()]

    def seconds(self) -> float:
        """Wait for the device; return its seconds from the first batch to the last."""
        self._clock.wait()
        return self._clock.seconds()


class _Clock(Protocol):
    """Measures the time that a device computes."""

    def stop(self) -> None:
        """Set the end of the interval after the work queued so far; the last call counts."""

    def is_over(self) -> bool:
        """Return whether the device has come to the end."""

    def wait(self) -> None:
        """Wait for the end of the interval."""

    def seconds(self) -> float:
        """Return the length of the interval; valid after :meth:`wait`."""


class _HostClock:
    """Clock of a device that the host waits for in any case."""

    def __init__(self, seconds: float = 0.0) -> None:
        self._began, self._seconds = time.perf_counter(), seconds

    def stop(self) -> None:
        self._seconds = time.perf_counter() - self._began

    def is_over(self) -> bool:
        return True

    def wait(self) -> None:
        return

    def seconds(self) -> float:
        return self._seconds


class _CudaClock:
    """Clock of a GPU, which starts when the GPU starts this work."""

    def __init__(self, device: torch.device) -> None:
        import torch

        self._stream = torch.cuda.current_stream(device)
        self._began, self._ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
        self._began.record(self._stream)

    def stop(self) -> None:
        self._ended.record(self._stream)

    def is_over(self) -> bool:
        return bool(self._ended.query())  # type: ignore[no-untyped-call]

    def wait(self) -> None:
        self._ended.synchronize()

    def seconds(self) -> float:
        return float(self._began.elapsed_time(self._ended)) / 1000
