"""Random weights in the layouts of published checkpoints, compared with naive references."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ir_transfer import create_model
from ir_transfer.errors import InputError, MissingFileError, WeightsError
from ir_transfer.models.published_files import read_state
from tests.models import published_reference as reference

ALL = ("encoder", "decoder", "skip")


def images() -> tuple[Tensor, Tensor]:
    """Return a smooth content and exemplar with noise, (1, 3, 64, 80) and (1, 3, 72, 56)."""
    coarse = torch.rand(2, 3, 6, 7)
    content = nn.functional.interpolate(coarse[:1], (64, 80), mode="bicubic") + 0.05 * torch.randn(1, 3, 64, 80)
    exemplar = nn.functional.interpolate(coarse[1:], (72, 56), mode="bicubic") + 0.1 * torch.randn(1, 3, 72, 56)
    return content.clamp(0, 1), exemplar.clamp(0, 1)


@pytest.fixture(scope="module", params=["cat5", "sum"])
def wct2_files(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path, reference.State, reference.State]:
    torch.manual_seed(0)
    kind: str = request.param
    folder = tmp_path_factory.mktemp(kind)
    encoder, decoder = reference.wct2_states(kind)
    torch.save(encoder, folder / f"wave_encoder_{kind}_l4.pth")
    torch.save(decoder, folder / f"wave_decoder_{kind}_l4.pth")
    return kind, folder, encoder, decoder


@pytest.fixture(scope="module")
def adain_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, reference.State, reference.State]:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("adain")
    encoder, decoder = reference.adain_states()
    torch.save(encoder, folder / "vgg_normalised.pth")
    torch.save(decoder, folder / "decoder.pth")
    return folder, encoder, decoder


@pytest.mark.parametrize(
    ("transfer", "strength"),
    [(ALL, 1.0), (ALL, 0.6), (("encoder",), 1.0), (("decoder",), 1.0), (("skip",), 1.0), (("decoder", "skip"), 1.0)],
)
@torch.inference_mode()
def test_wct2_equals_the_published_network(
    wct2_files: tuple[str, Path, reference.State, reference.State], transfer: Sequence[str], strength: float
) -> None:
    kind, folder, encoder, decoder = wct2_files
    model = create_model(
        "wct2",
        weights=folder / f"wave_decoder_{kind}_l4.pth",
        encoder_weights=folder / f"wave_encoder_{kind}_l4.pth",
        unpool=kind,
        transfer=transfer,
        out_channels=3,
    ).to(memory_format=torch.channels_last)
    torch.manual_seed(1)
    content, exemplar = images()
    expected = reference.wct2(encoder, decoder, content, exemplar, kind, transfer, strength)
    assert expected.std() > 0.05, "a reference that fades away proves nothing"
    style = model.prepare([exemplar])
    model.train()  # nothing is clamped
    torch.testing.assert_close(model(content, style, strength), expected, atol=1e-3, rtol=0)
    model.eval()
    torch.testing.assert_close(model(content, style, strength), expected.clamp(0, 1), atol=1e-3, rtol=0)


@pytest.mark.parametrize("strength", [1.0, 0.4])
@torch.inference_mode()
def test_adain_equals_the_published_network(
    adain_files: tuple[Path, reference.State, reference.State], strength: float
) -> None:
    folder, encoder, decoder = adain_files
    model = create_model(
        "adain",
        weights=folder / "decoder.pth",
        encoder_weights=folder / "vgg_normalised.pth",
        out_channels=3,
    )
    torch.manual_seed(1)
    content, exemplar = images()
    expected = reference.adain(encoder, decoder, content, exemplar, strength)
    assert expected.std() > 0.05
    style = model.prepare([exemplar])
    model.train()
    torch.testing.assert_close(model(content, style, strength), expected, atol=1e-3, rtol=0)
    odd = content[..., :51, :67]
    expected = reference.adain(encoder, decoder, odd, exemplar, strength)[..., :51, :67]
    torch.testing.assert_close(model(odd, style, strength), expected, atol=1e-3, rtol=0)


@pytest.mark.parametrize("name", ["adain", "wct2"])
@torch.inference_mode()
def test_torchvision_vgg19_equals_the_encoder(name: str, tmp_path: Path) -> None:
    from torchvision.models import vgg19

    torch.manual_seed(0)
    theirs = vgg19(weights=None).eval()
    state = {key: value for key, value in theirs.state_dict().items() if key.startswith("features")}
    torch.save(state, tmp_path / "vgg19.pth")
    model = create_model(name, weights=None, encoder_weights=tmp_path / "vgg19.pth")
    content, _ = images()
    normal = (content - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor([0.229, 0.224, 0.225]).view(
        3, 1, 1
    )
    if name == "adain":
        ours = model.get_submodule("encoder")(content)[0]
        expected = theirs.features[:4](normal)
        torch.testing.assert_close(ours[..., 2:-2, 2:-2], expected[..., 2:-2, 2:-2], atol=1e-4, rtol=1e-4)
    else:
        network = model.get_submodule("network")
        ours = network._encoder_conv(1, 1, content)  # type: ignore[operator]
        expected = theirs.features[:1](normal)
        torch.testing.assert_close(ours[..., 2:-2, 2:-2], expected[..., 2:-2, 2:-2], atol=1e-4, rtol=1e-4)


def test_unknown_layouts_list_the_known_ones(
    wct2_files: tuple[str, Path, reference.State, reference.State],
    adain_files: tuple[Path, reference.State, reference.State],
) -> None:
    kind, folder, *_ = wct2_files
    wrong = "sum" if kind == "cat5" else "cat5"
    encoder, decoder = folder / f"wave_encoder_{kind}_l4.pth", folder / f"wave_decoder_{kind}_l4.pth"
    with pytest.raises(WeightsError, match=r"conv1_2.*known layouts of wct2"):
        create_model("wct2", weights=decoder, encoder_weights=encoder, unpool=wrong, out_channels=3)
    with pytest.raises(WeightsError, match=r"conv1_1.weight of shape \(1, .*out_channels=3"):
        create_model("wct2", weights=decoder, encoder_weights=encoder, unpool=kind)
    with pytest.raises(WeightsError, match="known layouts of adain"):
        create_model("adain", weights=decoder, encoder_weights=encoder, out_channels=3)
    with pytest.raises(WeightsError, match=r"conv0.weight .*known layouts of wct2"):
        create_model("wct2", weights=decoder, encoder_weights=adain_files[0] / "vgg_normalised.pth", unpool=kind)


def test_damaged_checkpoints_raise_only_weights_error(tmp_path: Path) -> None:
    path = tmp_path / "old.pth"
    torch.save({"0.weight": torch.rand(3, 3), "b": torch.rand(4)}, path, _use_new_zipfile_serialization=False)
    sound = path.read_bytes()
    refused = 0
    for seed in range(120):
        damaged, random = bytearray(sound), np.random.default_rng(seed)
        damaged[random.integers(min(len(sound), 400))] = random.integers(256)
        path.write_bytes(damaged)
        try:
            read_state(path)
        except WeightsError:
            refused += 1
    assert 0 < refused < 120


def test_network_with_batch_normalisation_is_rejected(tmp_path: Path) -> None:
    state = {"features.0.weight": torch.rand(64, 3, 3, 3), "features.1.running_mean": torch.rand(64)}
    torch.save(state, tmp_path / "vgg19_bn.pth")
    with pytest.raises(WeightsError, match="without batch normalisation"):
        create_model("adain", weights=None, encoder_weights=tmp_path / "vgg19_bn.pth")


@pytest.mark.parametrize("name", ["adain", "wct2"])
def test_damaged_unsafe_and_missing_files_are_rejected(name: str, tmp_path: Path) -> None:
    damaged, pickled, missing = tmp_path / "damaged.pth", tmp_path / "pickled.pth", tmp_path / "missing.pth"
    damaged.write_bytes(b"not a checkpoint")
    torch.save({"model": Path("code")}, pickled)
    for file in (damaged, pickled):
        with pytest.raises(WeightsError, match=file.name):
            create_model(name, weights=None, encoder_weights=file)
    with pytest.raises(MissingFileError, match=r"missing\.pth"):
        create_model(name, weights=None, encoder_weights=missing)
    with pytest.raises(InputError, match="encoder_weights beside"):
        create_model(name, weights=missing)
    with pytest.raises(InputError, match="or None for a random one"):
        create_model(name, encoder_weights="torchvision")
    with pytest.raises(InputError, match="size='vgg19'"):
        create_model(name, weights=None, encoder_weights=missing, size="compact")
