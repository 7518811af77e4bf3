"""What conversions of every kind begin with: a loaded model, a folder of one's own, a manifest."""

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
from ir_transfer.conversion.engine.translators import AnyTranslator
from ir_transfer.conversion.exported.choose import runtime_of
from ir_transfer.conversion.exported.record import runtime_look, runtime_versions
from ir_transfer.conversion.manifest import Header, Manifest
from ir_transfer.conversion.masks import Masks
from ir_transfer.conversion.options import Options, Polarity
from ir_transfer.conversion.plan import Plan
from ir_transfer.conversion.styles.choose import WHITE_HOT, StyleChoice
from ir_transfer.errors import EncodeError, InputError
from ir_transfer.imaging.exemplars.polarity import is_white_hot
from ir_transfer.imaging.exemplars.range import AskedRange
from ir_transfer.models.style_facts import DescribedStyle, exemplar_records, polarity_facts
from ir_transfer.redaction import redacted

if TYPE_CHECKING:
    from ir_transfer.conversion.translate import Translator

logger = logging.getLogger(__name__)

_OF_EXEMPLARS = frozenset({"style", "styles", "exemplars", "exemplar_polarity"})
"""What of a look follows from the contents of the exemplar files."""


def load_translator(options: Options, choice: StyleChoice, masks: Masks | None = None) -> Translator:
    """Load the model of a choice with its styles, as the options say; see :meth:`Translator.load`."""
    import torch

    from ir_transfer.conversion.translate import Translator, pick_device

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


def look_of(options: Options, translator: AnyTranslator) -> dict[str, Any]:
    """Return what decides the pixels, for the manifest."""
    look: dict[str, Any] = {
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
    look |= exemplar_look(options.exemplar_range, translator)
    look |= runtime_look(translator.model)
    look |= options.camera.look()
    if raster := options.raster.look():
        look["raster"] = raster
    if controls := options.controls.look():
        look["controls"] = controls
    if chosen := {name: translator.model.hyper_parameters[name] for name in translator.model.run_options}:
        look["options"] = chosen
    return look


def is_inverted(codes: Sequence[DescribedStyle], polarity: Polarity | None) -> bool:
    """Return whether results in these styles must be inverted to be of a polarity; None keeps the styles' own.

    Raises:
        InputError: The styles disagree.
    """
    if polarity is None:
        return False
    found = {code.white_hot for code in codes}
    if len(found) > 1:
        raise InputError(
            "expected styles of one polarity with --polarity, got both: leave one out, or say with "
            "--exemplar-polarity which way round the exemplars are"
        )
    return found != {polarity == WHITE_HOT}


def exemplar_look(asked: AskedRange, translator: AnyTranslator) -> dict[str, Any]:
    """Return what was asked for and taken from exemplar files, for the manifest; nothing if the style has none."""
    records = [record for code in translator.codes for record in exemplar_records(code)]
    if not records:
        return {}
    return {"exemplar_range": list(asked) if isinstance(asked, tuple) else asked, "exemplars": records}


def open_manifest(
    plan: Plan,
    options: Options,
    look: Mapping[str, Any],
    translator: AnyTranslator,
    source: tuple[str | None, str | None] = (None, None),
) -> Manifest:
    """Start the manifest of a folder, or go on with the one that is stored there.

    Args:
        plan: The folder, and the results that this run makes in it.
        options: Whether to go on.
        look: What decides the pixels.
        translator: What computes.
        source: Root of a data set, by itself and from the folder; see :class:`Header`.

    Raises:
        InputError: What lies there was made in another way.
    """
    versions = {
        "ir_transfer": __version__,
        "python": platform.python_version(),
        **translator.versions,
        **runtime_versions(runtime_of(options)),
    }
    found = Manifest.load(plan.out) if options.resume else None
    if found is None or not found.has_results:  # a run in which nothing succeeded binds nobody to its options
        header = Header(options.command, look, versions, *source, settings=options.settings)
        return Manifest.create(plan.out, header)
    look = redacted(look)  # as it is in the file
    if _differ_in_exemplars(found.header.look, look) and found.entries.keys() <= set(plan.order):
        logger.warning("%s: the exemplar files have changed since: all results are made again", plan.out)
        found.entries.clear()
        found.header = replace(found.header, look=look)
    found.header.refuse_other_look(look, found.path)
    found.header = replace(found.header, source=source[0], source_from_here=source[1])
    found.reopen()
    return found


def _differ_in_exemplars(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Return whether two looks differ, and in nothing but what files of the same names contain."""
    others = (before.keys() | now.keys()) - _OF_EXEMPLARS
    asked = _asked_of_exemplars(now)
    return (
        before != now
        and all(before.get(key) == now.get(key) for key in others)
        and bool(now.get("exemplars"))
        and _asked_of_exemplars(before) == asked
    )


def _asked_of_exemplars(look: Mapping[str, Any]) -> list[Any]:
    """Return the names of the exemplars, and their polarity where an option says it."""
    said = [one.get("polarity") for one in look["exemplar_polarity"] if one.get("polarity_source") == "option"]
    return [[one["file"] for one in look.get("exemplars", ())], said, [one["style"] for one in look.get("styles", ())]]


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Lock the folder of the results for one run.

    Raises:
        EncodeError: The folder cannot be made.
        InputError: Another run holds it.
    """
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
