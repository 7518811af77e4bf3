"""LPIPS from files of the published layout, against its definition in NumPy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.models import alexnet

from ir_transfer.errors import MissingFileError, WeightsError
from ir_transfer.metrics.lpips import Lpips

CHANNELS = (64, 192, 384, 256, 256)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The backbone's convolutions and the heads, random."""
    folder = tmp_path_factory.mktemp("cache")
    torch.manual_seed(0)
    with torch.device("meta"):
        shapes = alexnet(weights=None).features.state_dict()
    state = {f"features.{key}": 0.05 * torch.randn(value.shape) for key, value in shapes.items()}
    torch.save(state, folder / "alexnet-owt-0.pth")
    heads = {f"lin{i}.model.1.weight": torch.rand(1, n, 1, 1) for i, n in enumerate(CHANNELS)}
    torch.save(heads, folder / "alex.pth")
    return folder


def test_agrees_with_the_definition(cache: Path) -> None:
    a, b = torch.rand(2, 1, 70, 80), torch.rand(2, 1, 70, 80)
    features = alexnet(weights=None).features
    state = torch.load(cache / "alexnet-owt-0.pth", weights_only=True)
    features.load_state_dict({key.removeprefix("features."): value for key, value in state.items()})
    heads = torch.load(cache / "alex.pth", weights_only=True)
    x = torch.cat([a, b]).repeat(1, 3, 1, 1) * 2 - 1
    x = (x - torch.tensor([-0.030, -0.088, -0.188])[:, None, None]) / torch.tensor([0.458, 0.448, 0.450])[:, None, None]
    expected = np.zeros(2)
    level = 0
    with torch.no_grad():
        for layer in features:
            x = layer(x)
            if isinstance(layer, torch.nn.ReLU):
                unit = x.numpy() / (np.sqrt((x.numpy() ** 2).sum(1, keepdims=True)) + 1e-10)
                weight = heads[f"lin{level}.model.1.weight"].numpy()
                expected += ((unit[:2] - unit[2:]) ** 2 * weight).sum(1).mean((1, 2))
                level += 1
        found = Lpips.load(cache / "alex.pth", cache)(a, b)
    assert level == 5
    assert found.numpy() == pytest.approx(expected, rel=1e-4)


def test_never_downloads(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"torchvision's alexnet-\*\.pth in .*download it once"):
        Lpips.load(cache / "alex.pth", tmp_path)
    with pytest.raises(MissingFileError, match=r"alex\.pth or vgg\.pth"):
        Lpips.load(tmp_path / "alex.pth")


def test_rejects_other_files(cache: Path, tmp_path: Path) -> None:
    torch.save({"lin0.model.1.weight": torch.rand(1, 3, 1, 1)}, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match="five heads"):
        Lpips.load(tmp_path / "other.pth", cache)
    (tmp_path / "text.pth").write_text("no pickle")
    with pytest.raises(WeightsError, match="only tensors"):
        Lpips.load(tmp_path / "text.pth", cache)
