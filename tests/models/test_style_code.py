from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

import ir_transfer
from ir_transfer.errors import InputError, MissingFileError, WeightsError
from ir_transfer.models.style_code import StyleCode, as_part, blend_codes, parts_of


def code(level: float, polarity: float = 1.0, model: str = "adain") -> StyleCode:
    tensors = {"level1.mean": torch.full((1, 3), level), "polarity": torch.tensor([[polarity]])}
    return StyleCode(model, tensors, {"description": str(level)})


def test_style_code_is_exported() -> None:
    assert ir_transfer.StyleCode is StyleCode


def test_blending_interpolates_codes() -> None:
    middle = blend_codes([code(1), code(5)], [1, 3])
    torch.testing.assert_close(middle.tensors["level1.mean"], torch.full((1, 3), 4.0))
    assert middle.metadata == {"description": "1"}


@given(st.floats(0, 1))
def test_larger_weight_determines_the_polarity(share: float) -> None:
    # Anything between would take contrast from the image, and half of each all of it.
    blend = blend_codes([code(0, 1), code(0, -1)], [share, 1 - share])
    assert blend.tensors["polarity"].item() == (1 if share >= 0.5 else -1)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0], "one weight per exemplar"),
        ([0.0, 0.0], "positive sum"),
        ([2.0, -1.0], ">= 0"),
        ([float("nan"), 1], ">="),
    ],
)
def test_rejects_invalid_weights(weights: list[float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        blend_codes([code(1), code(5)], weights)


def test_rejects_blending_incompatible_codes() -> None:
    wider = StyleCode("adain", {"level1.mean": torch.zeros(1, 4), "polarity": torch.ones(1, 1)})
    for other in (code(1, model="wct2"), StyleCode("adain", {}), wider):
        with pytest.raises(InputError, match="one model and layout"):
            blend_codes([code(1), other], [1, 1])


def test_round_trips_through_a_file(tmp_path: Path) -> None:
    code(3, -1).save(tmp_path / "deep" / "style.safetensors")
    loaded = StyleCode.load(tmp_path / "deep" / "style.safetensors")
    assert (loaded.model, loaded.metadata, loaded.hash) == ("adain", {"description": "3"}, code(3, -1).hash)
    assert loaded.hash != code(3, 1).hash


def test_rejects_files_that_are_not_styles(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"none\.safetensors"):
        StyleCode.load(tmp_path / "none.safetensors")
    path = tmp_path / "odd.safetensors"
    path.write_bytes(b"no such thing")
    with pytest.raises(WeightsError, match=r"odd\.safetensors"):
        StyleCode.load(path)
    for metadata, message in (
        ({"kind": "weights", "model": "adain"}, "hold style"),
        ({"kind": "style"}, "name its model"),
    ):
        save_file({"a": torch.zeros(1)}, path, metadata)
        with pytest.raises(WeightsError, match=message):
            StyleCode.load(path)


def test_parts_stay_separate_and_zero_weight_parts_are_dropped(tmp_path: Path) -> None:
    codes = [StyleCode("style_swap", as_part({"code": torch.full((1, 2, side, side), float(side))})) for side in (3, 4)]
    blend = blend_codes([*codes, codes[0]], [1, 3, 0])
    blend.save(tmp_path / "style.safetensors")
    again = blend_codes([StyleCode.load(tmp_path / "style.safetensors"), codes[0]], [1, 1])
    assert [(part["code"].shape[-1], share.item()) for part, share in parts_of(again.tensors)] == [
        (3, 0.125),
        (4, 0.375),
        (3, 0.5),
    ]
    with pytest.raises(InputError, match="one model and layout"):
        blend_codes([codes[0], StyleCode("style_swap", {})], [1, 1])
