from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
import yaml
from torch import Tensor

from ir_transfer.errors import InputError, UnknownNameError
from ir_transfer.nn.odd_statistics import COUNT
from ir_transfer.nn.polarity import PolarityClassifier
from ir_transfer.resources import resource
from ir_transfer.training.polarity import (
    PolarityRecipe,
    Rates,
    choose_margin,
    cross_validate,
    load_polarity_recipe,
    rates_by_set,
    scores_of,
    train_classifier,
    write_card,
)
from ir_transfer.training.polarity_data import PolarityImages, PolaritySet


def white(count: int, strength: float, random: torch.Generator) -> Tensor:
    """Statistics (N, 3, C) that are positive on average, as of white-hot images."""
    return strength + torch.randn(count, 3, COUNT, generator=random)


def images(name: str, statistics: Tensor) -> PolarityImages:
    count = len(statistics)
    scenes = tuple(str(index // 4) for index in range(count))
    files = tuple(Path(f"{index}.png") for index in range(count))
    return PolarityImages(name, 1.0, files, scenes, torch.zeros(count, 1, 2, 2), statistics)


RECIPE = PolarityRecipe([PolaritySet("a", ["a"])], folds=2, steps=60, batch_size=64)


def test_classifier_learns_the_sign() -> None:
    random = torch.Generator().manual_seed(0)
    model = train_classifier(RECIPE, [white(200, 0.5, random)])
    assert not model.training
    fresh = images("b", white(50, 0.5, random)[:, 0])
    scores = scores_of(model, fresh)
    assert (scores > 0).float().mean() > 0.95
    torch.testing.assert_close(scores, model(fresh.plain))
    again = train_classifier(RECIPE, [white(200, 0.5, torch.Generator().manual_seed(0))])
    assert torch.equal(scores_of(again, fresh), scores)


def test_scale_is_that_of_the_training_data() -> None:
    random = torch.Generator().manual_seed(0)
    model = train_classifier(RECIPE, [4 * torch.randn(100, 3, COUNT, generator=random)])
    torch.testing.assert_close(model.scale, torch.full((COUNT,), 4.0), atol=0.8, rtol=0)


def test_folds_are_scored_by_classifiers_trained_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = torch.arange(16.0).view(16, 1, 1).expand(16, 3, COUNT)
    kept: list[list[float]] = []

    def spy(recipe: PolarityRecipe, statistics: Sequence[Tensor]) -> PolarityClassifier:
        kept.append(statistics[0][:, 0, 0].tolist())
        return PolarityClassifier(COUNT).eval()

    monkeypatch.setattr("ir_transfer.training.polarity.train_classifier", spy)
    scores = cross_validate(RECIPE, [images("a", numbers[:, 0])], [numbers])
    assert kept == [[*range(8, 16)], [*range(8)]]
    assert scores["a"].shape == (16,)
    assert scores["a"][1:].all()


def test_margin_allows_the_given_share_of_white_hot_errors() -> None:
    scores = torch.tensor([-3.0, -2.0, -1.0, *[2.0] * 97])
    margin = choose_margin(scores, 0.01)
    assert margin == pytest.approx(2.5)
    assert Rates.of(scores, margin) == Rates(100, 0.01, 0, 0.97)
    assert choose_margin(scores, 0.03) == 0, "never below zero: both polarities would be called black-hot"
    assert Rates.of(scores, choose_margin(scores, 0.005)).false == 0
    with pytest.raises(InputError, match="got none"):
        choose_margin(torch.zeros(0), 0.01)


def test_rates_of_negatives_equal_those_of_negated_scores() -> None:
    found = rates_by_set({"a": torch.tensor([-2.0, 0.5, 1.5, 3.0])}, 1.0)["a"]
    assert found == Rates(4, 0.25, 0.5, 0.75)


def test_bundled_recipe_is_valid_and_invalid_ones_are_rejected(tmp_path: Path) -> None:
    path = resource("configs/polarity.yaml")
    recipe = load_polarity_recipe(path)
    learned, held_out = ({one.name for one in found} for found in (recipe.sets, recipe.held_out))
    assert not learned & held_out
    assert "vifb" in held_out
    raw = yaml.safe_load(path.read_text())
    for change, error, message in (
        ({"gate": ["none"]}, InputError, "gate to list sets of the recipe, got none"),
        ({"folds": 1}, InputError, "folds of 2 or more, got 1"),
        ({"step": 3}, UnknownNameError, "'step'"),
    ):
        (tmp_path / "wrong.yaml").write_text(yaml.safe_dump({**raw, **change}))
        with pytest.raises(error, match=message):
            load_polarity_recipe(tmp_path / "wrong.yaml")


def test_card_lists_every_set_and_the_gate_result() -> None:
    recipe = PolarityRecipe([PolaritySet("drones", ["hit-uav/ir"])], [PolaritySet("streets", ["vifb/ir"])])
    rates = {"gate": Rates(100, 0.01, 0.95, 0.99), "drones": Rates(80, 0.0125, 0.9, 0.97)}
    card = write_card(recipe, rates, 1.234, 230_000, "0123456789abcdef")
    assert "| drones | 80 | 1.2% | 90.0% | 97.0% |" in card
    assert "- drones: hit-uav/ir" in card
    assert "streets" in card
    assert "-1.23" in card
    assert "which is reached" in card
    assert "which is not reached" in write_card(recipe, {"gate": Rates(100, 0.01, 0.94, 1)}, 1, 1, "")
    assert math.isclose(Rates.of(torch.ones(2), 0.0).recognised, 1)
