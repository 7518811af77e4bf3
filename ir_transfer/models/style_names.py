"""Names of fixed styles; this module does not import torch, so that listing them is fast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ir_transfer.json_files import parse_json

LOOKS = "looks"
"""Control declared by models with fixed styles, and name of their hyper-parameter with the names."""

BLACK_HOT_SUFFIX = "-black-hot"
"""Suffix of the names of black-hot presets."""


def stored_style_names(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of the styles in the metadata of a weight file; none if they are damaged."""
    try:
        return tuple(parse_json(metadata.get("hyper_parameters", "{}"), "hyper_parameters").get(LOOKS, ()))
    except (ValueError, AttributeError, TypeError):
        return ()


def unknown_style_message(model: str, styles: Sequence[str]) -> str:
    """Return the error message for an unknown style of a model with fixed styles."""
    known = ", ".join(f"preset:{name}" for name in styles)
    return (
        f"expected a style that model {model!r} has learned ({known}), got another: choose one of them, pass an "
        "infrared image, whose tone is combined with the nearest of them, or train your own with ir-transfer train "
        f"configs/train/{model}-new-look.yaml --data ROOT --vgg FILE"
    )
