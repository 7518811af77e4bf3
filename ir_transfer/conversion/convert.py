"""The main job from its options: plan, load, run."""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from ir_transfer import __version__
from ir_transfer.conversion.finish import Finish
from ir_transfer.conversion.manifest import Header, Manifest
from ir_transfer.conversion.options import Observer, Options, Summary
from ir_transfer.conversion.patience import OnStep, report_steps, warn_of_time
from ir_transfer.conversion.plan import Plan, refuse_existing
from ir_transfer.conversion.prepare import prepare_run
from ir_transfer.conversion.run import Run
from ir_transfer.conversion.translate import Translator, pick_device
from ir_transfer.errors import EncodeError, InputError

logger = logging.getLogger(__name__)


def convert(options: Options, observer: Observer | None = None, on_step: OnStep | None = None) -> Summary:
    """Convert pictures; one that fails costs one manifest line and never the run.

    Args:
        options: What to convert, and how.
        observer: Told of every input that is dealt with.
        on_step: Told of every step of an iterative model.

    Raises:
        IrTransferError: Nothing can be done at all: wrong options, no input, no style, no place to write.
    """
    if not 0 <= options.strength <= 1:
        raise InputError(f"expected --strength in 0..1, got {options.strength}")
    plan, choice, masks = prepare_run(options)
    inverted = options.polarity is not None and options.polarity != choice.polarity
    device = pick_device(options.device)
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    translator = Translator.load(
        choice,
        device,
        strength=options.strength,
        precision=options.precision,
        batch_size=options.batch_size,
        seed=options.seed,
        max_pixels=options.max_pixels,
        white_hot=None if options.polarity is None else True,
        controls=options.controls,
        exemplar_maps=() if masks is None else masks.exemplars,
        options=options.model_options,
    )
    logger.info("model %s, weights %s, on %s", choice.model, translator.model.weights_hash, device)
    logger.info("%d pictures into %s", len(plan.jobs), plan.out)
    with locked(plan.out):
        # Again: another run may have come and gone while the model was loaded.
        refuse_existing(plan, resume=options.resume, overwrite=options.overwrite)
        manifest = _open_manifest(plan, options, translator, inverted)
        if translator.model.info.iterative:
            warn_of_time(translator, len(plan.jobs))
            report_steps(translator.model, on_step)
        try:
            finish = Finish(options.bit_depth, options.format, inverted=inverted)
            return Run(options, plan, manifest, translator, finish, observer=observer, masks=masks).all()
        finally:
            manifest.close()


def _open_manifest(plan: Plan, options: Options, translator: Translator, inverted: bool) -> Manifest:
    look: dict[str, Any] = {
        "model": translator.model.info.name,
        "weights": translator.model.weights_hash,
        "style": translator.style_hash,
        "strength": options.strength,
        "inverted": inverted,
        "bit_depth": options.bit_depth,
        "format": options.format,
        "precision": options.precision,
        "seed": options.seed,
    }
    if controls := options.controls.look():
        look["controls"] = controls
    if chosen := {name: translator.model.hyper_parameters[name] for name in translator.model.run_options}:
        look["options"] = chosen
    versions = {
        "ir_transfer": __version__,
        "torch": str(torch.__version__),
        "python": platform.python_version(),
        "device": translator.device.type,
    }
    found = Manifest.load(plan.out) if options.resume else None
    if found is None:
        return Manifest.create(plan.out, Header(options.command, look, versions))
    found.header.refuse_other_look(look, found.path)
    found.reopen()
    return found


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Hold the folder of the results for one run."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EncodeError(f"expected to make the folder {out}, got: {error.strerror}: choose another -o") from error
    try:
        import fcntl
    except ImportError:  # not on Windows
        yield
        return
    handle = os.open(out, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise InputError(f"expected {out} for this run alone, got another run at work there: wait for it") from None
    except OSError as error:
        logger.info("%s cannot be locked (%s): see that no other run uses it", out, error.strerror)
    try:
        yield
    finally:
        os.close(handle)
