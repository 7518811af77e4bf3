"""The page: layout, and the event handler of each component."""

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import gradio as gr

from ir_transfer.app import events
from ir_transfer.app.fields import FILES, build_fields
from ir_transfer.app.session import KINDS, Session

_FOLDER = Path(__file__).parent
CSS = (_FOLDER / "page.css").read_text(encoding="utf-8")
HEAD = (
    f"<script>const SUFFIXES = {json.dumps({kind: sorted(suffixes) for kind, suffixes in KINDS.items()})};</script>"
    f"<script>{(_FOLDER / 'drops.js').read_text(encoding='utf-8')}</script>"
)
"""Scripts of the page, which let its file fields accept dropped folders."""

_INTRODUCTION = "# ir-transfer\nConvert RGB images to infrared images of the same size. No data leaves this machine."
_COMMAND = "Equivalent command, to run in the folder of the RGB images and exemplars"
# After a conversion: scrolls to the errors or the result, which may be far from the button that was pressed.
_SCROLL = """() => setTimeout(() => {
  const box = document.querySelector("#errors .ir-error") ?? document.querySelector("#slider");
  const { top, bottom } = box.getBoundingClientRect();
  if (top < 0 || bottom > innerHeight) box.scrollIntoView({ block: "start" });
}, 100)"""
# Conversions of all sessions run one at a time.
_QUEUE = "conversion"


def theme() -> gr.themes.Base:
    """Return a theme with system fonts, so that none is downloaded."""
    return gr.themes.Base(
        primary_hue="teal",
        neutral_hue="slate",
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    )


@dataclass(frozen=True)
class _Results:
    """The components that show a conversion, in the order of the updates of :func:`events.on_convert`."""

    errors: gr.HTML
    summary: gr.HTML
    slider: gr.ImageSlider
    overview: gr.Gallery
    downloads: gr.File
    command: gr.Textbox
    detected: gr.HTML
    charts: gr.HTML
    files: gr.Radio
    exemplar_polarity: gr.Dropdown
    exemplar_range: gr.Textbox
    again: gr.Button


def build_page(folder: Path) -> gr.Blocks:
    """Return the page.

    Args:
        folder: Contains a folder for each session.
    """
    with gr.Blocks(title="ir-transfer", analytics_enabled=False, fill_width=True) as page:
        session = gr.State(None, delete_callback=_end)
        shown = gr.State(None)
        gr.Markdown(_INTRODUCTION)
        with gr.Row():
            with gr.Column(scale=2, min_width=280):
                fields = build_fields()
            with gr.Column(scale=3, min_width=280):
                results = _build_results()
        page.load(partial(Session.begin, folder), None, session)
        overrides = [results.files, results.exemplar_polarity, results.exemplar_range]
        outputs = [
            results.errors, results.summary, results.slider, results.overview, results.downloads, results.command,
            results.detected, results.charts, shown,
        ]  # fmt: skip
        gr.on(
            [fields.convert.click, results.again.click],
            events.on_convert,
            [session, *fields.inputs, *overrides],
            outputs,
            concurrency_limit=1,
            concurrency_id=_QUEUE,
            show_progress_on=results.slider,
        ).then(None, js=_SCROLL)
        results.files.input(
            events.on_files,
            [shown, results.files],
            outputs,
            concurrency_limit=1,
            concurrency_id=_QUEUE,
            show_progress_on=results.downloads,
        )
        results.overview.select(events.on_select, [shown], [results.errors, results.slider, results.charts, shown])
        chosen = [fields.presets, fields.model]
        fields.gallery.select(events.on_preset, chosen, [results.errors, fields.presets, fields.gallery], queue=False)
        fields.model.input(events.on_model, chosen, chosen)
    return page


def _build_results() -> _Results:
    """Lay out the results in the current block."""
    errors = gr.HTML(elem_id="errors", visible=False)
    slider = gr.ImageSlider(
        label="Before and after",
        type="filepath",
        interactive=False,
        max_height=640,
        buttons=["fullscreen"],
        elem_id="slider",
    )
    summary = gr.HTML(elem_id="summary")
    overview = gr.Gallery(
        label="Results (click one to show it above)",
        allow_preview=False,
        interactive=False,
        height="auto",
        object_fit="contain",
        buttons=[],
        elem_id="overview",
        visible=False,
    )
    with gr.Row():
        files = gr.Radio(list(FILES), value=next(iter(FILES)), label="Files", elem_id="files")
        downloads = gr.File(label="Download", interactive=False, elem_id="downloads", height=90)
    command = gr.Textbox(label=_COMMAND, lines=2, max_lines=8, buttons=["copy"], interactive=False, elem_id="command")
    gr.Markdown(
        "#### Detected polarity and value range\nIf they are wrong for your exemplars, set them here and convert again."
    )
    detected = gr.HTML(elem_id="detected")
    with gr.Row():
        polarity = gr.Dropdown(
            ["auto", "white-hot", "black-hot"],
            value="auto",
            label="Polarity",
            info="of all your exemplars",
            elem_id="exemplar-polarity",
        )
        taken = gr.Textbox("auto", label="Value range", info="auto, percentile, full or LO,HI", elem_id="range")
    again = gr.Button("Convert again", size="sm", elem_id="again")
    charts = gr.HTML(elem_id="histograms")
    shown = errors, summary, slider, overview, downloads, command, detected, charts
    return _Results(*shown, files, polarity, taken, again)


def _end(session: Session | None) -> None:
    if session is not None:
        session.end()
