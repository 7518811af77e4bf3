"""The form: its components, and the conversion request that is built from their values."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import gradio as gr

from ir_transfer import list_models, model_info
from ir_transfer.app.presets import preset_cards
from ir_transfer.app.request import Request, camera_of, heat_rules, parse_range
from ir_transfer.app.session import Upload, Workspace
from ir_transfer.conversion.camera import AgcChoice
from ir_transfer.conversion.heat.rules import MAP_CLASSES
from ir_transfer.conversion.options import Polarity
from ir_transfer.conversion.styles.choose import DEFAULT_MODEL
from ir_transfer.imaging.exemplars.polarity import ExemplarPolarity
from ir_transfer.imaging.image_io import BitDepth, Format
from ir_transfer.sensor import list_sensors, load_sensor

BLEND, MATRIX = "blend into one style", "side by side (matrix)"
FILES: dict[str, tuple[BitDepth, Format]] = {
    "8-bit PNG": (8, "png"),
    "16-bit PNG": (16, "png"),
    "8-bit TIFF": (8, "tiff"),
    "16-bit TIFF": (16, "tiff"),
}
OWN_POLARITY = "as the exemplar"
_LARGEST_SHIFT = 0.5


def named_files(**options: Any) -> gr.File:
    """Return a file field whose value is a list of :class:`Upload` with the original file names."""
    component: Any = gr.File(file_count="multiple", **options)
    # gradio passes only paths with changed names; for a subclass it would write a stub file beside this module
    component.preprocess = _uploads
    return component


def _uploads(payload: Any) -> list[Upload]:
    files = [] if payload is None else getattr(payload, "root", [payload])
    return [Upload(file.orig_name or Path(file.path).name, Path(file.path)) for file in files]


@dataclass(frozen=True)
class Fields:
    """The components of the form.

    Attributes:
        gallery: Thumbnails of the presets; a click selects or deselects one.
        presets: The selected presets.
        model: Name of the model.
        convert: The button.
        inputs: The components of :class:`Form` in its order, without the last three.
    """

    gallery: gr.Gallery
    presets: gr.Dropdown
    model: gr.Dropdown
    convert: gr.Button
    inputs: tuple[gr.components.Component, ...]


@dataclass(frozen=True)
class Form:
    """The values of the form, in the order and with the types that gradio passes."""

    images: Sequence[Upload]
    exemplars: Sequence[Upload]
    presets: Sequence[str] | None
    arrangement: str
    model: str
    strength: float
    polarity: str
    heat_auto: bool
    person: float
    two_wheeler: float
    vehicle: float
    sensor: str
    agc: str
    black: float
    white: float
    files: str
    exemplar_polarity: str
    exemplar_range: str

    def request(self, place: Workspace) -> Request:
        """Return the request; its styles are the presets followed by the exemplars.

        Args:
            place: Contains the RGB images and exemplars.

        Raises:
            InputError: The text for the value range of exemplars is not valid.
        """
        bit_depth, format_ = FILES[self.files]
        shifts = zip(MAP_CLASSES, (self.person, self.two_wheeler, self.vehicle), strict=True)
        return Request(
            images=place.images,
            styles=(*(self.presets or ()), *place.exemplars),
            model=self.model,
            strength=float(self.strength),
            polarity=None if self.polarity == OWN_POLARITY else cast("Polarity", self.polarity),
            exemplar_polarity=cast("ExemplarPolarity", self.exemplar_polarity),
            exemplar_range=parse_range(self.exemplar_range),
            heat=heat_rules(self.heat_auto, list(shifts)),
            camera=camera_of(self.sensor or None, self.agc, self.black, self.white),
            bit_depth=bit_depth,
            format=format_,
        )


def build_fields() -> Fields:
    """Lay out the form in the current block."""
    images = named_files(label="RGB images (files or a folder)", height=170, elem_id="images")
    gr.Markdown("#### Presets\nEach applied to the same rendered scene. Click to select or deselect.")
    gallery = gr.Gallery(
        [(card.image, card.name.removeprefix("preset:")) for card in preset_cards()],
        show_label=False,
        columns=3,
        height="auto",
        object_fit="cover",
        allow_preview=False,
        interactive=False,
        buttons=[],
        elem_id="presets",
    )
    presets = gr.Dropdown(
        [card.name for card in preset_cards()], multiselect=True, label="Selected presets", elem_id="chosen"
    )
    exemplars = named_files(label="Your style exemplars (infrared images)", height=170, elem_id="exemplars")
    arrangement = gr.Radio([BLEND, MATRIX], value=BLEND, label="With several styles", elem_id="arrangement")
    model = gr.Dropdown(
        list_models(), value=DEFAULT_MODEL, label="Model", info=model_info(DEFAULT_MODEL).summary, elem_id="model"
    )
    strength = gr.Slider(0, 1, value=1, step=0.05, label="Strength", info="0: luma of the RGB image, 1: full style")
    polarity = gr.Radio([OWN_POLARITY, "white-hot", "black-hot"], value=OWN_POLARITY, label="Polarity of the results")
    with gr.Accordion("Heat by class", open=False):
        heat_auto = gr.Checkbox(False, label="Detect people and vehicles and make them hotter (auto)")
        shifts = tuple(
            gr.Slider(
                -_LARGEST_SHIFT,
                _LARGEST_SHIFT,
                value=0,
                step=0.05,
                label=name.capitalize(),
                info="shift, fraction of the intensity range",
            )
            for name in MAP_CLASSES
        )
    with gr.Accordion("Sensor and gain control", open=False):
        sensors = [(f"{name}: {load_sensor(name).description}", name) for name in list_sensors()]
        sensor = gr.Dropdown([("none", ""), *sensors], value="", label="Sensor", elem_id="sensor")
        agc = gr.Dropdown(list(get_args(AgcChoice)), value="none", label="Gain control", elem_id="agc")
        with gr.Row():
            window = (
                gr.Number(0, label="Linear: black level", minimum=0, maximum=1, step=0.05, min_width=100),
                gr.Number(1, label="Linear: white level", minimum=0, maximum=1, step=0.05, min_width=100),
            )
    convert = gr.Button("Convert", variant="primary", elem_id="convert")
    inputs = (images, exemplars, presets, arrangement, model, strength, polarity, heat_auto, *shifts, sensor, agc)
    return Fields(gallery, presets, model, convert, (*inputs, *window))
