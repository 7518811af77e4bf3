"""Time that a run spends on each stage, and the estimated time of iterative models; does not import torch."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from ir_transfer.durations import duration_text
from ir_transfer.imaging.image_io import DecodedImage

if TYPE_CHECKING:
    from ir_transfer.conversion.translate import Translator
    from ir_transfer.models.base import TranslationModel

OnStep = Callable[[int, int, Mapping[str, float]], None]

_PROBE_SIDE, _PROBE_STEPS = 128, 7
_EXAMPLE = (640, 512)
_LINES = 10  # log lines per image with -v

logger = logging.getLogger(__name__)


def warn_of_time(translator: Translator, images: int) -> None:
    """Time a few steps of an iterative model on a small image, and log the estimated time of a large one."""
    steps = int(translator.model.hyper_parameters["steps"])
    pixels = _EXAMPLE[0] * _EXAMPLE[1] / _PROBE_SIDE**2
    seconds = _seconds_per_step(translator) * pixels * steps
    logger.warning(
        "model %s optimises every image in up to %d steps: about %s for %d x %d pixels on %s, and there are %d "
        "image(s); --option steps=N takes fewer",
        *(translator.model.info.name, steps, duration_text(seconds), *_EXAMPLE, translator.device, images),
    )


def report_steps(model: TranslationModel, on_step: OnStep | None) -> None:
    """Make an iterative model call ``on_step`` after every step, and log some of the steps."""

    def report(step: int, budget: int, losses: Mapping[str, float]) -> None:
        if on_step is not None:
            on_step(step, budget, losses)
        if step % max(1, budget // _LINES) == 0:
            logger.info("step %d/%d: %s", step, budget, losses_text(losses))

    model.on_step = report


def losses_text(losses: Mapping[str, float]) -> str:
    """Format losses by name on one line.

    Example:
        >>> losses_text({"content": 0.25, "style": 1.5e-5})
        'content 0.25, style 1.5e-05'
    """
    return ", ".join(f"{name} {value:.3g}" for name, value in losses.items())


def _seconds_per_step(translator: Translator) -> float:
    """Return the median time of a step on a small image; the first steps search longer than the others."""
    levels = np.random.default_rng(0).integers(0, 256, (3, _PROBE_SIDE, _PROBE_SIDE), dtype=np.uint8)
    model, times = translator.model, [time.perf_counter()]
    budget = str(model.hyper_parameters["steps"])
    model.on_step = lambda step, steps, losses: times.append(time.perf_counter())
    try:
        model.configure({"steps": str(_PROBE_STEPS)})
        translator([DecodedImage(levels, 255.0, "")])
    finally:
        model.configure({"steps": budget})
        model.on_step = None
    return float(np.median(np.diff(times))) if len(times) > 1 else 0.0


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
