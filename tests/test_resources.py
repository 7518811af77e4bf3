"""Bundled files are found in a checkout; test_wheel.py tests the wheel."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import yaml

from ir_transfer.data.cards import Card
from ir_transfer.errors import MissingFileError, UnknownNameError
from ir_transfer.resources import bundled_names, resource, yaml_file


@pytest.mark.parametrize(
    "name",
    [
        *("weights", "styles", "configs/train", "datasets", "datasets/roadscene.yaml"),
        *("evaluation/protocols", "evaluation/published.csv"),
    ],
)
def test_bundled_resources_are_found(name: str) -> None:
    assert resource(name).exists()


@pytest.mark.parametrize("name", ["datasets/none.yaml", "models", "metrics"])
def test_missing_files_and_code_are_not_resources(name: str) -> None:
    with pytest.raises(MissingFileError, match=f"bundled file '{name}'"):
        resource(name)


def test_card_readme_explains_every_key() -> None:
    readme = (resource("datasets") / "README.md").read_text()
    keys = {field.name for field in dataclasses.fields(Card)}
    assert {key for key in keys if f"`{key}`" not in readme} == set()


@pytest.mark.parametrize("card", sorted(resource("datasets").glob("*.yaml")), ids=lambda path: path.stem)
def test_card_is_found_by_file_name(card: Path) -> None:
    assert yaml.safe_load(card.read_text())["name"] == card.stem


def test_yaml_files_are_found_by_name_or_path() -> None:
    assert yaml_file("elsewhere/own.yml", "datasets", "dataset card") == Path("elsewhere/own.yml")
    assert "llvip" in bundled_names("datasets")
    assert yaml_file("llvip", "datasets", "dataset card").read_text()
    with pytest.raises(UnknownNameError, match="llvip"):
        yaml_file("llvop", "datasets", "dataset card")
