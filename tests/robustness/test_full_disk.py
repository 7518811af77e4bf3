from __future__ import annotations

import errno
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ir_transfer.cli import main
from tests.ci import missing
from tests.conversion.video.clips import moving, write_clip
from tests.robustness.test_kills import tree


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 300 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        missing(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_video_resumes_after_a_full_disk(small_disk: Path, exemplar: Path, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", moving(60, 120, 160))
    command = ["video", str(clip), "--style", str(exemplar), "--model", "histogram", "-q"]
    assert main([*command, "-o", str(tmp_path / "whole.mp4")]) == 0
    out = small_disk / "out.mp4"
    assert main([*command, "-o", str(out)]) == 2
    assert not out.exists()
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    assert main([*command, "-o", str(out), "--resume"]) == 0
    assert out.read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    assert [path.name for path in small_disk.iterdir()] == ["out.mp4"]


@pytest.mark.parametrize(
    "command",
    [
        ["styles", "build", "EXEMPLAR", "--model", "adain", "-o", "style.safetensors"],
        ["export", "adain", "--style", "EXEMPLAR", "-o", "adain.onnx"],
        ["export", "adain", "--style", "EXEMPLAR", "-o", "adain.xml"],
        ["export", "adain", "--style", "EXEMPLAR", "--calibrate", "PHOTOS", "-o", "adain.xml"],
    ],
)
def test_file_that_exceeds_the_disk_is_an_error_and_leaves_no_file(
    command: list[str], small_disk: Path, exemplar: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (small_disk / "full").write_bytes(bytes(300 * 1024))
    named = {"EXEMPLAR": str(exemplar), "PHOTOS": str(exemplar.parent)}
    out = small_disk / command[-1]
    assert main([*(named.get(word, word) for word in command[:-1]), str(out)]) == 2
    told = capsys.readouterr().err
    assert "free some space" in told
    assert str(out) in told
    assert [path.name for path in small_disk.iterdir()] == ["full"]


def test_full_disk_reports_the_missing_space_and_the_run_continues(
    small_disk: Path, exemplar: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "set"
    (root / "images").mkdir(parents=True)
    (root / "labels").mkdir()
    draw = np.random.default_rng(0)
    for number in range(24):
        noise = draw.integers(0, 255, (120, 160, 3), np.uint8)
        Image.fromarray(noise).save(root / f"images/{number:03}.png", compress_level=1)
        (root / f"labels/{number:03}.txt").write_text("0 0.5 0.5 0.5 0.25\n")
    command = ["dataset", str(root), "--style", str(exemplar), "--model", "histogram", "-q"]
    assert main([*command, "-o", str(tmp_path / "one/ir")]) == 0
    out = small_disk / "ir"
    assert main([*command, "-o", str(out)]) == 1
    told = capsys.readouterr().err
    missing = re.search(r"stopped: .*--resume \((\d+) of 24 are missing\)", told)
    assert missing is not None
    made = len(list(out.glob("images/*.png")))
    assert 0 < made < 24
    assert int(missing[1]) == 24 - made
    for path in out.glob("images/*.png"):
        Image.open(path).load()
    assert not list(out.rglob("*.part"))
    assert main([*command, "-o", str(out), "--resume"]) == 2  # as full as before: not even a manifest can be begun
    assert "free some space" in capsys.readouterr().err
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    assert main([*command, "-o", str(out), "--resume"]) == 0
    assert tree(out) == tree(tmp_path / "one/ir")


def test_calibrated_export_needs_no_other_disk_space(
    small_disk: Path, exemplar: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("nncf")
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    out = tmp_path / "adain.xml"
    command = ["export", "adain", "--style", str(exemplar), "--calibrate", str(exemplar.parent), "-q"]
    assert main([*command, "-o", str(out)]) == 0
    assert out.is_file()
    assert not [*small_disk.iterdir()]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.ENOENT])
def test_full_temporary_disk_is_a_one_line_error(
    number: int, exemplar: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*args: object) -> None:
        raise OSError(number, "No usable temporary directory found")  # as tempfile does, without a name

    monkeypatch.setattr("ir_transfer.cli.convert.check_exists", full)
    assert main(["convert", str(exemplar), "--style", str(exemplar), "-o", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert "No usable temporary directory found: free some space, or set TMPDIR" in told
    assert told.count("\n") == 1


def test_full_disk_behind_stdout_is_a_one_line_error() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ir_transfer", "sensors", "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("Error: expected to write")
    assert "Traceback" not in done.stderr
