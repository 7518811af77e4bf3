from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from ir_transfer import create_model, model_info
from ir_transfer.errors import MissingFileError, UnknownNameError, WeightsError
from ir_transfer.models import weight_files


def test_half_precision_is_read_as_float32(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    kinds = {"half": torch.float16, "brain": torch.bfloat16, "double": torch.float64}
    weight_files.write(path, {name: torch.ones(2, dtype=kind) for name, kind in kinds.items()}, {"kind": "weights"})
    tensors, _ = weight_files.read(path, kind="weights")
    assert {name: t.dtype for name, t in tensors.items()} == {
        "half": torch.float32,
        "brain": torch.float32,
        "double": torch.float64,
    }
    assert [file.name for file in tmp_path.iterdir()] == ["a.safetensors"]


def test_failed_writing_leaves_no_file(tmp_path: Path) -> None:
    one = torch.ones(2)
    with pytest.raises(RuntimeError):
        weight_files.write(tmp_path / "a.safetensors", {"a": one, "same": one}, {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({}, "hold weights of ir-transfer"),
        ({"kind": "style", "model": "adain"}, "hold weights of ir-transfer, got 'style'"),
        ({"kind": "weights", "model": "wct2"}, "model 'adain' .*got those of 'wct2': pass --model wct2"),
        ({"kind": "weights", "model": "adain"}, "layout of AdaIN"),
        ({"kind": "weights", "model": "adain", "hyper_parameters": "{oops"}, "hyper_parameters as JSON"),
        ({"kind": "weights", "model": "adain", "hyper_parameters": "3"}, "hyper_parameters as JSON"),
        ({"kind": "weights", "model": "adain", "hyper_parameters": '{"oops": 1}'}, "hyper-parameters of AdaIN.*oops"),
        (
            {"kind": "weights", "model": "adain", "hyper_parameters": '{"widths": [4, 8, 8], "depths": [1, 1, 1]}'},
            "hyper-parameters of AdaIN.*another version",
        ),
    ],
)
def test_mismatched_file_is_rejected_by_name(tmp_path: Path, metadata: dict[str, str], message: str) -> None:
    path = tmp_path / "odd.safetensors"
    save_file({"a": torch.zeros(1)}, path, metadata)
    with pytest.raises(WeightsError, match=message) as caught:
        create_model("adain", weights=path)
    assert "odd.safetensors" in str(caught.value)


def test_weights_are_found_by_name_band_and_file(tmp_path: Path) -> None:
    info = model_info("adain")
    names = {weight_files.locate(info, name).name for name in ("default", "lwir", "adain-lwir")}
    assert names == {"adain-lwir.safetensors"}
    with pytest.raises(UnknownNameError, match="did you mean 'adain-nir'"):
        weight_files.locate(info, "adain-nri")
    with pytest.raises(MissingFileError, match="found none"):
        weight_files.locate(info, tmp_path / "none.safetensors")
    with pytest.raises(WeightsError, match="has no bundled weights"):
        weight_files.locate(model_info("gray"), "lwir")


def test_hash_depends_on_names_and_values() -> None:
    hashes = {weight_files.tensors_hash(t) for t in ({"a": torch.ones(2)}, {"b": torch.ones(2)}, {"a": torch.zeros(2)})}
    assert len(hashes) == 3


def test_packed_weights_are_restored_within_tolerance(tmp_path: Path) -> None:
    torch.manual_seed(0)
    channels = torch.logspace(-3, 3, 16)[:, None, None, None]
    tensors = {"large": channels * torch.randn(16, 32, 3, 3), "small": torch.randn(7), "count": torch.tensor([3])}
    tensors["large"][5] = 0
    weight_files.write(tmp_path / "file.safetensors", weight_files.packed(tensors), {"kind": "weights"})
    found, _ = weight_files.read(tmp_path / "file.safetensors", kind="weights")
    assert found.keys() == tensors.keys()
    largest = tensors["large"].abs().amax(dim=(1, 2, 3), keepdim=True)
    assert ((found["large"] - tensors["large"]).abs() <= largest / 254 * 1.001).all()
    assert (found["large"][5] == 0).all()
    torch.testing.assert_close(found["small"], tensors["small"], atol=1e-3, rtol=1e-3)
    assert torch.equal(found["count"], tensors["count"])
    assert (tmp_path / "file.safetensors").stat().st_size < tensors["large"].numel() * 1.3


def test_bundled_encoder_is_omitted_and_read_back(tmp_path: Path) -> None:
    model = create_model("adain")
    state = model.state_dict()
    tensors, metadata = weight_files.without_shared_encoder(state, {"kind": "weights", "model": "adain"})
    assert len(tensors) < len(state)
    assert not any(name.startswith("encoder.") for name in tensors)
    path = tmp_path / "small.safetensors"
    weight_files.write(path, tensors, metadata)
    found, described = weight_files.read(path, kind="weights")
    assert described == {"kind": "weights", "model": "adain"}
    assert found.keys() == state.keys()
    assert all(torch.equal(found[name], state[name]) for name in state)


def test_other_encoder_is_stored_in_the_file() -> None:
    state = dict(create_model("adain").state_dict())
    name = next(name for name in state if name.startswith("encoder."))
    state[name] = state[name] + 1e-3
    tensors, metadata = weight_files.without_shared_encoder(state, {"kind": "weights"})
    assert tensors.keys() == state.keys()
    assert metadata == {"kind": "weights"}


def test_weights_for_another_encoder_are_rejected(tmp_path: Path) -> None:
    tensors, metadata = weight_files.without_shared_encoder(create_model("adain").state_dict(), {"kind": "weights"})
    (key,) = metadata.keys() - {"kind"}
    path = tmp_path / "other.safetensors"
    weight_files.write(path, tensors, {**metadata, key: "0123456789abcdef"})
    with pytest.raises(WeightsError, match=r"expected the content encoder 0123456789abcdef for .*other"):
        weight_files.read(path, kind="weights")
