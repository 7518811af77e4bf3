from __future__ import annotations

from pathlib import Path

import pytest
import torch

import ir_transfer.resources
from ir_transfer import create_model
from ir_transfer.conversion.styles.catalog import (
    NamedStyle,
    SavedStyle,
    list_named_styles,
    list_presets,
    read_saved_style,
)
from ir_transfer.conversion.styles.choose import choose_styles
from ir_transfer.errors import InputError, MissingFileError, UnknownNameError, WeightsError
from ir_transfer.models.style_code import StyleCode
from ir_transfer.resources import PRESET
from tests.models.small_thermal import SMALL_LOOKS, SMALL_THERMAL


@pytest.fixture
def presets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of bundled files with two weights of adain and three presets."""
    root = tmp_path / "shipped"
    for weights, name, band, polarity in (
        ("adain-lwir", "lwir-road-day", "lwir", "white-hot"),
        ("adain-lwir", "lwir-road-day-black-hot", "lwir", "black-hot"),
        ("adain-nir", "nir-ground", "nir", "white-hot"),
    ):
        metadata = {
            "band": band,
            "polarity": polarity,
            "description": f"a {band} look",
            "weights_hash": f"of {weights}",
        }
        StyleCode("adain", {"x": torch.ones(1, 2)}, metadata).save(root / "styles" / weights / f"{name}.safetensors")
    monkeypatch.setattr(ir_transfer.resources, "_ROOTS", (root,))
    return root


def saved(path: Path, model: str = "histogram", **metadata: str) -> str:
    StyleCode(model, {"x": torch.ones(1, 2)}, metadata).save(path)
    return str(path)


def test_presets_are_listed_with_their_metadata(presets: Path) -> None:
    listed = list_presets()
    assert [(p.weights, p.name, p.polarity) for p in listed] == [
        ("adain-lwir", "lwir-road-day", "white-hot"),
        ("adain-lwir", "lwir-road-day-black-hot", "black-hot"),
        ("adain-nir", "nir-ground", "white-hot"),
    ]
    assert listed[0].metadata["description"] == "a lwir look"


def test_no_presets_without_bundled_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ir_transfer.resources, "_ROOTS", (tmp_path,))
    assert list_presets() == []


def test_preset_selects_its_weights(presets: Path) -> None:
    choice = choose_styles([f"{PRESET}nir-ground"])
    assert (choice.model, choice.weights) == ("adain", "adain-nir")
    assert choose_styles([f"{PRESET}lwir-road-day"]).weights == "adain-lwir"
    assert choose_styles([f"{PRESET}nir-ground"], weights="nir").weights == "nir"


def test_preset_with_other_weights_is_rejected(presets: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="belongs to weights adain-nir"):
        choose_styles([f"{PRESET}nir-ground"], weights="lwir")
    own = tmp_path / "own.safetensors"
    own.write_bytes(b"mine")
    with pytest.raises(UnknownNameError, match="styles build"):
        choose_styles([f"{PRESET}nir-ground"], weights=str(own))


def test_unknown_names_suggest_the_closest(presets: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'lwir-road-day'"):
        choose_styles([f"{PRESET}lwir-rod-day"])
    with pytest.raises(UnknownNameError, match="did you mean 'histogram'"):
        choose_styles(["x.png"], model="histogramm")
    with pytest.raises(UnknownNameError, match="no presets"):
        choose_styles([f"{PRESET}nir-ground"], model="gray")


def test_saved_style_selects_its_model(tmp_path: Path) -> None:
    path = saved(tmp_path / "mine.safetensors")
    choice = choose_styles([path])
    assert (choice.model, choice.weights) == ("histogram", "default")
    with pytest.raises(WeightsError, match="--model histogram"):
        choose_styles([path], model="gray")
    nir = saved(tmp_path / "nir.safetensors", "adain", weights="adain-nir")
    assert choose_styles([nir]).weights == "adain-nir"
    assert choose_styles([nir], weights="own.safetensors").weights == "own.safetensors"


def test_exemplars_use_the_default_model() -> None:
    choice = choose_styles(["a.png", "b.png"], [0.7, 0.3])
    assert choice.model == "adain"
    assert choice.styles == (Path("a.png"), Path("b.png"))
    assert choice.shares == (0.7, 0.3)


@pytest.mark.parametrize("shares", [[1.0], [1.0, -1.0], [0.0, 0.0], [float("nan"), 1.0], [float("inf"), 1.0]])
def test_invalid_style_weights_are_rejected(shares: list[float]) -> None:
    with pytest.raises(InputError, match="--style-weights"):
        choose_styles(["a.png", "b.png"], shares)


@pytest.mark.parametrize(("shares", "remedy"), [([2, 2], "0.5,0.5"), ([0.7, 0.2], "0.7778,0.2222"), ([0, 3], "0,1")])
def test_style_weights_must_sum_to_1(shares: list[float], remedy: str) -> None:
    with pytest.raises(InputError, match=rf"sum to 1, got .* with sum .*: pass --style-weights {remedy}"):
        choose_styles(["a.png", "b.png"], shares)


def test_style_weights_are_not_normalised() -> None:
    assert choose_styles(["a.png", "b.png", "c.png"], [0.333, 0.333, 0.333]).shares == (0.333,) * 3
    assert sum(choose_styles(["a.png", "b.png", "c.png"]).shares) == pytest.approx(1)


def test_weights_for_a_model_without_weights_are_rejected() -> None:
    with pytest.raises(InputError, match="no --weights for model 'gray'"):
        choose_styles(["a.png"], model="gray", weights="own.safetensors")
    assert choose_styles(["a.png"], model="gray", weights="default").weights == "default"


def test_missing_style_is_an_error() -> None:
    with pytest.raises(InputError, match="at least one --style"):
        choose_styles([])


def test_invalid_style_files_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="style file"):
        read_saved_style(tmp_path / "none.safetensors")
    wrong_header = b"\x17" + b"\0" * 7 + b'{"__metadata__": [1, 2]}'
    for data in (b"", b"x", b"\xff" * 40, b"\x05" + b"\0" * 7 + b"hello", b"\x02" + b"\0" * 7 + b"{}", wrong_header):
        path = tmp_path / "x.safetensors"
        path.write_bytes(data)
        with pytest.raises(WeightsError, match="styles build"):
            read_saved_style(path)


def test_preset_is_a_saved_style(presets: Path) -> None:
    assert isinstance(choose_styles([f"{PRESET}lwir-road-day"]).styles[0], SavedStyle)


def test_weights_file_names_its_model(tmp_path: Path, exemplar: Path) -> None:
    file = str(tmp_path / "mine.safetensors")
    create_model("wct2", weights=None, **SMALL_THERMAL).save(file)
    assert choose_styles([str(exemplar)], weights=file).model == "wct2"
    assert choose_styles([str(exemplar)], model="adain", weights=file).model == "adain"
    (tmp_path / "damaged.safetensors").write_bytes(b"damage")
    assert choose_styles([str(exemplar)], weights=str(tmp_path / "damaged.safetensors")).model == "adain"


@pytest.fixture
def cin(tmp_path: Path) -> str:
    path = tmp_path / "cin.safetensors"
    create_model("cin", weights=None, looks=("day", "night"), **SMALL_LOOKS).save(path)
    return str(path)


def test_learned_style_is_selected_by_name_in_both_polarities(cin: str) -> None:
    choice = choose_styles([f"{PRESET}night", f"{PRESET}night-black-hot"], weights=cin)
    assert (choice.model, choice.weights) == ("cin", cin)
    assert choice.styles == (NamedStyle("night", "white-hot"), NamedStyle("night", "black-hot"))


def test_unknown_learned_style_lists_the_known_ones(cin: str) -> None:
    answer = r"preset:day, preset:night.*ir-transfer train configs/train/cin-new-look\.yaml"
    with pytest.raises(UnknownNameError, match=answer):
        choose_styles([f"{PRESET}dusk"], weights=cin)


def test_exemplar_and_learned_style_can_be_combined(cin: str, exemplar: Path) -> None:
    choice = choose_styles([str(exemplar), f"{PRESET}night"], weights=cin)
    assert choice.styles == (exemplar, NamedStyle("night", "white-hot"))
    assert choose_styles([str(exemplar)], model="cin").weights == "default"


def test_learned_style_selects_its_weights() -> None:
    assert choose_styles([f"{PRESET}nir-ground"], model="cin").weights == "cin-nir"
    assert choose_styles([f"{PRESET}lwir-road-day-black-hot"], model="cin").weights == "cin-lwir"
    assert {look.name for look in list_named_styles() if look.model == "johnson"} == {"lwir-road-day", "nir-ground"}
