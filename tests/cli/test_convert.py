from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from ir_transfer.cli import main
from tests.conftest import photograph


def tree(out: Path) -> dict[str, bytes]:
    """All files but the manifest, which names the command line as entered."""
    return {
        str(p.relative_to(out)): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file() and p.suffix != ".jsonl"
    }


def entries(out: Path) -> list[str]:
    return (out / "manifest.jsonl").read_text(encoding="utf-8").splitlines()[1:]


@pytest.fixture
def arguments(photos: Path, exemplar: Path, tmp_path: Path) -> list[str]:
    return ["convert", str(photos), "--style", str(exemplar), "--model", "histogram", "-o", str(tmp_path / "out")]


@pytest.fixture
def many(photos: Path) -> Path:
    """150 more RGB images, so that a run lasts long enough to be interrupted."""
    for seed in range(150):
        Image.fromarray(photograph(200, 260, seed)).save(photos / f"{seed:03}.png", compress_level=1)
    return photos


def test_summary_line_and_exit_codes(
    arguments: list[str], photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    captured = capsys.readouterr()
    assert captured.out == f"converted 6, skipped 0, failed 0 into {tmp_path / 'out'} (see manifest.jsonl)\n"
    assert captured.err == ""
    (photos / "bad.png").write_bytes(b"")
    assert main([*arguments, "--resume"]) == 1
    captured = capsys.readouterr()
    assert captured.out == f"converted 0, skipped 6, failed 1 into {tmp_path / 'out'} (see manifest.jsonl)\n"
    assert captured.err.startswith("Error: ")
    assert "bad.png" in captured.err
    assert main(arguments) == 2
    assert main([*arguments, "--resume", "--overwrite"]) == 2


def test_quiet_prints_nothing_on_success(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*arguments, "-q"]) == 0
    assert capsys.readouterr() == ("", "")


def test_colour_exemplar_gives_a_warning(
    arguments: list[str], photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    colour = [str(photos / "a.png") if text.endswith("exemplar.png") else text for text in arguments]
    assert main(colour) == 0
    assert "Warning: " in capsys.readouterr().err


def test_dry_run_writes_nothing(
    arguments: list[str], photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--dry-run"]) == 0
    text = capsys.readouterr().out
    assert f"{photos / 'sub' / 'e.jpg'} -> {tmp_path / 'out' / 'sub' / 'e.png'}" in text
    assert "would convert 6, skip 0, fail 0" in text
    assert not (tmp_path / "out").exists()
    Image.fromarray(photograph()).save(photos / "a.tif")
    assert main([*arguments, "--dry-run"]) == 1
    assert main([*arguments[:3], "none.png", "--dry-run"]) == 2


def test_dry_run_of_a_resume(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*arguments, "-q"]) == 0
    (tmp_path / "out" / "d.png").unlink()
    assert main([*arguments, "--resume", "--dry-run"]) == 0
    text = capsys.readouterr().out
    assert "would convert 1, skip 5, fail 0" in text
    assert text.count("->") == 1
    assert not (tmp_path / "out" / "d.png").exists()


def test_verbose_prints_the_model(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*arguments, "-v"]) == 0
    assert "model histogram" in capsys.readouterr().err


def test_terminal_shows_rate_and_remaining_time(arguments: list[str], many: Path) -> None:
    outer, inner = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "ir_transfer", *arguments],
        stdout=subprocess.PIPE,
        stderr=inner,
        env={**os.environ, "COLUMNS": "100", "TERM": "xterm"},
    )
    os.close(inner)
    shown = b""
    while chunk := _read(outer):
        shown += chunk
    os.close(outer)
    assert process.wait(timeout=90) == 0
    assert b"/156" in shown
    assert b"images/s" in shown


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # the other end is closed
        return b""


