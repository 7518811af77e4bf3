"""Time that a run spends on each stage; does not import torch."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Self


@dataclass
class RunTimes:
    """Seconds of a run, summed over its processes.

    Attributes:
        whole: From the first task to the last outcome, summed over the devices.
        decode: Decoding, summed over the reader threads.
        translate: Time in which a device was busy.
        encode: Encoding, summed over the writer threads.
        wait_read: Time in which a device waited for images to be read.
        wait_write: Time in which a device waited for results to be written.
    """

    whole: float = 0.0
    decode: float = 0.0
    translate: float = 0.0
    encode: float = 0.0
    wait_read: float = 0.0
    wait_write: float = 0.0

    def __add__(self, other: RunTimes) -> Self:
        """Return the sum."""
        return type(self)(*(ours + theirs for ours, theirs in zip(astuple(self), astuple(other), strict=True)))

    @property
    def waiting(self) -> float:
        """Share of the time in which the devices were idle; 0 before the run."""
        return 1 - self.translate / self.whole if self.whole else 0.0

    def __str__(self) -> str:
        work = self.decode + self.translate + self.encode
        if not work:
            return "nothing to do"
        shares = (f"{name} {getattr(self, name) / work:.0%}" for name in ("decode", "translate", "encode"))
        why = f"{self.wait_read:.1f} s to read, {self.wait_write:.1f} s to write"
        return f"{', '.join(shares)} of the work; device idle for {self.waiting:.0%} of {self.whole:.1f} s ({why})"
