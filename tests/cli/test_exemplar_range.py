from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from ir_transfer.cli import main
from ir_transfer.imaging.image_io import read_image
from ir_transfer.models.style_code import StyleCode
from tests.conftest import photograph
from tests.imaging.exemplars.exemplar_files import in_palette, scene


@pytest.fixture
def counts(tmp_path: Path) -> Path:
    path = tmp_path / "counts.tif"
    tifffile.imwrite(path, scene().astype(np.uint16) * 13 + 20_300)
    return path


@pytest.fixture
def eight(tmp_path: Path) -> Path:
    path = tmp_path / "eight.png"
    Image.fromarray(scene()).save(path)
    return path


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(photograph(96, 128)).save(path)
    return path


def converted(photo: Path, out: Path, *more: str) -> np.ndarray[Any, np.dtype[np.float32]]:
    assert main(["convert", str(photo), "-o", str(out), *more]) == 0
    gray: np.ndarray[Any, np.dtype[np.float32]] = read_image(out / f"{photo.stem}.png").gray()[0]
    return gray


def look(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "manifest.jsonl").read_text().splitlines()[0])["look"]
    return found


def test_raw_counts_give_the_result_of_the_8_bit_exemplar(
    photo: Path, counts: Path, eight: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    of_eight = converted(photo, tmp_path / "8", "--style", str(eight), "--model", "histogram")
    assert capsys.readouterr().err == ""
    of_counts = converted(photo, tmp_path / "c", "--style", str(counts), "--model", "histogram")
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"exemplar {counts}: range " in said
    assert "counts (unit guessed)" in said
    assert of_counts.std() == pytest.approx(of_eight.std(), rel=0.15)
    recorded = look(tmp_path / "c")
    assert recorded["exemplar_range"] == "auto"
    (taken,) = recorded["exemplars"]
    assert taken["range"]["unit"] == "counts"
    assert 19_000 < taken["range"]["low"] < 21_100


def test_exemplar_range_can_be_given(photo: Path, counts: Path, eight: Path, tmp_path: Path) -> None:
    span = f"20300,{20_300 + 255 * 13}"
    style = ["--style", str(counts), "--model", "histogram"]
    named = converted(photo, tmp_path / "n", *style, "--exemplar-range", span)
    of_eight = converted(photo, tmp_path / "8", "--style", str(eight), "--model", "histogram")
    np.testing.assert_allclose(named, of_eight, atol=2 / 255)
    assert look(tmp_path / "n")["exemplar_range"] == [20_300, 23_615]
    again = ["convert", str(photo), "-o", str(tmp_path / "n"), *style, "--resume"]
    assert main([*again, "--exemplar-range", span]) == 0
    assert main([*again, "--exemplar-range", "full"]) == 2


@pytest.mark.parametrize("value", ["soft", "5,1", "1,2,3"])
def test_invalid_range_is_rejected(photo: Path, eight: Path, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", str(photo), "--style", str(eight), "--exemplar-range", value]) == 2
    assert "expected" in capsys.readouterr().err


def test_palette_exemplar_gives_the_result_of_its_scalar_image(photo: Path, eight: Path, tmp_path: Path) -> None:
    path = tmp_path / "rainbow.png"
    Image.fromarray(in_palette(scene(), "rainbow")).save(path)
    mapped = converted(photo, tmp_path / "p", "--style", str(path), "--model", "histogram")
    of_eight = converted(photo, tmp_path / "8", "--style", str(eight), "--model", "histogram")
    np.testing.assert_allclose(mapped, of_eight, atol=3 / 255)
    assert look(tmp_path / "p")["exemplars"][0]["palette"] == "rainbow"


def test_folder_of_exemplars_is_one_style(photo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "looks"
    (folder / "sub").mkdir(parents=True)
    Image.fromarray(scene()).save(folder / "a.png")
    Image.fromarray(scene() // 2).save(folder / "sub" / "b.png")
    style = tmp_path / "built.safetensors"
    assert main(["styles", "build", str(folder), "-o", str(style), "--model", "histogram"]) == 0
    at_once = converted(photo, tmp_path / "f", "--style", str(folder), "--model", "histogram", "--preview")
    np.testing.assert_array_equal(at_once, converted(photo, tmp_path / "b", "--style", str(style)))
    assert [one["file"] for one in look(tmp_path / "f")["exemplars"]] == ["a.png", "b.png"]
    data = tmp_path / "set"
    data.mkdir()
    Image.fromarray(photograph(96, 128)).save(data / "photo.png")
    out = tmp_path / "set_ir"
    assert main(["dataset", str(data), "--style", str(folder), "--model", "histogram", "-o", str(out)]) == 0
    np.testing.assert_array_equal(read_image(next(out.rglob("photo*.png"))).gray()[0], at_once)


def test_styles_build_reports_and_warns(
    counts: Path, eight: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    style = tmp_path / "s.safetensors"
    build = ["styles", "build", str(counts), str(eight), "-o", str(style), "--model", "histogram"]
    assert main([*build, "--exemplar-range", "auto"]) == 0
    said = capsys.readouterr()
    assert "counts.tif: 128 x 96, range 2" in said.out
    assert "eight.png: 128 x 96, range 0 to 255 8 bit" in said.out
    assert "exemplars disagree: the exemplars' values are 8 bit, counts" in said.err
    metadata = StyleCode.load(style).metadata
    assert metadata["exemplar_range"] == "auto"
    assert [one["file"] for one in json.loads(metadata["exemplars"])] == ["counts.tif", "eight.png"]


def twelve_in_16(path: Path) -> Path:
    tifffile.imwrite(path, photograph(96, 128).astype(np.uint16) * 16)
    return path


def test_levels_apply_to_tiff_inputs(tmp_path: Path, eight: Path, capsys: pytest.CaptureFixture[str]) -> None:
    twelve, full = twelve_in_16(tmp_path / "twelve.tif"), tmp_path / "full.tif"
    tifffile.imwrite(full, photograph(96, 128).astype(np.uint16) * 257)
    style = ["--style", str(eight), "--model", "gray"]
    of_full = converted(full, tmp_path / "full", *style)
    assert capsys.readouterr().err == ""
    of_twelve = converted(twelve, tmp_path / "twelve", *style, "--levels", "0,4095")
    assert capsys.readouterr().err == ""
    np.testing.assert_allclose(of_twelve, of_full, atol=2 / 255)
    assert look(tmp_path / "twelve")["raster"] == {"levels": [0, 4095]}
    dark = converted(twelve, tmp_path / "dark", *style)
    assert dark.max() < 0.1
    assert "twelve.tif: its levels are in 0 to 4095 of 16 bits" in capsys.readouterr().err


def test_levels_apply_to_float_inputs(tmp_path: Path, eight: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, style = tmp_path / "float.tif", ["--style", str(eight), "--model", "gray"]
    tifffile.imwrite(path, photograph(96, 128).astype(np.float32) * 4)
    eight_bits = tmp_path / "photo8.png"
    Image.fromarray(photograph(96, 128)).save(eight_bits)
    made = converted(path, tmp_path / "levels", *style, "--levels", "0,1020", "--preview")
    np.testing.assert_allclose(made, converted(eight_bits, tmp_path / "8", *style), atol=1 / 255)
    assert main(["convert", str(path), *style, "-o", str(tmp_path / "none")]) == 1
    assert "--levels LO,HI" in capsys.readouterr().err
    assert converted(path, tmp_path / "p", *style, "--levels", "percentile").std() > 1.05 * made.std()


@pytest.mark.parametrize("command", ["dataset", "video"])
def test_levels_apply_to_data_sets_and_frames(tmp_path: Path, eight: Path, command: str) -> None:
    folder, style = tmp_path / "set", ["--style", str(eight), "--model", "gray"]
    folder.mkdir()
    Image.fromarray(scene().astype(np.uint16) * 16).save(folder / "frame1.png")
    assert main([command, str(folder), *style, "--levels", "0,4080", "-o", str(tmp_path / "out")]) == 0
    (made,) = (tmp_path / "out").glob("frame1*.png")
    np.testing.assert_allclose(read_image(made).gray()[0], scene() / 255, atol=1 / 255)
    if command == "video":
        assert main([command, str(folder), *style, "--levels", "percentile", "-o", str(tmp_path / "v")]) == 2


def test_learned_style_model_takes_the_tone_of_an_exemplar(
    photo: Path, eight: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--model", "johnson", "--exemplar-polarity", "white-hot"]
    gray = converted(photo, tmp_path / "image", "--style", str(eight), *options)
    said = capsys.readouterr().err
    assert f"exemplar {eight}: johnson has learned styles; the nearest, lwir-road-day, gets" in said
    assert look(tmp_path / "image")["learned_styles"] == ["lwir-road-day"]
    exemplar = scene() / 255
    assert float(gray.mean()) == pytest.approx(float(exemplar.mean()), abs=0.02)
    # The slope of the tone curve is limited.
    assert float(gray.std()) == pytest.approx(float(exemplar.std()), rel=0.3)
    converted(photo, tmp_path / "preset", "--style", "preset:lwir-road-day", "--model", "johnson")
    assert look(tmp_path / "preset")["learned_styles"] == ["lwir-road-day"]
