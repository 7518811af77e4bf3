"""Parsing of methods from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from ir_transfer import create_model
from ir_transfer.errors import InputError, UnknownNameError
from ir_transfer.evaluation.methods import methods_of, parse_weights


def test_model_options_are_parsed(tmp_path: Path) -> None:
    create_model("gatys", weights=None, size="vgg19", widths=(4, 4, 4, 4, 4)).save(tmp_path / "vgg.safetensors")
    (method,) = methods_of("gatys:steps=3:init=noise", {"gatys": [str(tmp_path / "vgg.safetensors")]})
    assert method.label == "gatys:steps=3:init=noise"
    assert method.model.hyper_parameters["steps"] == 3
    assert method.model.hyper_parameters["init"] == "noise"
    with pytest.raises(UnknownNameError, match="unknown option of model gray 'steps'"):
        methods_of("gray:steps=3", {})
    with pytest.raises(InputError, match="options as in gray:KEY=VALUE, got 'fast'"):
        methods_of("gray:fast", {})


def test_weights_by_model() -> None:
    assert parse_weights(["adain=a.safetensors", "wct2=nir", "adain=b"]) == {
        "adain": ["a.safetensors", "b"],
        "wct2": ["nir"],
    }


@pytest.mark.parametrize("text", ["adain", "=a", "adain="])
def test_weights_without_a_model_or_a_file_are_rejected(text: str) -> None:
    with pytest.raises(InputError, match="expected MODEL=FILE_OR_NAME"):
        parse_weights([text])
