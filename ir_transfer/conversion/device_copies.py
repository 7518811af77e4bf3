"""Levels to a device and results back: in as few bytes as files hold, and without waiting for the device."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ir_transfer.data.image_io import BitDepth, OutputLevels, Picture

Result = NDArray[np.float32] | OutputLevels
"""An intensity (H, W) in [0, 1], or its levels."""

_AS_STORED = {np.dtype(np.uint8): np.uint8, np.dtype(np.uint16): np.int16, np.dtype(np.float32): np.float32}
"""Types of levels that travel as they are, and the type that torch computes with on every device for their bits."""
_AT_ONCE = 2**22  # pixels that become levels: float64 of a whole batch would be twice its intensity


def content_on(device: torch.device, pictures: Sequence[Picture]) -> Tensor:
    """Return images of one size on a device, with the values of :meth:`Picture.rgb`.

    Levels travel as they are stored, from page-locked memory to CUDA, and become floats there.

    Args:
        device: Where to.
        pictures: Of one height and width; their kinds of levels may differ.

    Returns:
        Float32 sRGB (B, 3, H, W) in [0, 1], channels last.
    """
    if len({(picture.levels.dtype, len(picture.levels), picture.white) for picture in pictures}) > 1:
        return torch.cat([content_on(device, [picture]) for picture in pictures])
    levels, white = [picture.levels for picture in pictures], pictures[0].white
    bits = _AS_STORED.get(levels[0].dtype)
    if bits is None:
        levels, white, bits = [picture.rgb() for picture in pictures], 1.0, np.float32
    kind = torch.from_numpy(np.empty(0, bits)).dtype
    staged = torch.empty((len(levels), *levels[0].shape), dtype=kind, pin_memory=device.type == "cuda")
    for one, place in zip(levels, staged.numpy().view(levels[0].dtype), strict=True):
        np.copyto(place, one)
    placed = staged.to(device, non_blocking=True).expand(-1, 3, -1, -1)
    placed = placed.to(torch.int32) & 0xFFFF if kind == torch.int16 else placed
    unit = placed.to(torch.float32, memory_format=torch.channels_last)
    # Not by a number, since CUDA multiplies by its reciprocal: that is rounded otherwise.
    return unit if white == 1 else unit / torch.full((), white, dtype=torch.float32, device=device)


def has_known_range(picture: Picture) -> bool:
    """Return whether no level of a picture can be outside of [0, 1]: its white is the largest of its type."""
    dtype = picture.levels.dtype
    return dtype.kind == "u" and picture.white == 2 ** (8 * dtype.itemsize) - 1


def nearest_levels(intensity: Tensor, bit_depth: BitDepth) -> Tensor:
    """Return the levels of a finite intensity of any shape, which are those of :func:`to_levels`.

    Returns:
        uint8, or for 16 bits int16 with the bits of uint16.
    """
    kind = torch.uint8 if bit_depth == 8 else torch.int16
    levels = torch.empty(intensity.shape, dtype=kind, device=intensity.device)
    flat, out = intensity.flatten(), levels.view(-1)
    for start in range(0, len(flat), _AT_ONCE):
        # float64: a float32 cannot hold 65535 * x to half a level everywhere
        scaled = flat[start : start + _AT_ONCE].double().clamp_(0, 1).mul_(2**bit_depth - 1).add_(0.5)
        out[start : start + _AT_ONCE] = scaled.to(torch.int32)  # rounds down
    return levels


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


class Launched:
    """Batches that a device translates; the host goes on meanwhile where that is a GPU.

    Args:
        device: Which computes.
    """

    def __init__(self, device: torch.device) -> None:
        self._ready: list[Result] = []
        self._parts: list[_Part] = []
        self._clock: _Clock = _CudaClock(device) if device.type == "cuda" else _HostClock()

    @classmethod
    def of(cls, results: Sequence[Result], seconds: float = 0.0) -> Launched:
        """Return results that are there already, and how long they took."""
        made = cls(torch.device("cpu"))
        made._ready, made._clock = list(results), _HostClock(seconds)
        return made

    def add(self, intensity: Tensor, bit_depth: BitDepth | None = None) -> None:
        """Begin to copy results (B, H, W) back from the device.

        Args:
            intensity: Of images of one size.
            bit_depth: Of the levels to copy; the intensity itself if None, or where it is NaN or infinite.
        """
        if bit_depth is None:
            part = _Part(intensity, _to_host(intensity), None)
        else:
            finite = intensity.isfinite().flatten(1).all(dim=1)
            part = _Part(intensity, _to_host(nearest_levels(intensity, bit_depth)), _to_host(finite))
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


def _to_host(values: Tensor) -> Tensor:
    if values.device.type != "cuda":
        return values.contiguous()
    return torch.empty(values.shape, dtype=values.dtype, pin_memory=True).copy_(values, non_blocking=True)


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
