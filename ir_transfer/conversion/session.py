"""Common setup of all conversions: a loaded model, its recorded settings, a manifest, a locked folder."""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ir_transfer import __version__
from ir_transfer.conversion.camera import NO_CAMERA, CameraStep
from ir_transfer.conversion.engine.postprocess import PostProcess
from ir_transfer.conversion.exported.choose import runtime_of
from ir_transfer.conversion.exported.file import runtime_settings, runtime_versions
from ir_transfer.conversion.exported.translator import AnyTranslator
from ir_transfer.conversion.manifest import Header, Manifest
from ir_transfer.conversion.masks import Masks
from ir_transfer.conversion.options import Options, Polarity
from ir_transfer.conversion.plan import Plan
from ir_transfer.conversion.styles.catalog import WHITE_HOT
from ir_transfer.conversion.styles.choose import StyleChoice
from ir_transfer.errors import EncodeError, InputError
from ir_transfer.imaging.exemplars.polarity import is_white_hot
from ir_transfer.imaging.exemplars.range import AskedRange
from ir_transfer.models.style_facts import LOOK, DescribedStyle, exemplar_records, polarity_facts
from ir_transfer.redaction import redacted

if TYPE_CHECKING:
    from ir_transfer.conversion.heat.shift import Heat
    from ir_transfer.conversion.translate import Translator

logger = logging.getLogger(__name__)

_EXEMPLAR_SETTINGS = frozenset({"style", "styles", "exemplars", "exemplar_polarity"})
"""Settings that depend on the contents of the exemplar files."""


def load_translator(options: Options, choice: StyleChoice, masks: Masks | None = None) -> Translator:
    """Load the model of a choice with its styles by the options; see :meth:`Translator.load`."""
    import torch

    from ir_transfer.conversion.devices import pick_device
    from ir_transfer.conversion.translate import Translator

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
        white_hot=is_white_hot(options.exemplar_polarity),
        controls=options.controls,
        exemplar_maps=() if masks is None else masks.exemplars,
        options=options.model_options,
        exemplar_range=options.exemplar_range,
        runtime=runtime_of(options),
        threads=options.threads,
    )
    logger.info("model %s, weights %s, on %s", choice.model, translator.model.weights_hash, device)
    return translator


def settings_of(options: Options, translator: AnyTranslator) -> dict[str, Any]:
    """Return everything that determines the pixel values, for the manifest."""
    settings: dict[str, Any] = {
        "model": translator.model.info.name,
        "weights": translator.model.weights_hash,
        "style": translator.style_hash,
        "strength": options.strength,
        "bit_depth": options.bit_depth,
        "format": options.format,
        "compression": options.compression,
        "precision": options.precision,
        "seed": options.seed,
        "exemplar_polarity": [polarity_facts(code) for code in translator.codes],
    }
    settings |= exemplar_settings(options.exemplar_range, translator)
    settings |= runtime_settings(translator.model)
    settings |= options.camera.settings()
    if raster := options.raster.settings():
        settings["raster"] = raster
    if controls := options.controls.settings():
        settings["controls"] = controls
    if chosen := {name: translator.model.hyper_parameters[name] for name in translator.model.run_options}:
        settings["options"] = chosen
    return settings


def post_process_of(options: Options, codes: Sequence[DescribedStyle], heat: Heat | None) -> PostProcess:
    """Return the post-processing of a run by its options.

    Args:
        options: Format, polarity and camera of the results.
        codes: Styles by their index in the variants, or the one style of a run without variants.
        heat: Shifts of apparent intensity by class, if any.
    """
    camera = () if options.camera == NO_CAMERA else (CameraStep(options.camera, options.seed),)
    return PostProcess(
        options.bit_depth,
        options.format,
        frozenset(index for index, code in enumerate(codes) if is_inverted([code], options.polarity)),
        frozenset(index for index, code in enumerate(codes) if not code.white_hot),
        camera,
        heat,
        options.compression,
    )


