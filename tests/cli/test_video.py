from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from ir_transfer import create_model
from ir_transfer.cli import main
from tests.conversion.video.clips import moving, read_clip, write_clip
from tests.models.small_thermal import SMALL_THERMAL


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", moving(8))


@pytest.fixture
def arguments(clip: Path, exemplar: Path) -> list[str]:
    return ["video", str(clip), "--style", str(exemplar), "--model", "histogram"]


def test_summary_lines_and_exit_codes(
    arguments: list[str], clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    note, flicker, counts, out = captured.out.splitlines()
    assert "each frame was translated separately" in note
    assert flicker.startswith("flicker ")
    assert "x that of the input (frame by frame: " in flicker
    assert counts == "8 frames, 0 from an earlier run, 0 damaged"
    assert out == str(tmp_path / "clip_ir.mp4")
    assert main(arguments) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main([*arguments, "--overwrite", "-q", "--no-report", "--codec", "ffv1"]) == 0
    assert capsys.readouterr() == ("", "")
    assert main([*arguments, "--resume", "--overwrite"]) == 2


def test_damaged_frames_are_reported(arguments: list[str], clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = clip.with_name("frames")
    folder.mkdir()
    for number, pixels in enumerate(moving(3)):
        Image.fromarray(pixels).save(folder / f"{number:03}.png")
    (folder / "001.png").write_bytes(b"damage")
    assert main(["video", str(folder), *arguments[2:]]) == 1
    captured = capsys.readouterr()
    assert captured.err.count("Error: ") == 1
    assert "001.png" in captured.err
    assert "3 frames, 0 from an earlier run, 1 damaged" in captured.out


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--smoothing", "-1"], "--smoothing"),
        (["--fps", "0"], "--fps"),
        (["--quality", "52"], "--quality"),
        (["-o", "clip.avi"], ".mp4 or .mkv or .mov"),
        (["--model", "adian"], "did you mean 'adain'"),
    ],
)
def test_option_errors_exit_with_2(
    arguments: list[str], extra: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, *extra]) == 2
    assert message in capsys.readouterr().err


def test_missing_av_package_is_named(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("convert", "read_video", "write_video"):
        monkeypatch.delitem(sys.modules, f"ir_transfer.conversion.video.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "av", None)
    assert main(arguments) == 2
    assert "pip install 'ir-transfer[video]'" in capsys.readouterr().err


def test_resume_after_sigkill_gives_identical_frames(
    clip: Path, exemplar: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    weights = tmp_path / "random.safetensors"
    create_model("adain", weights=None, **SMALL_THERMAL).save(weights)
    write_clip(clip, moving(60, 32, 40), sound="aac")
    arguments = ["video", str(clip), "--style", str(exemplar), "--model", "adain", "--weights", str(weights)]
    arguments += ["--codec", "ffv1"]
    process = subprocess.Popen([sys.executable, "-m", "ir_transfer", *arguments], stderr=subprocess.PIPE)
    frames = tmp_path / ".clip_ir.mp4.frames"
    deadline = time.monotonic() + 120
    while len([*frames.glob("*.png")]) < 27:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "clip_ir.mp4").exists()
    clip.with_name("clip_ir.mp4").write_bytes(b"an older result, which --overwrite was about to replace")
    assert main([*arguments, "-q"]) == 2
    assert main([*arguments, "--resume", "--smoothing", "3"]) == 2
    capsys.readouterr()
    assert main([*arguments, "--resume"]) == 0
    assert re.search(r"60 frames, (25|50) from an earlier run", capsys.readouterr().out)
    assert main([*arguments, "-q", "-o", str(tmp_path / "undisturbed.mp4")]) == 0
    times, resumed = read_clip(tmp_path / "clip_ir.mp4")
    expected, undisturbed = read_clip(tmp_path / "undisturbed.mp4")
    assert times == expected
    np.testing.assert_array_equal(resumed, undisturbed)
    assert len(resumed) == 60
    assert not frames.exists()


def test_h264_does_not_depend_on_uninitialised_memory(clip: Path, exemplar: Path, tmp_path: Path) -> None:
    write_clip(clip, [cv2.GaussianBlur(frame, (0, 0), 3).astype(np.uint8) for frame in moving(50)])
    command = [sys.executable, "-m", "ir_transfer", "video", str(clip), "--style", str(exemplar), "--no-flow"]
    videos = []
    for fill in ("1", "77"):  # the byte that glibc fills new memory with
        out = tmp_path / f"{fill}.mp4"
        environment = {**os.environ, "MALLOC_PERTURB_": fill}
        subprocess.run([*command, "--model", "histogram", "-q", "-o", str(out)], env=environment, check=True)
        videos.append(out.read_bytes())
    assert videos[0] == videos[1]


def test_frame_folders_do_not_need_av(photos: Path, exemplar: Path, tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['av'] = None\n"
        "from ir_transfer.cli import main\n"
        "code = main(sys.argv[1:]); print(code); sys.exit(code)"
    )
    for number, image in enumerate(moving(3)):
        (tmp_path / "frames").mkdir(exist_ok=True)
        Image.fromarray(image).save(tmp_path / f"frames/{number}.png")
    command = ["video", str(tmp_path / "frames"), "--style", str(exemplar), "--model", "histogram", "--no-report"]
    done = subprocess.run([sys.executable, "-c", program, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "frames_ir").glob("*.png"))) == 3
    (tmp_path / "a.mp4").touch()
    command[1] = str(tmp_path / "a.mp4")
    done = subprocess.run([sys.executable, "-c", program, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install 'ir-transfer[video]'" in done.stderr
    assert "Traceback" not in done.stderr
