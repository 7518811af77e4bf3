"""The contract tests for every registered model, which are found automatically."""

from __future__ import annotations

from typing import Any

import pytest

from ir_transfer import list_models, model_info
from ir_transfer.errors import UnknownNameError
from tests.models.base_tester import BaseModelTester, Case
from tests.models.small_thermal import SMALL_LOOKS, SMALL_THERMAL

# Constructor arguments that make a model small or choose a variant; a model without an entry is tested as it is.
VARIANTS: dict[str, list[dict[str, Any]]] = {
    "adain": [
        {"size": "compact", **SMALL_THERMAL},
        {"size": "vgg19", "widths": (8, 8, 16, 16), "depths": (2, 2, 4, 1)},
        {"size": "vgg19", "widths": (8, 8, 8, 8), "depths": (1, 1, 1, 1), "out_channels": 3},
        {"size": "compact", **SMALL_THERMAL, "alignment": "coral"},
        {"size": "vgg19", "widths": (4, 8, 8), "depths": (1, 1, 1), "alignment": "histogram"},
    ],
    "adjustable": [{**SMALL_THERMAL, "hidden": 8}],
    "cin": [{"looks": ("day", "night"), **SMALL_LOOKS}],
    "johnson": [{"looks": ("day",), **SMALL_LOOKS}],
    "msgnet": [
        {"size": "compact", **SMALL_THERMAL},
        {"size": "paper", "widths": (8, 16), "blocks": 1, "brush": 32},
    ],
    "style_swap": [
        {"size": "compact", **SMALL_THERMAL},
        {"size": "vgg19", "widths": (4, 8, 8)},
    ],
    "gatys": [
        {"size": "compact", **SMALL_THERMAL, "steps": 2},
        {"size": "vgg19", "widths": (4, 6, 8, 8, 8), "steps": 2},
        {"size": "vgg19", "widths": (4, 6, 8, 8, 8), "steps": 2, "pooling": "max", "init": "noise"},
    ],
    "wct2": [
        {"size": "compact", **SMALL_THERMAL},
        {"size": "vgg19", "unpool": "cat5", "widths": (4, 8, 8, 16)},
        {"size": "vgg19", "unpool": "sum", "widths": (4, 8, 8, 16), "out_channels": 3},
    ],
}
CASES = [Case(name, variant) for name in list_models() for variant in VARIANTS.get(name, [{}])]


@pytest.mark.parametrize("case", CASES, ids=str, scope="class")
class TestEveryModel(BaseModelTester):
    """Contract tests for each model and variant."""


def test_variants_belong_to_models() -> None:
    assert set(VARIANTS) <= set(list_models())


def test_names_are_filtered() -> None:
    assert list_models("ada*") == ["adain"]
    assert list_models("no-such*") == []


def test_closest_names_are_suggested() -> None:
    with pytest.raises(UnknownNameError, match="unknown model 'grey': did you mean 'gray'"):
        model_info("grey")
