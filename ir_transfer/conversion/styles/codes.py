"""Style codes of a choice: exemplars are encoded, saved codes loaded, fixed styles selected by name."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ir_transfer.conversion.controls import Controls
from ir_transfer.conversion.styles.catalog import WHITE_HOT, BakedStyleFile, NamedStyle, SavedStyle, exemplar_files
from ir_transfer.conversion.styles.choose import StyleChoice
from ir_transfer.errors import InputError
from ir_transfer.imaging.exemplars.range import AskedRange
from ir_transfer.imaging.exemplars.report import ExemplarReport
from ir_transfer.imaging.image_io import MAX_PIXELS
from ir_transfer.json_files import json_text
from ir_transfer.labels.label_maps.label_map import LabelMap
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.capabilities import sliders_of
from ir_transfer.models.fixed_styles import FixedStyles
from ir_transfer.models.polarity import Polarity, polarity_of_exemplar
from ir_transfer.models.style_code import StyleCode, blend_codes
from ir_transfer.models.style_facts import EXEMPLARS, LOOK, exemplar_records
from ir_transfer.nn.perceptual import LAYERS

logger = logging.getLogger(__name__)


def blended(codes: Sequence[StyleCode], shares: Sequence[float]) -> StyleCode:
    """Blend codes by their shares; a single code is returned unchanged."""
    if len(codes) == 1:
        return codes[0]
    return _with_records(blend_codes(codes, shares), [one for code in codes for one in exemplar_records(code)])


def _with_records(code: StyleCode, records: Sequence[Mapping[str, Any]]) -> StyleCode:
    return replace(code, metadata={**code.metadata, EXEMPLARS: json_text(records)}) if records else code


def prepare_codes(
    model: TranslationModel,
    choice: StyleChoice,
    max_pixels: int = MAX_PIXELS,
    white_hot: bool | None = None,
    exemplar_range: AskedRange = "auto",
    maps: Sequence[LabelMap] = (),
) -> list[StyleCode]:
    """Encode or load each style of a choice, on the CPU.

    Args:
        model: On any device.
        choice: The styles.
        max_pixels: Exemplars with more pixels are refused.
        white_hot: Whether the exemplar files are white-hot; None lets the bundled classifier decide, with
            a warning for exemplars that it classifies as black-hot.
        exemplar_range: Values of the exemplar files for black and white, or how to determine them.
        maps: Label map of each exemplar file, with which all of them are encoded into one code; without maps every
            style has a code.

    Raises:
        MissingFileError: An exemplar does not exist.
        DecodeError: An exemplar cannot be read.
        InputError: An exemplar without contrast or too small, or a code made with other weights.
        WeightsError: A damaged code.
    """
    if maps:
        return [_prepare_regions(model, choice, maps, max_pixels, white_hot, exemplar_range)]
    codes = []
    for style in choice.styles:
        if isinstance(style, SavedStyle):
            codes.append(_load(model, style))
        elif isinstance(style, NamedStyle):
            codes.append(_fixed_style(model, style).to("cpu"))
        elif isinstance(style, BakedStyleFile):
            codes.append(_baked_style(model, style))
        else:
            files = [(path, *_exemplar(model, path, max_pixels, exemplar_range)) for path in exemplar_files(style)]
            encoded = [_encode(model, *file, white_hot) for file in files]
            records = [record for code in encoded for record in exemplar_records(code)]
            codes.append(_with_records(blended(encoded, [1.0] * len(encoded)), records))
    return codes


def _encode(
    model: TranslationModel, path: Path, exemplar: Tensor, report: ExemplarReport | None, white_hot: bool | None
) -> StyleCode:
    polarity = _polarity_of(model, path, exemplar, white_hot)
    code = model.prepare([exemplar], white_hot=polarity.white_hot)
    code = replace(code, metadata={**code.metadata, **polarity.metadata()}).to("cpu")
    if look := code.metadata.get(LOOK):
        logger.warning(
            "exemplar %s: %s has learned styles; the nearest, %s, gets the exemplar's tone and contrast of detail",
            path,
            model.info.name,
            look,
        )
    return _with_records(code, [] if report is None else [report.record()])


def _prepare_regions(
    model: TranslationModel,
    choice: StyleChoice,
    maps: Sequence[LabelMap],
    max_pixels: int,
    white_hot: bool | None,
    exemplar_range: AskedRange,
) -> StyleCode:
    """Encode exemplar files with their label maps into one code."""
    paths = [style for style in choice.styles if isinstance(style, Path)]
    # Not cropped: a label map has the size of the file.
    files = [_exemplar(model, path, max_pixels, exemplar_range, crop=False) for path in paths]
    masks = [torch.from_numpy(one.levels)[None, None] for one in maps]
    exemplars = [exemplar for exemplar, _ in files]
    for path, exemplar in zip(paths, exemplars, strict=True):
        _polarity_of(model, path, exemplar, white_hot)  # for its warning
    code = model.prepare(exemplars, choice.shares, white_hot, masks=masks)
    source = {} if white_hot is None else {"polarity_source": "option"}
    code = replace(code, metadata={**code.metadata, **source}).to("cpu")
    return _with_records(code, [report.record() for _, report in files if report is not None])


def _polarity_of(model: TranslationModel, path: Path, exemplar: Tensor, white_hot: bool | None) -> Polarity:
    """Return the polarity of an exemplar file; warn if the classifier causes it to be inverted."""
    if white_hot is not None:
        return Polarity(white_hot, "option")
    polarity = polarity_of_exemplar(exemplar, band=model.metadata.get("band"))
    if polarity.inverted_by_auto:
        logger.warning("%s", polarity.warning(str(path)))
    return polarity


def _exemplar(
    model: TranslationModel, path: Path, max_pixels: int, asked: AskedRange, *, crop: bool = True
) -> tuple[Tensor, ExemplarReport | None]:

    keep_colour = model.exemplar_channels == 3
    from ir_transfer.conversion.styles.exemplar import read_with_report  # scikit-image and scipy, not for saved styles

    exemplar, report = read_with_report(path, max_pixels, keep_colour=keep_colour, asked_range=asked, crop=crop)
    if report is not None and not report.is_plain:
        logger.warning("exemplar %s: %s", path, report.line)
    return torch.from_numpy(np.ascontiguousarray(exemplar))[None], report


def grid_of(codes: Sequence[StyleCode], side: int) -> tuple[tuple[StyleCode, ...], ...]:
    """Interpolate two styles along a row, or four styles over a square.

    Args:
        codes: Two codes, or four for the corners: upper left, upper right, lower left, lower right.
        side: Styles in a row, and rows of the square.
    """
    steps = [step / (side - 1) for step in range(side)]
    if len(codes) == 2:
        return (tuple(blend_codes(codes, [1 - x, x]) for x in steps),)
    return tuple(
        tuple(blend_codes(codes, [(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y]) for x in steps) for y in steps
    )


def adjusted(model: TranslationModel, code: StyleCode, controls: Controls, seed: int) -> StyleCode:
    """Return a code with the layer weights of the controls; random weights are the same for every style."""
    if controls.random_layers:
        drawn = torch.rand(len(LAYERS), generator=torch.Generator().manual_seed(seed)).tolist()
        return sliders_of(model).adjust(code, dict(zip(LAYERS, drawn, strict=True)))
    return sliders_of(model).adjust(code, dict(controls.layer_weights)) if controls.layer_weights else code


def _fixed_style(model: TranslationModel, style: NamedStyle) -> StyleCode:
    if not isinstance(model, FixedStyles):
        raise InputError(f"expected no style {style.name!r} for model {model.info.name!r}, which takes exemplars")
    return model.style(style.name, white_hot=style.polarity == WHITE_HOT)


def _baked_style(model: TranslationModel, style: BakedStyleFile) -> StyleCode:
    from ir_transfer.conversion.exported.model import ExportedModel

    if not isinstance(model, ExportedModel):
        raise InputError(f"expected an exported file as the model for the style baked into {style.path}")
    return model.baked_style()


def _load(model: TranslationModel, style: SavedStyle) -> StyleCode:
    code = StyleCode.load(style.path)
    made_with = code.metadata.get("weights_hash", model.weights_hash)
    if made_with != model.weights_hash:
        raise InputError(
            f"{style.path}: expected a style made with weights {model.weights_hash}, got one of {made_with}: "
            "build it again with ir-transfer styles build"
        )
    return code
