"""What ships is found, in a checkout as in the wheel that test_wheel.py builds."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ir_transfer.errors import MissingFileError
from ir_transfer.resources import resource

CARD_KEYS = {
    *("name", "title", "summary", "homepage", "obtain", "licence", "citation", "band", "bit_depth", "polarity"),
    *("range", "alignment", "content", "sizes", "pairs", "layout", "pairing", "splits", "notes"),
}


@pytest.mark.parametrize(
    "name",
    [
        *("weights", "styles", "configs/train", "datasets", "datasets/roadscene.yaml"),
        *("evaluation/protocols", "evaluation/published.csv"),
    ],
)
def test_finds_what_ships(name: str) -> None:
    assert resource(name).exists()


@pytest.mark.parametrize("name", ["datasets/none.yaml", "models", "evaluation/metrics"])
def test_what_is_missing_or_code_is_no_resource(name: str) -> None:
    with pytest.raises(MissingFileError, match=f"shipped resource '{name}'"):
        resource(name)


@pytest.mark.parametrize("card", sorted(resource("datasets").glob("*.yaml")), ids=lambda path: path.stem)
def test_cards_have_the_keys_of_their_readme(card: Path) -> None:
    described = yaml.safe_load(card.read_text())
    assert set(described) == CARD_KEYS
    assert described["name"] == card.stem
    assert described["band"] in {"lwir", "mwir", "swir", "nir"}
    readme = (card.parent / "README.md").read_text()
    assert all(f"`{key}`" in readme for key in CARD_KEYS)
