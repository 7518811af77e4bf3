"""Batches that a device translates while the host goes on; free of torch until one is given to a device."""

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
    """Results of one batch: on the host once the device is done.

    Attributes:
        intensity: (B, H, W), on the device.
        copied: Levels, or the intensity itself.
        finite: Whether a result (B,) has levels; None if none was asked for.
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
    """Batches that a device translates; the host goes on meanwhile where that is a GPU.

    Args:
        device: Which computes; the host itself if None.
    """

    def __init__(self, device: torch.device | None = None) -> None:
        self._ready: list[Result] = []
        self._parts: list[_Part] = []
        self._clock: _Clock = _HostClock()
        if device is not None and device.type == "cuda":
            self._clock = _CudaClock(device)

    @classmethod
    def of(cls, results: Sequence[Result], seconds: float = 0.0) -> PendingResults:
        """Return results that are there already, and how long they took."""
        made = cls()
        made._ready, made._clock = list(results), _HostClock(seconds)
        return made

    def add(self, intensity: Tensor, bit_depth: BitDepth | None = None) -> None:
        """Begin to copy results (B, H, W) back from the device.

        Args:
            intensity: Of images of one size.
            bit_depth: Of the levels to copy; the intensity itself if None, or where it is NaN or infinite.
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
        """Return whether :meth:`results` returns at once."""
        return self._clock.is_over()

    def results(self) -> list[Result]:
        """Wait for the device; return what it made of each image."""
        self._clock.wait()
        return self._ready + [result for part in self._parts for result in part.results()]

    def seconds(self) -> float:
        """Wait for the device; return how long it took, from the first batch to the last."""
        self._clock.wait()
        return self._clock.seconds()


class _Clock(Protocol):
    """Measures what one device computes."""

    def stop(self) -> None:
        """End here, or later if called again."""

    def is_over(self) -> bool:
        """Return whether the device has come to the end."""

    def wait(self) -> None:
        """Wait until it has."""

    def seconds(self) -> float:
        """Return what it took, once it is over."""


class _HostClock:
    """Of a device for which the host waits anyway."""

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
    """Of a GPU, from when it comes to this work."""

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