def test_preview_writes_a_contact_sheet(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--preview"]) == 0
    assert f"preview: {tmp_path / 'out' / 'preview.png'}" in capsys.readouterr().out
    with Image.open(tmp_path / "out" / "preview.png") as sheet:
        assert sheet.width > 1400


def test_summary_line_is_printed_after_a_failed_preview(
    arguments: list[str], photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out" / "preview.png").mkdir(parents=True)
    assert main([*arguments, "--preview"]) == 1
    captured = capsys.readouterr()
    assert captured.out == f"converted 6, skipped 0, failed 0 into {tmp_path / 'out'} (see manifest.jsonl)\n"
    assert captured.err.startswith("Error: no preview: ")


def test_preview_omits_failed_images(arguments: list[str], photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    (photos / "a.png").write_bytes(b"damage")
    assert main([*arguments, "--overwrite", "--preview"]) == 1
    captured = capsys.readouterr()
    assert "preview.png\nconverted 5, skipped 0, failed 1" in captured.out
    assert captured.err.count("\n") == 1


def test_file_names_that_are_not_utf8_are_printed(arguments: list[str], photos: Path) -> None:
    (photos / "a.png").rename(photos / os.fsdecode(b"\xff.png"))
    done = subprocess.run(
        [sys.executable, "-m", "ir_transfer", *arguments, "--dry-run"],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8:strict"},
    )
    assert done.returncode == 0, done.stderr
    assert b"would convert 6" in done.stdout


def test_default_output_folder_and_command_are_recorded(arguments: list[str], photos: Path) -> None:
    assert main(arguments[:-2]) == 0
    header = json.loads((photos.with_name("photos_ir") / "manifest.jsonl").read_text().splitlines()[0])
    assert header["command"].startswith(f"ir-transfer convert {photos}")


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--model", "adian"], "did you mean 'adain'"),
        (["--model", "adain", "--style", "preset:nothing"], "preset"),
        (["--weights", "none.safetensors"], "none.safetensors"),
        (["--strength", "1.5"], "1.5"),
        (["--batch-size", "0"], "auto or a number"),
        (["--batch-size", "²"], "auto or a number"),
        (["--seed", "1" + "0" * 30], "--seed"),
        (["--style-weights", "1,2,3"], "--style-weights"),
        (["--device", "cuda:99"], "--device cpu"),
    ],
)
def test_option_errors_exit_with_2(
    arguments: list[str], extra: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    known = extra == ["--weights", "none.safetensors"]
    assert main([*arguments, *extra, *(["--model", "adain"] if known else [])]) == 2
    assert message in capsys.readouterr().err


def start(arguments: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "ir_transfer", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_lines(out: Path, count: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 200
    manifest = out / "manifest.jsonl"
    while not manifest.is_file() or manifest.read_bytes().count(b"\n") < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.mark.parametrize("after", [1, 30])
def test_resume_after_sigkill_gives_identical_files(
    arguments: list[str], many: Path, tmp_path: Path, after: int
) -> None:
    out = tmp_path / "out"
    process = start(arguments)
    wait_for_lines(out, after, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    done = len(entries(out))
    assert done < 156
    assert main([*arguments, "--resume"]) == 0
    undisturbed = tmp_path / "undisturbed"
    assert main([*arguments[:-1], str(undisturbed)]) == 0
    assert tree(out) == tree(undisturbed)
    assert entries(out) == entries(undisturbed)
    assert main([*arguments, "--resume"]) == 0
    assert entries(out) == entries(undisturbed)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_leaves_complete_files_and_a_valid_manifest(
    arguments: list[str], many: Path, tmp_path: Path, number: signal.Signals
) -> None:
    out = tmp_path / "out"
    process = start(arguments)
    wait_for_lines(out, 10, process)
    process.send_signal(number)
    _, errors = process.communicate(timeout=90)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert "--resume" in errors
    recorded = {json.loads(line)["output"] for line in entries(out)}
    assert recorded == set(tree(out))
    assert main([*arguments, "--resume"]) == 0
    assert len(tree(out)) == 156


def test_full_disk_is_a_one_line_error_and_the_run_resumes(arguments: list[str], photos: Path, tmp_path: Path) -> None:
    for seed in range(6):
        Image.fromarray(photograph(200, 260, seed)).save(photos / f"large{seed}.png")
    limited = (
        "import resource, sys; from ir_transfer.cli import main;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)); sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", limited, *arguments], capture_output=True, text=True, timeout=250, check=False
    )
    assert done.returncode == 1
    assert done.stdout == f"converted 6, skipped 0, failed 6 into {tmp_path / 'out'} (see manifest.jsonl)\n"
    assert "Traceback" not in done.stderr
    assert done.stderr.count("Error: ") == 6
    out = tmp_path / "out"
    assert len(tree(out)) == 6
    assert main([*arguments, "--resume"]) == 0
    assert len(tree(out)) == 12
