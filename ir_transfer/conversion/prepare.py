"""What a run is made of, checked as far as that goes without a model; free of torch."""

from __future__ import annotations

from ir_transfer.conversion.exported.choose import choose_run_styles, declared_info
from ir_transfer.conversion.heat.setup import check_heat
from ir_transfer.conversion.masks import Masks, open_masks
from ir_transfer.conversion.options import Options
from ir_transfer.conversion.plan import Plan, make_plan, refuse_existing
from ir_transfer.conversion.styles.choose import StyleChoice


def prepare_run(options: Options) -> tuple[Plan, StyleChoice, Masks | None]:
    """Return what is to be done, in which styles, and with which masks.

    Raises:
        IrTransferError: Nothing can be done at all: wrong options, no input, no style, masks that do not fit.
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
