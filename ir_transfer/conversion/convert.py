"""The conversion of images from its options: check, plan, load the model, run."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ir_transfer.conversion.engine.run import Run
from ir_transfer.conversion.exported.choose import choose_run_styles, declared_info
from ir_transfer.conversion.exported.translator import AnyTranslator, FileTranslator, in_torch, runs_without_torch
from ir_transfer.conversion.heat.setup import check_heat, make_heat
from ir_transfer.conversion.masks import Masks, open_masks
from ir_transfer.conversion.options import Observer, Options, Summary
from ir_transfer.conversion.plan import Plan, make_plan, refuse_existing
from ir_transfer.conversion.session import (
    is_inverted,
    load_translator,
    locked,
    open_manifest,
    post_process_of,
    settings_of,
)
from ir_transfer.conversion.styles.choose import StyleChoice
from ir_transfer.conversion.timing import OnStep, report_steps, warn_of_time

if TYPE_CHECKING:
    from ir_transfer.conversion.heat.shift import Heat

logger = logging.getLogger(__name__)


def prepare_run(options: Options) -> tuple[Plan, StyleChoice, Masks | None]:
    """Return plan, styles and masks of a run, checked as far as possible without loading a model.

    Raises:
        IrTransferError: The run cannot start: wrong options, no input, no style, or masks that do not fit.
    """
    controls = options.controls
    options.check()
    check_heat(options.heat)
    plan = make_plan(
        options.inputs, options.out, options.format, controls.ending, options.max_pixels, raster=options.raster
    )
    refuse_existing(plan, resume=options.resume, overwrite=options.overwrite)
    choice = choose_run_styles(options)
    controls.check(declared_info(choice, options), len(choice.styles), weighted=options.style_weights is not None)
    return plan, choice, open_masks(controls, choice, options.max_pixels)


def convert(options: Options, observer: Observer | None = None, on_step: OnStep | None = None) -> Summary:
    """Convert images; an image that fails is recorded in the manifest and does not stop the run.

    Args:
        options: What to convert, and how.
        observer: Notified of every finished input.
        on_step: Called after every step of an iterative model, and after every window of a raster.

    Raises:
        IrTransferError: The run cannot start: wrong options, no input, no style, or an output folder that cannot be
            written.
    """
    plan, choice, masks = prepare_run(options)
    translator, heat = _loaded(options, choice, masks)
    inverted = is_inverted(translator.codes, options.polarity)
    logger.info("%d images into %s", len(plan.jobs), plan.out)
    with locked(plan.out):
        # Checked again: another run may have written results while the model was loaded.
        refuse_existing(plan, resume=options.resume, overwrite=options.overwrite)
        settings = {**settings_of(options, translator), "inverted": inverted}
        if heat is not None:
            settings |= options.heat.settings() | heat.settings
        manifest = open_manifest(plan, options, settings, translator)
        if translator.model.info.iterative:
            warn_of_time(in_torch(translator), len(plan.jobs))
            report_steps(in_torch(translator).model, on_step)
        on_window = None if on_step is None else lambda done, total: on_step(done, total, {})
        try:
            finish = post_process_of(options, [translator.style], heat)
            run = Run(options, plan, manifest, translator, finish, observer=observer, masks=masks, on_window=on_window)
            return run.all()
        finally:
            manifest.close()


def _loaded(options: Options, choice: StyleChoice, masks: Masks | None) -> tuple[AnyTranslator, Heat | None]:
    if runs_without_torch(options, choice):
        return FileTranslator.load(options, choice), None
    translator = load_translator(options, choice, masks)
    return translator, make_heat(options.heat, translator.model, translator.device)
