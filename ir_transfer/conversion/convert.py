"""The main job from its options: plan, load, run."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ir_transfer.conversion.camera import NO_CAMERA, CameraStep
from ir_transfer.conversion.engine.finish import Finish
from ir_transfer.conversion.engine.run import Run
from ir_transfer.conversion.engine.translators import AnyTranslator, in_torch
from ir_transfer.conversion.exported.translator import FileTranslator, runs_without_torch
from ir_transfer.conversion.heat.setup import make_heat
from ir_transfer.conversion.masks import Masks
from ir_transfer.conversion.options import Observer, Options, Summary
from ir_transfer.conversion.patience import OnStep, report_steps, warn_of_time
from ir_transfer.conversion.plan import refuse_existing
from ir_transfer.conversion.prepare import prepare_run
from ir_transfer.conversion.session import is_inverted, load_translator, locked, look_of, open_manifest
from ir_transfer.conversion.styles.choose import StyleChoice

if TYPE_CHECKING:
    from ir_transfer.conversion.heat.shift import Heat

logger = logging.getLogger(__name__)


def convert(options: Options, observer: Observer | None = None, on_step: OnStep | None = None) -> Summary:
    """Convert images; one that fails costs one manifest line and never the run.

    Args:
        options: What to convert, and how.
        observer: Notified of every input that is done.
        on_step: Called after every step of an iterative model.

    Raises:
        IrTransferError: Nothing can be done at all: wrong options, no input, no style, no place to write.
    """
    plan, choice, masks = prepare_run(options)
    translator, heat = _loaded(options, choice, masks)
    inverted = is_inverted(translator.codes, options.polarity)
    logger.info("%d images into %s", len(plan.jobs), plan.out)
    with locked(plan.out):
        # Again: another run may have come and gone while the model was loaded.
        refuse_existing(plan, resume=options.resume, overwrite=options.overwrite)
        look = {**look_of(options, translator), "inverted": inverted}
        if heat is not None:
            look |= options.heat.look() | heat.look
        manifest = open_manifest(plan, options, look, translator)
        if translator.model.info.iterative:
            warn_of_time(in_torch(translator), len(plan.jobs))
            report_steps(in_torch(translator).model, on_step)
        try:
            camera = () if options.camera == NO_CAMERA else (CameraStep(options.camera, options.seed),)
            black_hot = not translator.style.white_hot
            tell = None if on_step is None else lambda done, total: on_step(done, total, {})
            finish = Finish(
                options.bit_depth,
                options.format,
                _first(inverted),
                _first(black_hot),
                camera,
                heat,
                options.compression,
            )
            return Run(
                options, plan, manifest, translator, finish, observer=observer, masks=masks, on_window=tell
            ).all()
        finally:
            manifest.close()


def _loaded(options: Options, choice: StyleChoice, masks: Masks | None) -> tuple[AnyTranslator, Heat | None]:
    if runs_without_torch(options, choice):
        return FileTranslator.load(options, choice), None
    translator = load_translator(options, choice, masks)
    return translator, make_heat(options.heat, translator.model, translator.device)


def _first(holds: bool) -> frozenset[int]:
    return frozenset({0}) if holds else frozenset()
