"""What happens when a visitor does something on the page: functions from values of components to updates of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import gradio as gr

from ir_transfer import model_info
from ir_transfer.app import histograms
from ir_transfer.app.fields import MATRIX, Form
from ir_transfer.app.panels import error_box, judged_box, summary_box
from ir_transfer.app.presets import preset_cards, presets_of
from ir_transfer.app.request import EXEMPLARS
from ir_transfer.app.results import Shown
from ir_transfer.app.session import Session, Upload, Workplace, names_of
from ir_transfer.app.work import carry_out
from ir_transfer.conversion.styles.choose import PRESET
from ir_transfer.errors import IrTransferError

Updates = list[Any]
COUNT = 9
"""Components that a conversion updates: errors, summary, slider, overview, downloads, command, judged, histograms and
what is shown."""


def on_convert(session: Session, shown: Shown | None, *values: Any, progress: Any = gr.Progress()) -> Updates:  # noqa: B008
    """Convert what the form asks for; return updates of the result's components."""
    form, began = Form(*values), time.monotonic()
    place = None
    try:
        place = session.workplace(form.photographs, form.exemplars)
        request = form.request(place.photographs)
        request.options(place.folder, place.folder)  # what is wrong with it is reported before anything is loaded
        matrix = form.arrangement == MATRIX and len(request.styles) > 1
        requests = request.each_style() if matrix else (request,)
        conversions = tuple(
            carry_out(one, place, _reporting(progress, number, len(requests))) for number, one in enumerate(requests)
        )
        found = Shown(conversions, place.folder / "shown", matrix)
        updates = _updates(found, place, time.monotonic() - began)
    except IrTransferError as error:
        text = error.line if place is None else place.shown(error.line)
        return [error_box([text]), *[gr.skip()] * (COUNT - 1)]
    session.remove_all_but(place)
    return updates


def _reporting(progress: Any, number: int, count: int) -> Any:
    def report(done: int, total: int) -> None:
        of = f", look {number + 1} of {count}" if count > 1 else ""
        progress((number * total + done, count * total), desc=f"converting{of}", unit="photographs")

    return report


def _updates(shown: Shown, place: Workplace, seconds: float) -> Updates:
    first = shown.first
    many = len(shown.cells) > 1
    overview = [(cell.image(), cell.caption) for cell in shown.cells] if many else []
    return [
        error_box(shown.errors),
        summary_box(shown.conversions, seconds),
        None if first is None else shown.pair(first),
        gr.update(value=overview, columns=shown.columns, visible=many, selected_index=None),
        shown.downloads(),
        _commands(shown),
        judged_box(shown.conversions),
        "" if first is None else _charts(shown, first, place),
        shown,
    ]


def _commands(shown: Shown) -> str:
    return "\n".join(conversion.request.command_line for conversion in shown.conversions)


def _charts(shown: Shown, index: int, place: Workplace) -> str:
    cell = shown.cells[index]
    if cell.conversion is None or cell.result is None or cell.result.output is None:
        return ""
    request = cell.conversion.request
    styles = request.options(place.folder, cell.conversion.out).styles
    of_styles = histograms.of_styles(styles, request.model, request.exemplar_range)
    return histograms.draw([*of_styles, histograms.of_result(cell.result.output)])


def on_select(shown: Shown | None, event: gr.SelectData) -> Updates:
    """Show the cell that was clicked at full size; return updates of errors, slider and histograms."""
    if shown is None or not isinstance(event.index, int):
        return [gr.skip()] * 3
    cell = shown.cells[event.index]
    if cell.result is not None and cell.result.error is not None:
        return [error_box([cell.result.error]), gr.skip(), gr.skip()]
    pair = shown.pair(event.index)
    if pair is None:
        return [gr.skip()] * 3
    place = Workplace(shown.folder.parent, (), ())
    return [error_box(shown.errors), pair, _charts(shown, event.index, place)]


def on_preset(styles: Sequence[str] | None, event: gr.SelectData) -> Updates:
    """Add the preset that was clicked to the chosen looks, or remove it; return updates of looks and gallery."""
    name = preset_cards()[int(event.index)].name
    chosen = list(styles or ())
    kept = [style for style in chosen if style != name] if name in chosen else [*chosen, name]
    return [kept, gr.update(selected_index=None)]


def on_exemplars(styles: Sequence[str] | None, model: str, uploads: Sequence[Upload]) -> Updates:
    """Choose uploaded exemplars, and drop those that are gone; return updates of errors and looks."""
    try:
        names = names_of(uploads, EXEMPLARS)
    except IrTransferError as error:
        return [error_box([error.line]), gr.skip()]
    presets = [style for style in styles or () if style.startswith(PRESET)]
    return ["", gr.update(choices=[*presets_of(model), *names], value=[*presets, *names])]


def on_model(styles: Sequence[str] | None, model: str, uploads: Sequence[Upload]) -> Updates:
    """Offer the presets that a model takes; return updates of the looks and of the model's description."""
    choices = [*presets_of(model), *(upload.name for upload in uploads)]
    kept = [style for style in styles or () if style in choices]
    return [gr.update(choices=choices, value=kept), gr.update(info=model_info(model).summary)]
