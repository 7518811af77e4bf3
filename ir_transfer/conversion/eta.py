"""Iterative models need patience: how long an image will take, said before the run, and what happens meanwhile."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from ir_transfer.durations import duration_text
from ir_transfer.imaging.image_io import DecodedImage

if TYPE_CHECKING:
    from ir_transfer.conversion.translate import Translator
    from ir_transfer.models.base import TranslationModel

OnStep = Callable[[int, int, Mapping[str, float]], None]

_PROBE_SIDE, _PROBE_STEPS = 128, 7
_EXAMPLE = (640, 512)
_LINES = 10  # of -v for each image

logger = logging.getLogger(__name__)


def warn_of_time(translator: Translator, images: int) -> None:
    """Time some steps of an iterative model on a small image, and warn of what a large one takes."""
    steps = int(translator.model.hyper_parameters["steps"])
    pixels = _EXAMPLE[0] * _EXAMPLE[1] / _PROBE_SIDE**2
    seconds = _seconds_per_step(translator) * pixels * steps
    logger.warning(
        "model %s optimises every image in up to %d steps: about %s for %d x %d pixels on %s, and there are %d "
        "image(s); --option steps=N takes fewer",
        *(translator.model.info.name, steps, duration_text(seconds), *_EXAMPLE, translator.device, images),
    )


def report_steps(model: TranslationModel, on_step: OnStep | None) -> None:
    """Have an iterative model tell ``on_step`` of every step, and the log of some."""

    def tell(step: int, budget: int, losses: Mapping[str, float]) -> None:
        if on_step is not None:
            on_step(step, budget, losses)
        if step % max(1, budget // _LINES) == 0:
            logger.info("step %d/%d: %s", step, budget, losses_text(losses))

    model.on_step = tell


def losses_text(losses: Mapping[str, float]) -> str:
    """Return losses by name on one line.

    Example:
        >>> losses_text({"content": 0.25, "style": 1.5e-5})
        'content 0.25, style 1.5e-05'
    """
    return ", ".join(f"{name} {value:.3g}" for name, value in losses.items())


def _seconds_per_step(translator: Translator) -> float:
    """Return what a step on a small image takes; the median, for the first ones search longer than the others."""
    levels = np.random.default_rng(0).integers(0, 256, (3, _PROBE_SIDE, _PROBE_SIDE), dtype=np.uint8)
    model, moments = translator.model, [time.perf_counter()]
    budget = str(model.hyper_parameters["steps"])
    model.on_step = lambda step, steps, losses: moments.append(time.perf_counter())
    try:
        model.configure({"steps": str(_PROBE_STEPS)})
        translator([DecodedImage(levels, 255.0, "")])
    finally:
        model.configure({"steps": budget})
        model.on_step = None
    return float(np.median(np.diff(moments))) if len(moments) > 1 else 0.0
