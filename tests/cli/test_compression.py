"""``--compression`` of convert, dataset and video: applied, recorded, compared on ``--resume``, or refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image

from ir_transfer.cli import main
from ir_transfer.imaging.encode import encode_gray
from tests.conversion.video.clips import moving, write_clip
from tests.imaging.raster.rasters import PLACED, numbers, write

MODEL = ["--model", "histogram", "--threads", "1"]


def header(out: Path) -> dict[str, object]:
    look: dict[str, object] = json.loads((out / "manifest.jsonl").read_text().splitlines()[0])["look"]
    return look


@pytest.mark.parametrize("name", ["fast", "small", "none"])
@pytest.mark.parametrize("format_", ["png", "tiff"])
def test_compression_is_applied_and_recorded(
    name: str, format_: str, photos: Path, exemplar: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    asked = ["--compression", name, "--format", format_, "-o", str(out)]
    assert main(["convert", str(photos), "--style", str(exemplar), *MODEL, *asked]) == 0
    assert header(out)["compression"] == name
    for path in (path for path in out.rglob("*.*") if path.suffix in {".png", ".tif"}):
        levels = np.asarray(Image.open(path))
        assert path.read_bytes() == encode_gray(levels, format_, compression=name)  # type: ignore[arg-type]


def test_resume_requires_the_same_compression(
    photos: Path, exemplar: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    command = ["convert", str(photos), "--style", str(exemplar), *MODEL, "-o", str(out)]
    assert main(command) == 0
    assert header(out)["compression"] == "fast"
    assert main([*command, "--resume", "--compression", "fast"]) == 0
    assert main([*command, "--resume", "--compression", "small"]) == 2
    assert 'expected compression="fast"' in capsys.readouterr().err


def test_manifest_without_compression_is_resumed_with_small(
    photos: Path, exemplar: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    command = ["convert", str(photos), "--style", str(exemplar), *MODEL, "-o", str(out)]
    assert main([*command, "--compression", "small"]) == 0
    manifest = out / "manifest.jsonl"
    manifest.write_text(manifest.read_text().replace('"compression": "small", ', ""))
    assert "compression" not in header(out)
    assert main([*command, "--resume"]) == 2
    assert 'expected compression="small"' in capsys.readouterr().err
    assert main([*command, "--resume", "--compression", "small"]) == 0


def test_raster_uses_the_option_or_the_compression_of_its_source(exemplar: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write(tmp_path / "in/a.tif", numbers(3, 64, 64), compress="lzw", **PLACED)
    command = ["convert", str(tmp_path / "in"), "--style", str(exemplar), "--threads", "1", "--tile-size", "64"]
    command += ["-o", str(tmp_path / "out")]

    def made() -> tuple[object, bytes]:
        with rasterio.open(tmp_path / "out/a.tif") as file:
            return file.profile.get("compress"), (tmp_path / "out/a.tif").read_bytes()

    assert main(command) == 0
    kept = made()
    assert kept[0] == "lzw"
    assert main([*command, "--resume", "--compression", "fast"]) == 0  # also the default of images
    assert made()[0] == "deflate"
    assert main([*command, "--resume"]) == 0
    assert made() == kept


def test_compression_applies_to_labelled_sets(photos: Path, exemplar: Path, tmp_path: Path) -> None:
    command = ["dataset", str(photos), "--style", str(exemplar), *MODEL, "-o", str(tmp_path / "set")]
    assert main([*command, "--compression", "none"]) == 0
    assert header(tmp_path / "set")["compression"] == "none"
    levels = np.asarray(Image.open(tmp_path / "set/a.png"))
    assert (tmp_path / "set/a.png").read_bytes() == encode_gray(levels, compression="none")


def test_compression_applies_to_video_frames_only(
    exemplar: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "frames").mkdir()
    for number, image in enumerate(moving(2)):
        Image.fromarray(image).save(tmp_path / f"frames/{number}.png")
    command = ["video", str(tmp_path / "frames"), "--style", str(exemplar), "--model", "gray", "--no-report"]
    assert main([*command, "--compression", "none"]) == 0
    levels = np.asarray(Image.open(tmp_path / "frames_ir/0.png"))
    assert (tmp_path / "frames_ir/0.png").read_bytes() == encode_gray(levels, compression="none")
    assert main([*command, "--resume"]) == 2
    assert 'expected compression="none"' in capsys.readouterr().err
    command[1] = str(write_clip(tmp_path / "clip.mp4", moving(2)))
    assert main([*command, "--compression", "fast"]) == 2
    assert "expected no --compression for a video, got fast" in capsys.readouterr().err
    assert not (tmp_path / "clip_ir.mp4").exists()
