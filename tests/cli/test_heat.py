from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from PIL import Image

from ir_transfer.cli import main
from ir_transfer.conversion.heat.class_map import ClassMapFinder
from tests.conftest import photograph
from tests.conversion.heat.colour_encoder import PERSON, VEHICLE, ColourEncoder

INSIDE = (slice(14, 34), slice(18, 30))
OUTSIDE = (slice(0, 48), slice(40, 64))


@pytest.fixture(autouse=True)
def colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use an encoder that maps colours to classes."""
    monkeypatch.setattr(ClassMapFinder, "of_model", lambda model, device: ClassMapFinder(ColourEncoder()))


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    scene = photograph(48, 64) // 2 + 40
    scene[12:36, 16:32] = PERSON
    Image.fromarray(scene).save(folder / "frame_1.png")
    return folder


def made(
    photo: Path, exemplar: Path, out: Path, *more: str, command: str = "convert"
) -> tuple[NDArray[np.float64], list[dict[str, Any]]]:
    """Return the result (H, W) in [0, 1] and the lines of the manifest."""
    arguments = [command, str(photo), "--style", str(exemplar), "--model", "gray", "-o", str(out), "-q"]
    if "--exemplar-polarity" not in more:
        arguments += ["--exemplar-polarity", "white-hot"]
    assert main([*arguments, *more]) == 0
    levels = np.asarray(Image.open(out / "frame_1.png"), np.float64)
    return levels / 255, [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("command", ["convert", "video", "dataset"])
@pytest.mark.parametrize("texts", [["auto"], ["auto=-0.1"], ["auto=0,people=+0.3"]])
def test_every_command_shifts_objects_found_by_the_class_map(
    photo: Path, exemplar: Path, tmp_path: Path, command: str, texts: Sequence[str]
) -> None:
    shift = {"auto": 0.2, "auto=-0.1": -0.1}.get(texts[0], 0.3)
    cold, lines = made(photo, exemplar, tmp_path / "cold", command=command)
    assert "heat_found" not in lines[0]["look"]
    assert lines[1]["heated"] is None
    asked = [word for text in texts for word in ("--heat", text)]
    hot, lines = made(photo, exemplar, tmp_path / "hot", *asked, command=command)
    assert (hot - cold)[INSIDE].mean() == pytest.approx(shift, abs=0.02)
    np.testing.assert_array_equal(hot[OUTSIDE], cold[OUTSIDE])
    assert lines[0]["look"]["heat_found"]["finder"] == "class-map"
    assert f"person={shift:+g}" in lines[0]["look"]["heat_found"]["rules"]
    assert lines[1]["found"] == {"person": 1}
    assert lines[1]["heated"]["person"]["objects"] == 1
    assert lines[1]["heated"]["person"]["pixels"] == pytest.approx(24 * 16, rel=0.15)


@pytest.mark.parametrize("command", ["convert", "video", "dataset"])
def test_shift_without_effect_is_reported(
    photo: Path, exemplar: Path, tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [command, str(photo), "--style", str(exemplar), "--model", "gray", "--exemplar-polarity", "white-hot"]
    assert main([*asked, "--heat", "auto", "-o", str(tmp_path / "people")]) == 0
    assert "of --heat" not in capsys.readouterr().err
    for path in photo.iterdir():
        Image.fromarray(np.zeros((96, 128, 3), np.uint8)).save(path)
    assert main([*asked, "--heat", "auto", "-o", str(tmp_path / "nobody")]) == 0
    assert "expected objects of the classes of --heat in the images, got none in 1" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["convert", "video"])
def test_without_labels_classes_come_from_the_class_map(
    photo: Path, exemplar: Path, tmp_path: Path, command: str
) -> None:
    cold, _ = made(photo, exemplar, tmp_path / "cold", command=command)
    hot, lines = made(photo, exemplar, tmp_path / "hot", "--heat", "person=+0.1", command=command)
    assert (hot - cold)[INSIDE].mean() == pytest.approx(0.1, abs=0.02)
    assert lines[0]["look"]["heat"] == ["person=+0.1"]
    assert lines[0]["look"]["heat_found"]["rules"] == ["person=+0.1"]
    same, _ = made(photo, exemplar, tmp_path / "same", "--heat", "car=+0.1", command=command)
    np.testing.assert_array_equal(same, cold)


@pytest.mark.parametrize("command", ["convert", "video", "dataset"])
def test_hot_objects_are_darker_in_black_hot_results(photo: Path, exemplar: Path, tmp_path: Path, command: str) -> None:
    for name, given in (("asked", ["--polarity", "black-hot"]), ("own", ["--exemplar-polarity", "black-hot"])):
        cold, _ = made(photo, exemplar, tmp_path / f"{name}_cold", *given, command=command)
        hot, _ = made(photo, exemplar, tmp_path / f"{name}_hot", *given, "--heat", "auto", command=command)
        assert (hot - cold)[INSIDE].mean() == pytest.approx(-0.2, abs=0.03)
        np.testing.assert_allclose(hot[OUTSIDE], cold[OUTSIDE], atol=1 / 255)


@pytest.mark.parametrize("command", ["convert", "video", "dataset"])
def test_option_errors_are_reported_before_the_run(
    photo: Path, exemplar: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    arguments = [command, str(photo), "--style", str(exemplar), "--model", "gray", "-o", str(tmp_path / "out")]
    dry = [] if command == "video" else ["--dry-run"]
    for asked, message in (
        (["--heat", "auto", "--heat", "dog=0.1"], "known: person, two wheeler, vehicle"),
        (["--heat", "auto:yolo"], "known: class-map, maskrcnn"),
        (["--heat", "auto=3"], "shift in -1..1"),
        (["--heat", "auto", "--heat-weights", str(photo)], f"--heat auto:maskrcnn with --heat-weights {photo}"),
    ):
        assert main([*arguments, *asked, *dry]) == 2
        assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_style_grids_and_rasters_are_rejected_by_name(
    photo: Path, exemplar: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["convert", str(photo), "--style", str(exemplar), "--model", "gray", "--heat", "auto"]
    arguments += ["--exemplar-polarity", "white-hot"]
    assert main([*arguments, "--style", str(exemplar), "--style-grid", "3", "-o", str(tmp_path / "grid")]) == 2
    assert "no --heat with --style-grid" in capsys.readouterr().err
    profile = {"driver": "GTiff", "width": 64, "height": 48, "count": 3, "dtype": "uint8", "crs": "EPSG:32633"}
    place = rasterio.transform.from_origin(500000, 5000000, 1, 1)
    with rasterio.open(photo / "place.tif", "w", **profile, transform=place) as raster:
        raster.write(photograph(48, 64).transpose(2, 0, 1))
    assert main([*arguments, "-o", str(tmp_path / "out")]) == 1
    assert "no --heat for a raster" in capsys.readouterr().err
    assert (tmp_path / "out/frame_1.png").is_file()


def test_tiled_image_is_heated_like_a_whole_image(exemplar: Path, tmp_path: Path) -> None:
    folder = tmp_path / "large"
    folder.mkdir()
    scene = np.full((160, 192, 3), 90, np.uint8)
    scene[30:130, 40:120] = VEHICLE
    Image.fromarray(scene).save(folder / "frame_1.png")
    whole, _ = made(folder, exemplar, tmp_path / "whole", "--heat", "vehicle=0.3")
    tiled, lines = made(folder, exemplar, tmp_path / "tiled", "--heat", "vehicle=0.3", "--tile-size", "64")
    assert lines[1]["heated"]["vehicle"]["objects"] == 1
    np.testing.assert_allclose(tiled, whole, atol=1.01 / 255)
    assert tiled[60:100, 70:90].mean() == pytest.approx(0.114 + 0.3, abs=0.01)


def test_a_box_outline_leaves_no_bright_rectangle(exemplar: Path, tmp_path: Path) -> None:
    root = tmp_path / "coco"
    (root / "images").mkdir(parents=True)
    Image.fromarray(np.full((48, 64, 3), 90, np.uint8)).save(root / "images/frame_1.png")
    outline = [16, 8, 40, 8, 40, 40, 16, 40]
    results: list[NDArray[np.float64]] = []
    for segmentation in ([outline], []):
        label = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [16, 8, 24, 32], "area": 768, "iscrowd": 0}
        content = {
            "images": [{"id": 1, "file_name": "frame_1.png", "width": 64, "height": 48}],
            "annotations": [{**label, "segmentation": segmentation} if segmentation else label],
            "categories": [{"id": 1, "name": "person"}],
        }
        (root / "annotations.json").write_text(json.dumps(content))
        out = tmp_path / f"ir_{len(results)}"
        arguments = ["dataset", str(root), "--style", str(exemplar), "--model", "gray", "-o", str(out), "-q"]
        assert main([*arguments, "--exemplar-polarity", "white-hot", "--heat", "person=+0.3"]) == 0
        results.append(np.asarray(Image.open(out / "images/frame_1.png"), np.float64) / 255)
    np.testing.assert_array_equal(results[0], results[1])
    corners = results[0][[10, 10, 37, 37], [18, 37, 18, 37]]
    assert np.abs(corners - results[0][0, 0]).max() < 0.02
    assert results[0][24, 28] - results[0][0, 0] > 0.15
