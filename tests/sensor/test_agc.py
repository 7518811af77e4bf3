"""The four kinds of gain control."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ir_transfer.sensor.agc import Agc, Kind

KINDS: tuple[Kind, ...] = ("linear", "percentile", "plateau", "clahe")


def dull(seed: int = 0) -> Any:
    """A narrow range with a hot spot."""
    random = np.random.default_rng(seed)
    image = 0.4 + 0.15 * random.random((64, 80), dtype=np.float32)
    image[30:34, 40:44] = 0.9
    return image


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_flat_images_stay_flat_and_in_range(kind: Kind, level: float) -> None:
    shown = Agc(kind).apply(np.full((40, 50), level, np.float32))
    assert shown.shape == (40, 50)
    assert shown.dtype == np.float32
    assert shown.min() >= 0
    assert shown.max() <= 1
    assert np.ptp(shown) == 0


def test_linear_uses_one_window_for_all_images() -> None:
    agc = Agc("linear", low=0.25, high=0.75)
    assert agc.apply(np.array([[0.1, 0.25, 0.5, 0.75, 1]], np.float32))[0] == pytest.approx([0, 0, 0.5, 1, 1], abs=1e-6)
    image = dull()
    assert Agc().apply(image) == pytest.approx(image, abs=1e-6)


def test_percentiles_map_to_black_and_white() -> None:
    image = np.linspace(0.3, 0.7, 10_000, dtype=np.float32).reshape(100, 100)
    shown = Agc("percentile", tails=0.1).apply(image)
    assert (shown == 0).mean() == pytest.approx(0.1, abs=0.001)
    assert (shown == 1).mean() == pytest.approx(0.1, abs=0.001)
    assert shown[50, 0] == pytest.approx(0.5, abs=0.001)


@pytest.mark.parametrize("kind", ["percentile", "plateau"])
def test_gain_is_limited(kind: Kind) -> None:
    image = np.linspace(0.50, 0.51, 10_000, dtype=np.float32).reshape(100, 100)
    shown = Agc(kind, max_gain=4, tails=0).apply(image)
    assert np.ptp(shown) <= 0.0401
    assert shown.mean() == pytest.approx(0.5, abs=0.01)


def test_plateau_ranges_from_equalisation_to_equal_bins() -> None:
    image = dull()
    whole = Agc("plateau", plateau=10_000, max_gain=1000).apply(image)
    # Equalisation: levels are ranks.
    ranks = image.ravel().argsort().argsort() / image.size
    assert whole.ravel() == pytest.approx(ranks, abs=0.01)
    flat = Agc("plateau", plateau=0.001, max_gain=1000).apply(image)
    spot, ground = image == image.max(), image < 0.6
    assert flat[ground].max() < flat[spot].min()
    assert np.corrcoef(flat[ground], image[ground])[0, 1] > 0.999
    some = Agc("plateau").apply(image)
    order = np.argsort(image.ravel())
    assert (np.diff(some.ravel()[order]) >= 0).all()


def test_clahe_raises_local_contrast() -> None:
    image = 0.5 + 0.02 * np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32)
    image[:, 32:] += 0.4
    image = image.clip(0, 1)
    shown = Agc("clahe", clip=4, tiles=4).apply(image)
    assert shown[:, :24].std() > 2 * image[:, :24].std()
    assert len(np.unique(shown)) <= 256
