"""The training sets."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ir_transfer import create_model
from ir_transfer.data.pairs import Pair
from ir_transfer.errors import InputError
from ir_transfer.evaluation.detection.conditions import SceneTranslator, check_names, make_conditions
from ir_transfer.evaluation.detection.labelled_scenes import LabelledScene
from ir_transfer.evaluation.exemplars import Fixed, Oracle
from ir_transfer.evaluation.methods import Method


def test_conditions_are_real_gray_translated_and_both(scenes: list[LabelledScene]) -> None:
    arms = list(make_conditions(scenes[:2], [Method("inverted", create_model("inverted"))], SceneTranslator(Oracle())))
    assert [(arm.name, arm.kind) for arm in arms] == [
        ("real", "real"),
        ("gray", "gray"),
        ("inverted", "translated"),
        ("gray + inverted", "both"),
    ]
    real, gray, inverted, both = arms
    assert real.versions == ([scenes[0].real, scenes[1].real],)
    # the baseline's own gray and this one are the same image
    assert (255 - inverted.versions[0][1].int() - gray.versions[0][1].int()).abs().max() <= 1
    assert both.versions == (*gray.versions, *inverted.versions)


def test_exemplars_are_cycled_and_prepared_once(scenes: list[LabelledScene]) -> None:
    exemplars = [scene.pair.ir for scene in scenes[3:5]]
    method = Method("histogram", create_model("histogram"))
    translate = SceneTranslator(Fixed(exemplars))
    pair = scenes[0].pair
    first, second, third = (translate(method, pair) for _ in range(3))
    assert torch.equal(first, third)
    assert not torch.equal(first, second)
    assert torch.equal(second, SceneTranslator(Fixed(exemplars[1:]))(method, pair))


def test_images_are_resized_like_the_scenes(scenes: list[LabelledScene]) -> None:
    translated = SceneTranslator(Oracle(), max_side=40)(Method("gray", create_model("gray")), scenes[0].pair)
    assert translated.shape == (1, 32, 40)
    assert translated.dtype == torch.uint8


@pytest.mark.parametrize("names", [[], ["fda", "fda"], ["gray"], ["real"]])
def test_duplicate_names_are_rejected(names: list[str]) -> None:
    model = create_model("fda")
    with pytest.raises(InputError, match="expected --models with distinct names besides real and gray"):
        check_names([Method(name, model) for name in names])


def test_missing_rgb_image_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"none\.png"):
        SceneTranslator(Oracle())(
            Method("fda", create_model("fda")), Pair("a", tmp_path / "none.png", tmp_path / "b.png")
        )
