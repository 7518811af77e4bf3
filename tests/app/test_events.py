from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

pytest.importorskip("gradio", reason="no gradio: install the extra app")

from ir_transfer.app import events
from ir_transfer.app.fields import MATRIX
from ir_transfer.app.presets import preset_cards
from ir_transfer.app.session import Session, Upload
from tests.conftest import photograph, thermal


def _click(index: int) -> Any:
    return SimpleNamespace(index=index)


def test_clicking_a_preset_toggles_it() -> None:
    name = preset_cards()[1].name
    _, chosen, _ = events.on_preset(None, "adain", _click(1))
    assert chosen == [name]
    _, chosen, _ = events.on_preset(["x.png", name], "adain", _click(1))
    assert chosen == ["x.png"]


def test_preset_missing_from_the_model_is_rejected() -> None:
    errors, chosen, _ = events.on_preset([], "gray", _click(0))
    assert "model &#x27;gray&#x27; has no presets" in errors["value"]
    assert errors["visible"]
    assert chosen != []


def test_changing_the_model_keeps_only_its_presets() -> None:
    presets, model = events.on_model(["preset:lwir-road-day", "preset:lwir-drone"], "johnson")
    assert presets["value"] == ["preset:lwir-road-day"]
    assert "one style per network" in model["info"]


def test_progress_is_reported_and_files_can_be_requested_in_another_bit_depth(tmp_path: Path) -> None:
    Image.fromarray(photograph(40, 56)).save(tmp_path / "a.png")
    Image.fromarray(thermal(96, 128)).save(tmp_path / "hot.png")
    seen: list[Any] = []
    uploads = [Upload("a.png", tmp_path / "a.png")], [Upload("hot.png", tmp_path / "hot.png")]
    form: tuple[Any, ...] = (
        [],
        MATRIX,
        "histogram",
        1.0,
        "as the exemplar",
        False,
        0.0,
        0.0,
        0.0,
        "",
        "none",
        0.0,
        1.0,
    )
    made = events.on_convert(
        Session.begin(tmp_path),
        lambda done, **about: seen.append((done, about["desc"])),
        *(*uploads, *form, "8-bit PNG", "auto", "auto"),
    )
    assert seen == [((0, 1), "converting"), ((1, 1), "converting")]
    assert len(made) == events.COUNT
    assert Image.open(made[4][0]).mode == "L"
    again = events.on_files(made[-1], "16-bit TIFF", lambda done, **about: None)
    assert Image.open(again[4][0]).mode == "I;16"
    assert "--bit-depth 16 --format tiff" in again[5]
