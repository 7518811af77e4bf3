from __future__ import annotations

import numpy as np
import pytest
import torch

from ir_transfer.training.degrade import Degradation, add_glare, darken, degrade
from tests.conftest import photograph


def image() -> torch.Tensor:
    return torch.from_numpy(photograph(60, 84)).permute(2, 0, 1).float() / 255


def test_shape_range_and_repeatability() -> None:
    clean = image()
    for seed in range(30):
        found = degrade(clean, np.random.default_rng(seed))
        assert found.shape == clean.shape
        assert found.dtype == torch.float32
        assert found.min() >= 0
        assert found.max() <= 1
        assert torch.equal(found, degrade(clean, np.random.default_rng(seed)))
    assert torch.equal(clean, image()), "the clean one stays clean"


def test_darkened_image_is_dark_and_correlates_with_the_original() -> None:
    clean = torch.from_numpy(photograph(200, 280)).permute(2, 0, 1).float() / 255
    means, shapes = [], []
    for seed in range(40):
        found = darken(clean, np.random.default_rng(seed))
        means.append(found.mean().item())
        shapes.append(np.corrcoef(found.mean(0).flatten(), clean.mean(0).flatten())[0, 1])
    assert np.median(means) < 0.6 * clean.mean().item()  # lamps and all
    assert np.median(shapes) > 0.6


@pytest.mark.parametrize(("night", "share"), [(0.0, 0.0), (0.35, 0.35), (1.0, 1.0)])
def test_share_of_darkened_images(night: float, share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def count(clean: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
        calls.append(1)
        return clean

    monkeypatch.setattr("ir_transfer.training.degrade.darken", count)
    clean = image()[:, :16, :16]
    for seed in range(200):
        degrade(clean, np.random.default_rng(seed), night)
    assert len(calls) / 200 == pytest.approx(share, abs=0.08 * (0 < share < 1))


def test_glare_only_adds_light_and_saturates() -> None:
    clean = 0.3 * image()
    saturated = []
    for seed in range(30):
        found = add_glare(clean, np.random.default_rng(seed))
        assert (found >= clean - 1e-6).all()
        assert found.max() <= 1
        saturated.append(float((found.min(0).values > 0.95).float().mean()))
    assert np.mean(np.array(saturated) > 0) > 0.8
    assert np.median(saturated) < 0.2


@pytest.mark.parametrize(("degraded", "glare"), [(0.0, 0.0), (0.0, 0.5), (0.4, 0.0)])
def test_shares_of_degraded_images_and_of_glare(degraded: float, glare: float) -> None:
    clean = image()[:, :32, :32]
    degradation = Degradation(degraded, 0.0, glare)
    changed = [not torch.equal(degradation(clean, np.random.default_rng(seed)), clean) for seed in range(300)]
    assert np.mean(changed) == pytest.approx(degraded + glare, abs=0.09 * (degraded + glare > 0))
