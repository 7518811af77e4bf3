from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ir_transfer.app import histograms
from ir_transfer.app.histograms import BINS, Histogram, draw, of_intensity, of_result, of_styles


def test_histogram_of_intensities() -> None:
    found = of_intensity("x", np.array([0.0, 0.0, 0.5, 1.0], np.float32)).shares
    assert found is not None
    assert found[0] == 0.5
    assert found[BINS // 2] == 0.25
    assert found[-1] == 0.25
    assert found.sum() == 1


def test_histogram_of_quantiles_equals_the_histogram_of_the_values() -> None:
    values = np.random.default_rng(0).beta(2, 5, 200_000)
    found = histograms._shares(np.quantile(values, np.linspace(0, 1, 257)))
    right = of_intensity("x", values.astype(np.float32)).shares
    assert right is not None
    assert found.sum() == pytest.approx(1)
    assert np.abs(found - right).max() < 0.002


def test_constant_quantiles_fill_one_bin() -> None:
    assert histograms._shares(np.full(33, 0.5)).max() == pytest.approx(1)


def test_histograms_of_exemplars_presets_and_results(tmp_path: Path) -> None:
    ramp = np.arange(64 * 64, dtype=np.int64).reshape(64, 64) * 7 % 256
    Image.fromarray(ramp.astype(np.uint8)).save(tmp_path / "e.png")
    (found,) = of_styles([str(tmp_path / "e.png")], "histogram", "full")
    assert found.title == "exemplar e.png"
    assert found.shares is not None
    assert found.shares == pytest.approx(np.full(BINS, 1 / BINS), abs=0.005)
    (preset,) = of_styles(["preset:lwir-road-day"], "adain", "auto")
    assert preset.title == "style preset:lwir-road-day"
    assert preset.shares is not None
    assert preset.shares.sum() == pytest.approx(1)
    assert of_result(tmp_path / "e.png").shares == pytest.approx(found.shares)


def test_style_without_distribution_has_no_histogram() -> None:
    (look,) = of_styles(["preset:lwir-road-day"], "johnson", "auto")
    assert look.shares is None
    assert "no distribution" in draw([look])
    assert draw([Histogram("<x>", np.full(BINS, 1 / BINS))]).count("<rect") == BINS
    assert "<x>" not in draw([Histogram("<x>", np.full(BINS, 1 / BINS))])
