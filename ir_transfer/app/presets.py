"""The gallery of presets: each applied to a rendered street scene when the page starts."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from ir_transfer import create_model
from ir_transfer.conversion.styles.catalog import list_named_styles, list_presets
from ir_transfer.conversion.styles.choose import DEFAULT_MODEL, choose_styles
from ir_transfer.conversion.styles.codes import prepare_codes
from ir_transfer.models.style_names import BLACK_HOT_SUFFIX
from ir_transfer.resources import PRESET
from ir_transfer.synthetic.images import render

_SCENE = 2  # a street by day with people and cars
_SIZE = (256, 192)


@dataclass(frozen=True)
class PresetCard:
    """A preset in the gallery.

    Attributes:
        name: ``preset:NAME``.
        description: One line.
        image: A rendered scene, translated by the default model with this preset.
    """

    name: str
    description: str
    image: Image.Image


def presets_of(model: str | None) -> list[str]:
    """Return ``preset:NAME`` of the presets of a model, without black-hot variants, which ``--polarity`` selects."""
    wanted = model or DEFAULT_MODEL
    names = [preset.name for preset in [*list_presets(), *list_named_styles()] if preset.model == wanted]
    return [f"{PRESET}{name}" for name in dict.fromkeys(names) if not name.endswith(BLACK_HOT_SUFFIX)]


@cache
def preset_cards() -> tuple[PresetCard, ...]:
    """Return the presets of the default model with a thumbnail each, rendered once per process."""
    described = {
        f"{PRESET}{preset.name}": preset.metadata for preset in list_presets() if preset.model == DEFAULT_MODEL
    }
    return tuple(
        PresetCard(name, described[name].get("description", ""), _thumbnail(name)) for name in presets_of(None)
    )


@torch.inference_mode()
def _thumbnail(name: str) -> Image.Image:
    choice = choose_styles([name])
    model = create_model(choice.model, choice.weights)
    (code,) = prepare_codes(model, choice)
    rgb = torch.from_numpy(np.ascontiguousarray(_scene().transpose(2, 0, 1)))[None]
    intensity = model(rgb, code, 1.0)[0, 0].clamp(0, 1).numpy()
    return Image.fromarray((intensity * 255 + 0.5).astype(np.uint8))


@cache
def _scene() -> NDArray[np.float32]:
    return render(_SCENE, size=_SIZE, night=False).rgb.astype(np.float32)
