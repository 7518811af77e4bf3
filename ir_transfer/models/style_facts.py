"""Properties of a style that manifests record; does not import torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ir_transfer.json_files import parse_json

POLARITY = "polarity"
"""Tensor of a code that is +1 for white-hot exemplars and -1 for black-hot ones, and key of its metadata."""
EXEMPLARS = "exemplars"
"""Metadata of a code: how each exemplar file was read, as a JSON list."""

LOOK = "look"
"""Metadata of a code: the learned styles of a model with fixed styles, separated by commas."""


class DescribedStyle(Protocol):
    """A style with its metadata."""

    @property
    def metadata(self) -> Mapping[str, str]:
        """Strings that are stored with it: weights' hash, band, polarity, description."""

    @property
    def white_hot(self) -> bool:
        """Whether the style is white-hot."""

    @property
    def hash(self) -> str:
        """Hash of everything that determines its results, for manifests."""


def polarity_facts(style: DescribedStyle) -> dict[str, str]:
    """Return the polarity of a style, its source, and the score if the classifier determined it."""
    facts = {key: text for key, text in style.metadata.items() if key.startswith(POLARITY) and text}
    return {POLARITY: "white-hot" if style.white_hot else "black-hot"} | facts


def exemplar_records(style: DescribedStyle) -> list[dict[str, Any]]:
    """Return how each exemplar file of a style was read."""
    found: list[dict[str, Any]] = parse_json(style.metadata.get(EXEMPLARS, "[]"), "the exemplars of a style")
    return found