def is_inverted(codes: Sequence[DescribedStyle], polarity: Polarity | None) -> bool:
    """Return whether results in these styles must be inverted to have a polarity; None keeps that of the styles.

    Raises:
        InputError: The styles have different polarities.
    """
    if polarity is None:
        return False
    found = {code.white_hot for code in codes}
    if len(found) > 1:
        raise InputError(
            "expected styles of one polarity with --polarity, got both: omit one, or set the polarity of the "
            "exemplars with --exemplar-polarity"
        )
    return found != {polarity == WHITE_HOT}


def exemplar_settings(asked: AskedRange, translator: AnyTranslator) -> dict[str, Any]:
    """Return how the exemplar files were read, for the manifest; nothing if the style has no exemplar files.

    Models with learned styles have these in ``learned_styles``, one for each exemplar or preset.
    """
    records = [record for code in translator.codes for record in exemplar_records(code)]
    looks = [code.metadata[LOOK] for code in translator.codes if LOOK in code.metadata]
    learned = {"learned_styles": looks} if looks else {}
    if not records:
        return learned
    return learned | {"exemplar_range": list(asked) if isinstance(asked, tuple) else asked, "exemplars": records}


def open_manifest(
    plan: Plan,
    options: Options,
    settings: Mapping[str, Any],
    translator: AnyTranslator,
    source: tuple[str | None, str | None] = (None, None),
) -> Manifest:
    """Create the manifest of a folder, or open the existing one to resume.

    Args:
        plan: The folder and its results.
        options: Whether to resume, and what to record of the command line.
        settings: Everything that determines the pixel values.
        translator: The model, whose versions are recorded.
        source: Root of a data set, as given and relative to the folder; see :class:`Header`.

    Raises:
        InputError: The existing results were made with other settings.
    """
    versions = {
        "ir_transfer": __version__,
        "python": platform.python_version(),
        **translator.versions,
        **runtime_versions(runtime_of(options)),
    }
    found = Manifest.load(plan.out) if options.resume else None
    if found is None or not found.has_results:  # without results, the earlier settings need not be kept
        header = Header(options.command, settings, versions, *source, settings=options.settings)
        return Manifest.create(plan.out, header)
    settings = redacted(settings)  # as in the file
    if _differ_in_exemplars(found.header.look, settings) and found.entries.keys() <= set(plan.order):
        logger.warning("%s: the exemplar files have changed since: all results are regenerated", plan.out)
        found.entries.clear()
        found.header = replace(found.header, look=settings)
    found.header.refuse_other_settings(settings, found.path)
    found.header = replace(found.header, source=source[0], source_from_here=source[1])
    found.reopen()
    return found


def _differ_in_exemplars(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Return whether settings differ, and only in the contents of exemplar files of the same names."""
    others = (before.keys() | now.keys()) - _EXEMPLAR_SETTINGS
    return (
        before != now
        and all(before.get(key) == now.get(key) for key in others)
        and bool(now.get("exemplars"))
        and _exemplar_options(before) == _exemplar_options(now)
    )


def _exemplar_options(settings: Mapping[str, Any]) -> list[Any]:
    """Return the names of the exemplars and styles, and the polarities that were given as an option."""
    given = [
        one.get("polarity") for one in settings.get("exemplar_polarity", ()) if one.get("polarity_source") == "option"
    ]
    files = [one["file"] for one in settings.get("exemplars", ())]
    return [files, given, [one["style"] for one in settings.get("styles", ())]]


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Create the output folder and lock it for one run.

    Raises:
        EncodeError: The folder cannot be created.
        InputError: Another run has locked it.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EncodeError(f"expected to create the folder {out}, got: {error.strerror}: choose another -o") from error
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
        raise InputError(f"expected no other run in {out}, got an active one: wait for it to finish") from None
    except OSError as error:
        logger.info("%s cannot be locked (%s): make sure that no other run uses it", out, error.strerror)
    try:
        yield
    finally:
        os.close(handle)
