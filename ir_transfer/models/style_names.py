"""Looks by name, for models that take no exemplars; free of torch, so that listing them is instant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ir_transfer.json_files import parse_json

LOOKS = "looks"
"""The control that such a model declares, and the hyper-parameter that names its looks."""

BLACK_HOT_SUFFIX = "-black-hot"
"""What a preset's name ends with where hot is dark."""


def stored_style_names(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """Return the looks that the metadata of a weight file name; none if they are damaged."""
    try:
        return tuple(parse_json(metadata.get("hyper_parameters", "{}"), "hyper_parameters").get(LOOKS, ()))
    except (ValueError, AttributeError, TypeError):
        return ()


def unknown_style_message(model: str, looks: Sequence[str]) -> str:
    """Return what to say to an exemplar, or to a look, that a model of fixed looks has not learned."""
    known = ", ".join(f"preset:{name}" for name in looks)
    return (
        f"expected a look that model {model!r} has learned ({known}), got another: choose one of them, train your own "
        f"with ir-transfer train configs/train/{model}-new-look.yaml --data ROOT --vgg FILE, or take a model that "
        "reads exemplars, such as adain"
    )
