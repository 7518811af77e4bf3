from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ir_transfer.conversion.styles.exemplar import read_exemplar, read_with_report
from ir_transfer.errors import DecodeError, InputError, MissingFileError
from ir_transfer.nn import limits
from ir_transfer.nn.limits import SMALLEST_SIDE
from tests.conftest import photograph, thermal


def write(path: Path, array: np.ndarray[tuple[int, ...], np.dtype[np.uint8 | np.uint16]]) -> Path:
    Image.fromarray(array).save(path)
    return path


def test_gray_of_8_and_16_bits(tmp_path: Path) -> None:
    heat = thermal(20, 30)
    eight = read_exemplar(write(tmp_path / "8.png", heat))
    sixteen = read_exemplar(write(tmp_path / "16.png", heat.astype(np.uint16) * 257))
    assert eight.shape == (1, 20, 30)
    np.testing.assert_allclose(eight, sixteen, atol=1e-6)


def test_colour_is_rejected_unless_requested(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    path = write(tmp_path / "rgb.png", random.integers(0, 255, (20, 30, 3), dtype=np.uint8))
    with pytest.raises(InputError, match=r"rgb\.png.*no known palette"):
        read_exemplar(path)
    assert read_exemplar(path, keep_colour=True).shape == (3, 20, 30)


def test_borders_are_cropped_unless_the_size_must_be_kept(tmp_path: Path) -> None:
    framed = thermal(40, 60)
    framed[:, :10] = 0
    path = write(tmp_path / "framed.png", framed)
    assert read_exemplar(path).shape == (1, 40, 50)
    assert read_exemplar(path, crop=False).shape == (1, 40, 60)


def test_three_equal_channels_are_gray(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    heat = thermal(40, 40)
    path = tmp_path / "gray_in_rgb.jpg"
    Image.fromarray(np.dstack([heat] * 3)).save(path, quality=90)
    read_exemplar(path)
    assert caplog.text == ""


@pytest.mark.parametrize("name", ["a.tif", "a.png", "a.webp", "a.jpg"])
def test_selected_page_is_reported_and_recorded(name: str, tmp_path: Path) -> None:
    first, *others = (Image.fromarray(thermal(40, 40, seed)).convert("RGB") for seed in (1, 5, 9))
    of_kind: dict[str, dict[str, Any]] = {"a.jpg": {"format": "MPO", "quality": 95}, "a.webp": {"lossless": True}}
    first.save(tmp_path / name, save_all=True, append_images=others, **of_kind.get(name, {}))
    found, report = read_with_report(tmp_path / name)
    assert np.abs(found[0] * 255 - thermal(40, 40, 1)).mean() < (3 if name == "a.jpg" else 0.01)
    assert report is not None
    assert "it has 3" in report.line
    assert "number 1 is used (save the desired image as a separate file)" in report.line
    assert (report.record()["page"], report.record()["pages"]) == (1, 3)


def test_selected_page_of_a_colour_file_is_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("ir_transfer"), "propagate", True)  # a command of another test stops it
    caplog.set_level(logging.WARNING, "ir_transfer")  # -q of another test's command raises it
    first, *others = (Image.fromarray(photograph(40, 40, seed)) for seed in range(2))
    first.save(tmp_path / "a.tif", save_all=True, append_images=others)
    read_exemplar(tmp_path / "a.tif", keep_colour=True)
    assert "it has 2 pages: number 1 is used" in caplog.text
    assert "--page" not in caplog.text


def test_minimum_side_is_that_of_the_model() -> None:
    assert SMALLEST_SIDE == limits.SMALLEST_SIDE


def test_invalid_exemplars_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="preset:NAME"):
        read_exemplar(tmp_path / "none.png")
    with pytest.raises(InputError, match="styles build"):
        read_exemplar(tmp_path)
    with pytest.raises(InputError, match=r"flat\.png.*one level"):
        read_exemplar(write(tmp_path / "flat.png", np.full((20, 20), 7, np.uint8)))
    with pytest.raises(InputError, match=r"16 x 16 pixels, got 30 x 15"):
        read_exemplar(write(tmp_path / "small.png", thermal(15, 30)))
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(DecodeError, match=r"text\.png"):
        read_exemplar(tmp_path / "text.png")
