"""Builds a saved style code from many exemplars."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ir_transfer import create_model, model_info
from ir_transfer.conversion.styles.agreement import ExemplarSummary
from ir_transfer.conversion.styles.choose import StyleChoice, choose_styles, expand_exemplars
from ir_transfer.conversion.styles.codes import blended, prepare_codes
from ir_transfer.errors import EncodeError
from ir_transfer.imaging.exemplars.range import AskedRange
from ir_transfer.imaging.image_io import MAX_PIXELS
from ir_transfer.models.style_code import StyleCode
from ir_transfer.models.style_facts import EXEMPLARS, exemplar_records, polarity_facts
from ir_transfer.resources import PRESET

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class BuiltStyle:
    """A style that was saved.

    Attributes:
        code: The blended code.
        count: Number of exemplars and codes in it.
        exemplars: Summaries of the exemplar files; saved codes and presets have none.
    """

    code: StyleCode
    count: int
    exemplars: tuple[ExemplarSummary, ...]


def range_text(asked: AskedRange) -> str:
    """Return a value of ``--exemplar-range`` as typed."""
    return asked if isinstance(asked, str) else f"{asked[0]:g},{asked[1]:g}"


def build_style(
    exemplars: Sequence[str],
    out: Path,
    *,
    shares: Sequence[float] | None = None,
    model: str | None = None,
    weights: str | None = None,
    white_hot: bool | None = None,
    metadata: Mapping[str, str] | None = None,
    max_pixels: int = MAX_PIXELS,
    report: Callable[[str], None] = lambda line: None,
    exemplar_range: AskedRange = "auto",
) -> BuiltStyle:
    """Encode exemplars and save the blend as one style.

    Args:
        exemplars: Infrared images, folders, globs or list files; saved codes and ``preset:NAME`` may be blended in.
        out: The ``.safetensors`` file to write.
        shares: Blend weight of each exemplar; equal by default.
        model: Name of the model; ``adain`` by default.
        weights: Name or file of its weights; the model's default if None.
        white_hot: Whether hot objects are bright in the exemplars; None lets the bundled classifier decide.
        metadata: Strings to save: band, description.
        max_pixels: Exemplars with more pixels are refused.
        report: Called with a line on the polarity of each exemplar.
        exemplar_range: Values of the exemplars for black and white, or how to determine them.

    Raises:
        EncodeError: The file cannot be written.
        IrTransferError: An exemplar, the model or the weights do not fit.
    """
    files: list[str] = []
    for text in exemplars:
        saved = text.startswith(PRESET) or Path(text).suffix == ".safetensors"
        files += [text] if saved else [*map(str, expand_exemplars(text))]
    choice = choose_styles(files, shares, model, weights)
    loaded = create_model(choice.model, choice.weights)
    codes = prepare_codes(loaded, choice, max_pixels, white_hot, exemplar_range)
    code = blended(codes, choice.shares)
    _report_polarity(files, codes, report)
    summaries = [
        ExemplarSummary(record, polarity_facts(one)["polarity"]) for one in codes for record in exemplar_records(one)
    ]
    strings = {
        **(metadata or {}),
        **({EXEMPLARS: code.metadata[EXEMPLARS]} if EXEMPLARS in code.metadata else {}),
        **({"exemplar_range": range_text(exemplar_range)} if summaries else {}),
        **polarity_facts(code),
        "weights": bundled_weights(choice),
        "weights_hash": loaded.weights_hash,
    }
    code = replace(code, metadata=strings)
    try:
        code.save(out)
    except OSError as error:
        raise EncodeError(
            f"expected to write {out}, got: {error.strerror or error}: free some space, or choose another -o"
        ) from error
    return BuiltStyle(code, len(files), tuple(summaries))


def _report_polarity(files: Sequence[str], codes: Sequence[StyleCode], report: Callable[[str], None]) -> None:
    facts = [polarity_facts(code) for code in codes]
    for file, found in zip(files, facts, strict=True):
        score = f", score {found['polarity_score']}" if "polarity_score" in found else ""
        report(f"{file}: {found['polarity']} ({found.get('polarity_source', 'declared')}{score})")
    black = [file for file, found in zip(files, facts, strict=True) if found["polarity"] == "black-hot"]
    if 0 < len(black) < len(files):
        logger.warning(
            "exemplars of both polarities, %d of %d are black-hot: %s: the style has the polarity of the larger share; "
            "set their polarity with --exemplar-polarity",
            *(len(black), len(files), ", ".join(black)),
        )


def bundled_weights(choice: StyleChoice) -> str:
    """Return the name of the bundled weights of a choice; empty for a file of the user."""
    names = model_info(choice.model).weights
    if choice.weights == "default":
        return names[0] if names else ""
    asked = {choice.weights, Path(choice.weights).stem}
    return next((name for name in names if name in asked or name.rpartition("-")[2] == choice.weights), "")
