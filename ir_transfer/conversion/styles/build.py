"""Builds a saved style code from many exemplars, and warns of those that differ from the others."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median_low
from typing import Any

from ir_transfer import create_model, model_info
from ir_transfer.conversion.styles.choose import StyleChoice, choose_styles, expand_exemplars
from ir_transfer.conversion.styles.codes import blended, prepare_codes
from ir_transfer.errors import EncodeError
from ir_transfer.imaging.exemplars.range import AskedRange
from ir_transfer.imaging.image_io import MAX_PIXELS
from ir_transfer.models.style_code import StyleCode
from ir_transfer.models.style_facts import EXEMPLARS, exemplar_records, polarity_facts
from ir_transfer.resources import PRESET

_TONE = 0.25  # largest difference from the median of the means, relative to the range
_CONTRAST = 2.5  # largest factor from the median of the deviations
_SIZE = 3.0  # largest factor from the median of the shorter sides
_SPAN = 4.0  # largest factor from the median span of exemplars of the same unit
_MEASURED = frozenset({"counts", "centikelvin", "Kelvin", "Celsius"})


@dataclass(frozen=True)
class ExemplarSummary:
    """An exemplar of a style as reported by ``styles build``.

    Attributes:
        record: How the file was read; see :meth:`ExemplarReport.record`.
        polarity: ``"white-hot"`` or ``"black-hot"``; empty if unknown.
    """

    record: Mapping[str, Any]
    polarity: str = ""

    @property
    def name(self) -> str:
        """Name of the file."""
        return str(self.record["file"])

    @property
    def line(self) -> str:
        """File name, size, range and polarity on one line."""
        taken = self.record["range"]
        parts = [
            f"{self.record['width']} x {self.record['height']}",
            f"range {taken['low']:.6g} to {taken['high']:.6g} {taken['unit']}{' (guessed)' * taken['guessed']}",
        ]
        if self.record["palette"] is not None:
            parts.append(f"palette {self.record['palette']}")
        if "pages" in self.record:
            parts.append(f"image {self.record['page']} of {self.record['pages']}")
        parts += [f"{share:.1%} ignored ({reason})" for reason, share in self.record["left_out"].items()]
        return f"{self.name}: {', '.join([*parts, *filter(None, [self.polarity])])}"


def disagreements(exemplars: Sequence[ExemplarSummary]) -> list[str]:
    """Return a line for each property in which an exemplar differs strongly from the others."""
    if len(exemplars) < 2:
        return []
    found = [*_by_polarity(exemplars), *_by_range(exemplars)]
    means = [float(one.record["mean"]) for one in exemplars]
    deviations = [float(one.record["deviation"]) for one in exemplars]
    sides = [float(min(one.record["width"], one.record["height"])) for one in exemplars]
    for index, one in enumerate(exemplars):
        if abs(means[index] - median_low(means)) > _TONE:
            found.append(f"{one.name}: its mean is {means[index]:.2f}, that of most {median_low(means):.2f}")
        for values, most, what in ((deviations, _CONTRAST, "contrast"), (sides, _SIZE, "shorter side")):
            if _is_far(values[index], values, most):
                found.append(f"{one.name}: its {what} is {values[index]:.3g}, that of most {median_low(values):.3g}")
    return found


def _is_far(value: float, values: Sequence[float], most: float) -> bool:
    usual = median_low(values)
    return not usual / most <= value <= usual * most


def _by_polarity(exemplars: Sequence[ExemplarSummary]) -> list[str]:
    known = {one.polarity for one in exemplars} - {""}
    if len(known) < 2:
        return []
    counts = {polarity: sum(one.polarity == polarity for one in exemplars) for polarity in sorted(known)}
    fewer = min(counts, key=lambda polarity: counts[polarity])
    names = ", ".join(one.name for one in exemplars if one.polarity == fewer)
    return [f"{names}: {fewer}, the others not: set the correct one with --polarity, or omit them"]


def _by_range(exemplars: Sequence[ExemplarSummary]) -> list[str]:
    units = {str(one.record["range"]["unit"]) for one in exemplars}
    found = []
    if units & _MEASURED and len(units) > 1:
        found.append(f"the exemplars' values are {', '.join(sorted(units))}: use files of one kind")
    for unit in sorted(units & _MEASURED):
        same = [one for one in exemplars if one.record["range"]["unit"] == unit]
        spans = [float(one.record["range"]["high"]) - float(one.record["range"]["low"]) for one in same]
        for one, span in zip(same, spans, strict=True):
            if _is_far(span, spans, _SPAN):
                found.append(f"{one.name}: its range spans {span:.4g}, that of most {median_low(spans):.4g}")
    return found


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
    """Return a value of ``--exemplar-range`` in the syntax of the option."""
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
        white_hot: Whether the exemplars are white-hot; None lets the bundled classifier decide.
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
