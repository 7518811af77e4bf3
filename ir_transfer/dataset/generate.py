"""Generation of an infrared set from a labelled RGB set, in the same label format, with manifest and card."""

import logging
from pathlib import Path
from typing import Any

from ir_transfer import model_info
from ir_transfer.conversion.engine.run import Run
from ir_transfer.conversion.heat.setup import check_heat, make_heat
from ir_transfer.conversion.heat.shift import Heat
from ir_transfer.conversion.inputs import check_out
from ir_transfer.conversion.manifest import Manifest
from ir_transfer.conversion.options import Observer
from ir_transfer.conversion.plan import Plan, refuse_existing
from ir_transfer.conversion.session import load_translator, locked, open_manifest, post_process_of, settings_of
from ir_transfer.conversion.styles.choose import StyleChoice, choose_styles
from ir_transfer.conversion.styles.exemplar import read_exemplar
from ir_transfer.conversion.timing import warn_of_time
from ir_transfer.conversion.translate import Translator
from ir_transfer.dataset.card import write_card
from ir_transfer.dataset.label_files import drop_removed, problem_lines, remove_stale, write_labels
from ir_transfer.dataset.options import DatasetOptions, DatasetSummary
from ir_transfer.dataset.plan import (
    ExemplarSimilarity,
    StyleChooser,
    by_windows,
    default_out,
    in_label_frames,
    plan_dataset,
    source_fields,
)
from ir_transfer.errors import InputError
from ir_transfer.labels.base import LabelledSet
from ir_transfer.labels.open import open_labelled

logger = logging.getLogger(__name__)


def prepare_dataset(options: DatasetOptions) -> tuple[LabelledSet, Plan, StyleChoice]:
    """Return the source set, the plan of its results, and the styles.

    Raises:
        InputError: ``--assign nearest`` with a saved style.
        IrTransferError: Invalid options, no set, no style, or existing results.
    """
    options.check()
    asked = options.conversion
    asked.check()
    root = Path(asked.inputs[0])
    if asked.out is not None:
        check_out(asked.out)
    choice = choose_styles(asked.styles, None, asked.model, asked.weights)
    asked.controls.check(model_info(choice.model), len(choice.styles), weighted=False)
    if options.assign == "nearest" and not all(isinstance(style, Path) for style in choice.styles):
        raise InputError("expected exemplar images with --assign nearest, got a saved style: pass its images")
    labelled = open_labelled(root, options.labels, orientation=options.orientation, page=options.page)
    check_heat(asked.heat, labelled)
    plan = plan_dataset(options, labelled, asked.out or default_out(root), len(choice.styles))
    plan = by_windows(in_label_frames(plan, labelled), options)
    refuse_existing(plan, resume=asked.resume, overwrite=asked.overwrite)
    return labelled, plan, choice


def generate_dataset(options: DatasetOptions, observer: Observer | None = None) -> DatasetSummary:
    """Generate an infrared data set; damaged images and labels are reported and do not stop the run.

    Args:
        options: Options of the set.
        observer: Notified of each finished result.

    Raises:
        IrTransferError: See :func:`prepare_dataset`.
    """
    labelled, plan, choice = prepare_dataset(options)
    asked = options.conversion
    translator = load_translator(asked, choice)
    heat = make_heat(asked.heat, translator.model, translator.device, labelled)
    with locked(plan.out):
        # Checked again, since another run may have finished while the model was loaded.
        refuse_existing(plan, resume=asked.resume, overwrite=asked.overwrite)
        if asked.overwrite:
            remove_stale(plan)
        look, source = _look(options, translator, labelled, heat), source_fields(labelled.root, plan.out)
        manifest = open_manifest(plan, asked, look, translator, source)
        try:
            if removed := drop_removed(plan, manifest):
                logger.warning(
                    "%s: removed %d results of images that are no longer in %s", plan.out, removed, labelled.root
                )
            if translator.model.info.iterative:
                warn_of_time(translator, len(plan.jobs))
            finish = post_process_of(options.conversion, translator.codes, heat)
            choose = StyleChooser(
                options, {one.path: one.rel_path for one in labelled.images}, _similarity(options, choice)
            )
            run = Run(asked, plan, manifest, translator, finish, choose=choose, observer=observer).all()
        finally:
            manifest.close()
        summary = DatasetSummary(run, labelled.kind, len(labelled.images))
        if run.stopped is None:
            _complete(options, labelled, plan, manifest, summary)
    return summary


def _complete(
    options: DatasetOptions, labelled: LabelledSet, plan: Plan, manifest: Manifest, summary: DatasetSummary
) -> None:
    """Write labels and card; a shard leaves them to ``dataset merge``."""
    if options.shard is None:
        written, summary.broken = write_labels(labelled, plan, manifest)
        summary.label_files = len(written)
    summary.problems = problem_lines(labelled)
    write_card(labelled, plan, manifest, options.conversion.styles, summary)


def _look(options: DatasetOptions, translator: Translator, labelled: LabelledSet, heat: Heat | None) -> dict[str, Any]:
    look = settings_of(options.conversion, translator)
    return {
        **look,
        **options.settings(),
        **({} if heat is None else heat.settings),
        "polarity": options.conversion.polarity,
        "styles": [
            {"style": text, "hash": code.hash}
            for text, code in zip(options.conversion.styles, translator.codes, strict=True)
        ],
        "style": "+".join(code.hash for code in translator.codes),
        "labels": labelled.kind,
        **({} if options.shard is None else {"shard": list(options.shard)}),
    }


def _similarity(options: DatasetOptions, choice: StyleChoice) -> ExemplarSimilarity | None:
    if options.assign != "nearest":
        return None
    pixels, asked = options.conversion.max_pixels, options.conversion.exemplar_range
    return ExemplarSimilarity(
        [read_exemplar(style, pixels, asked_range=asked)[0] for style in choice.styles if isinstance(style, Path)]
    )
