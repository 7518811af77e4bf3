"""Event handlers of the page, which map component values to component updates."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from ir_transfer import model_info
from ir_transfer.app import histograms
from ir_transfer.app.fields import FILES, MATRIX, Form
from ir_transfer.app.panels import detected_box, error_box, summary_box
from ir_transfer.app.presets import preset_cards, presets_of
from ir_transfer.app.request import Request
from ir_transfer.app.results import View
from ir_transfer.app.session import Session, Workspace
from ir_transfer.app.work import OnProgress, carry_out
from ir_transfer.conversion.styles.choose import choose_styles
from ir_transfer.errors import IrTransferError

Updates = list[Any]
COUNT = 9
"""Number of components that a conversion updates: errors, summary, slider, overview, downloads, command, detected
polarity and range, histograms, and the state with the view."""


def on_convert(session: Session, progress: Any = gr.Progress(), *values: Any) -> Updates:  # noqa: B008
    """Convert with the settings of the form; return updates of the :data:`COUNT` result components."""
    form = Form(*values)
    place = None
    try:
        place = session.workspace(form.images, form.exemplars)
        request = form.request(place)
        request.options(place.folder, place.folder)  # reports invalid options before a model is loaded
        matrix = form.arrangement == MATRIX and len(request.styles) > 1
        requests = request.each_style() if matrix else (request,)
        updates = _convert_all(requests, place, place.folder, matrix, progress)
    except IrTransferError as error:
        return _error_updates(error, place)
    session.remove_all_but(place)
    return updates


def on_files(shown: View | None, files: str, progress: Any = gr.Progress()) -> Updates:  # noqa: B008
    """Convert again in another bit depth or format; return the same updates as :func:`on_convert`."""
    if shown is None:
        return [gr.skip()] * COUNT
    bit_depth, format_ = FILES[files]
    requests = [replace(one.request, bit_depth=bit_depth, format=format_) for one in shown.conversions]
    below = Path(tempfile.mkdtemp(prefix="files-", dir=shown.place.folder))
    try:
        return _convert_all(requests, shown.place, below, shown.matrix, progress, shown.selected)
    except IrTransferError as error:
        return _error_updates(error, shown.place)


def _error_updates(error: IrTransferError, place: Workspace | None) -> Updates:
    return [_errors([error.line if place is None else place.shown(error.line)]), *[gr.skip()] * (COUNT - 1)]


def _errors(lines: Sequence[str]) -> Any:
    return gr.update(value=error_box(lines), visible=bool(lines))


def _convert_all(
    requests: Sequence[Request],
    place: Workspace,
    below: Path,
    matrix: bool,
    progress: Any,
    selected: int | None = None,
) -> Updates:
    began = time.monotonic()
    conversions = tuple(
        carry_out(one, place, _reporting(progress, number, len(requests)), below) for number, one in enumerate(requests)
    )
    return _updates(View(conversions, place, below / "shown", matrix, selected), time.monotonic() - began)


def _reporting(progress: Any, number: int, count: int) -> OnProgress:
    def report(done: int, total: int) -> None:
        of = f", style {number + 1} of {count}" if count > 1 else ""
        progress((number * total + done, count * total), desc=f"converting{of}", unit="images")

    return report


def _updates(shown: View, seconds: float) -> Updates:
    index, cells = shown.at_full_size, shown.cells
    many = len(cells) > 1
    overview = [(cell.image(), cell.caption) for cell in cells] if many else []
    return [
        _errors(shown.errors),
        summary_box(shown.conversions, seconds),
        None if index is None else shown.pair(index),
        gr.update(value=overview, columns=shown.columns, visible=many, selected_index=shown.selected),
        shown.downloads(),
        "\n".join(conversion.request.command_line for conversion in shown.conversions),
        detected_box(shown.conversions),
        "" if index is None else _charts(shown, index),
        shown,
    ]


def _charts(shown: View, index: int) -> str:
    cell = shown.cells[index]
    if cell.conversion is None or cell.result is None or cell.result.output is None:
        return ""
    request = cell.conversion.request
    styles = request.options(shown.place.folder, cell.conversion.out).styles
    of_styles = histograms.of_styles(styles, request.model, request.exemplar_range)
    return histograms.draw([*of_styles, histograms.of_result(cell.result.output)])


def on_select(shown: View | None, event: gr.SelectData) -> Updates:
    """Show the clicked cell at full size; return updates of errors, slider, histograms and view."""
    if shown is None:
        return [gr.skip()] * 4
    index = int(event.index)
    result = shown.cells[index].result
    if result is None:
        return [gr.skip()] * 4
    if result.error is not None:
        return [_errors([result.error]), gr.skip(), gr.skip(), gr.skip()]
    try:
        return [_errors(shown.errors), shown.pair(index), _charts(shown, index), replace(shown, selected=index)]
    except IrTransferError as error:
        return [_errors([shown.place.shown(error.line)]), gr.skip(), gr.skip(), gr.skip()]


def on_preset(styles: Sequence[str] | None, model: str, event: gr.SelectData) -> Updates:
    """Select or deselect the clicked preset; return updates of errors, selected presets and gallery."""
    name = preset_cards()[int(event.index)].name
    chosen = list(styles or ())
    try:
        choose_styles([name], model=model)
    except IrTransferError as error:  # the model has no such preset
        return [_errors([error.line]), gr.skip(), gr.update(selected_index=None)]
    kept = [style for style in chosen if style != name] if name in chosen else [*chosen, name]
    return [_errors([]), kept, gr.update(selected_index=None)]


def on_model(styles: Sequence[str] | None, model: str) -> Updates:
    """Offer the presets of a model; return updates of the presets and of the model's description."""
    choices = presets_of(model)
    kept = [style for style in styles or () if style in choices]
    return [gr.update(choices=choices, value=kept), gr.update(info=model_info(model).summary)]
