"""``ir-transfer dataset`` and ``verify`` on RGB images with EXIF orientations."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ir_transfer.cli import main
from ir_transfer.imaging.image_io import read_image
from ir_transfer.labels.frames import Frame
from ir_transfer.labels.open import open_labelled
from tests.labels.turned import (
    FOLDERS,
    FRAMES,
    OBJECT,
    ORIENTATIONS,
    Build,
    build,
    in_frame,
    photograph,
    scene,
    voc,
    yolo,
)


def generate(source: Path, exemplar: Path, out: Path, *more: str) -> int:
    return main(["dataset", str(source), "--style", str(exemplar), "--model", "histogram", "-o", str(out), *more])


def entries(out: Path) -> dict[str, dict[str, Any]]:
    lines = map(json.loads, (out / "manifest.jsonl").read_text().splitlines()[1:])
    return {Path(line["output"]).stem: line for line in lines}


def contrast(path: Path, mask: np.ndarray) -> float:
    """Return the mean inside a mask minus the mean outside."""
    pixels = read_image(path).gray()[0]
    return float(pixels[mask].mean() - pixels[~mask].mean())


def test_heat_and_verify_use_the_orientation_of_the_labels(
    exemplar: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build(tmp_path / "in", voc, "stored", "jpg")
    out = tmp_path / "out"
    assert generate(tmp_path / "in", exemplar, out, "--heat", "object=+0.3") == 0
    assert "treated as stored, like the labels of 4 others" in capsys.readouterr().err
    lines = entries(out)
    area = (OBJECT[0].stop - OBJECT[0].start) * (OBJECT[1].stop - OBJECT[1].start)
    for orientation in ORIENTATIONS:
        mask, line = in_frame("stored", orientation), lines[f"o{orientation}"]
        assert contrast(out / line["output"], mask) > 0.3
        assert (line["height"], line["width"]) == mask.shape
        assert line["stored_orientation"] == (None if orientation == 1 else orientation)
        assert abs(line["heated"]["object"]["pixels"] - area) < 0.25 * area
    assert main(["dataset", "verify", str(out)]) == 0
    assert generate(tmp_path / "in", exemplar, out, "--heat", "object=+0.3", "--resume") == 0
    assert "skipped 8" in capsys.readouterr().out
    assert (
        generate(tmp_path / "in", exemplar, out, "--heat", "object=+0.3", "--resume", "--orientation", "upright") == 2
    )
    assert "orientation" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", ["jpg", "webp"])
@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("kind", list(FOLDERS))
def test_labels_stay_aligned_with_objects_in_all_orientations(
    kind: Build, frame: Frame, suffix: str, exemplar: Path, tmp_path: Path
) -> None:
    build(tmp_path / "in", kind, frame, suffix)
    options = ["--style", str(exemplar), "--model", "gray", "--orientation", frame, "-q"]
    assert main(["dataset", str(tmp_path / "in"), *options, "-o", str(tmp_path / "out")]) == 0
    made = open_labelled(tmp_path / "out")
    assert len(made.images) == len(ORIENTATIONS)
    for one in made.images:
        bright = np.asarray(Image.open(one.path)) > 128
        orientation = int(one.path.stem.removeprefix("o"))
        assert (bright != in_frame(frame, orientation)).mean() < 0.02  # JPEG blurs its edges
        regions = made.regions(one, *bright.shape)
        assert regions
        for region in regions:
            np.testing.assert_array_equal(region.mask(*bright.shape), in_frame(frame, orientation))
    assert main(["dataset", "verify", str(tmp_path / "out")]) == 0


def replace_result(out: Path, stem: str, turns: int) -> None:
    """Rotate a result by quarter turns and update its hash and size in the manifest."""
    line = entries(out)[stem]
    path = out / line["output"]
    Image.fromarray(np.rot90(np.asarray(Image.open(path)), turns)).save(path)
    manifest = (out / "manifest.jsonl").read_text()
    new = hashlib.sha256(path.read_bytes()).hexdigest()
    (out / "manifest.jsonl").write_text(manifest.replace(line["output_sha256"], new))


def test_verify_checks_the_pixels(exemplar: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photograph(tmp_path / "in/images/o3.jpg", 3)
    yolo(tmp_path / "in", "o3.jpg", in_frame("stored", 3))
    out = tmp_path / "out"
    assert generate(tmp_path / "in", exemplar, out, "--orientation", "stored") == 0
    assert contrast(out / "images/o3.png", in_frame("stored", 3)) > 0.3
    assert main(["dataset", "verify", str(out)]) == 0
    capsys.readouterr()
    replace_result(out, "o3", 2)
    assert main(["dataset", "verify", str(out)]) == 1
    assert "images/o3.png: expected the stored frame, got another orientation" in capsys.readouterr().out


def test_verify_compares_labels_with_pixels(exemplar: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The source has the same error as its result, so that comparing labels with labels would not detect it."""
    photograph(tmp_path / "in/JPEGImages/a.jpg", 1)
    voc(tmp_path / "in", "a.jpg", np.pad(scene() > 128, ((40, 0), (40, 0))))
    out = tmp_path / "out"
    assert generate(tmp_path / "in", exemplar, out) == 0
    assert "got 104 x 88: labels may not fit" in capsys.readouterr().err
    assert main(["dataset", "verify", str(out)]) == 1
    told = capsys.readouterr().out
    assert "JPEGImages/a.png: expected the size of its image, 64 x 48, got 104 x 88" in told
    assert "JPEGImages/a.png: expected object inside of 64 x 48 pixels, got a box of" in told


def test_verify_reports_missing_annotations(exemplar: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photograph(tmp_path / "in/JPEGImages/a.jpg", 1)
    voc(tmp_path / "in", "a.jpg", scene() > 128)
    out = tmp_path / "out"
    assert generate(tmp_path / "in", exemplar, out) == 0
    (out / "Annotations/a.xml").unlink()
    assert main(["dataset", "verify", str(out)]) == 1
    told = capsys.readouterr().out
    assert "Annotations/a.xml: expected the label file, found none" in told
    assert "expected Pascal VOC annotations" in told
