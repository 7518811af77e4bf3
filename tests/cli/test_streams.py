"""Closed and broken standard streams: output is lost, but the run is completed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ir_transfer.cli.process import escape_controls


@pytest.mark.parametrize("redirection", ["2>&-", ">&- 2>&-", "<&- >&- 2>&-", "2>/dev/full", "2> >(exec true)"])
def test_closed_stderr_does_not_affect_the_run(redirection: str, photos: Path, exemplar: Path, tmp_path: Path) -> None:
    (photos / "damaged.png").write_bytes(b"no image")
    command = f'sleep 0.2; exec "$@" {redirection}'
    arguments = [sys.executable, "-m", "ir_transfer", "convert", str(photos), "--style", str(exemplar)]
    arguments += ["--model", "histogram", "--threads", "1", "-v", "-o", str(tmp_path / "out")]
    done = subprocess.run(["bash", "-c", command, "bash", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done
    lines = [json.loads(line) for line in (tmp_path / "out/manifest.jsonl").read_text().splitlines()]
    assert [line["status"] for line in lines[1:]].count("converted") == 6
    if ">&- 2" not in redirection:
        assert "converted 6, skipped 0, failed 1" in done.stdout


def test_control_characters_in_names_are_escaped() -> None:
    assert escape_controls("a\nb\tc\x1b[0m \u2028 é\udcdf") == "a\\nb\\tc\\x1b[0m \\u2028 é\\udcdf"
