"""Measurements of a folder conversion by the real command."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ir_transfer.errors import IrTransferError
from ir_transfer.evaluation.benchmark.folder import FolderRun, _watch, convert_folder


def test_converts_a_small_folder() -> None:
    run = convert_folder(2, "gray")
    assert run.images == 2
    assert run.peak_mb > 50
    assert run.seconds > 0


def test_failing_command_reports_its_error() -> None:
    with pytest.raises(IrTransferError, match="unknown model"):
        convert_folder(1, "grey")


def test_remaining_time_is_printed_at_each_tenth(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("ir_transfer.evaluation.benchmark.folder._INTERVAL", 0.02)
    slowly = (
        "import pathlib, time\n"
        "out = pathlib.Path('out'); out.mkdir()\n"
        "with (out / 'manifest.jsonl').open('w') as file:\n"
        "    for line in range(41):\n"
        "        if line: (out / f'{line}.png').touch()\n"
        "        print(line, file=file, flush=True); time.sleep(0.03)\n"
    )
    lines: list[str] = []
    _watch([sys.executable, "-c", slowly], tmp_path, 40, lines.append)
    done = [int(line.partition("(")[2].split()[0]) for line in lines]
    assert 2 <= len(lines) <= 9
    assert done == sorted(set(done))
    assert all(4 <= number < 40 for number in done)
    assert all(line.startswith("about ") and line.endswith(" of 40 done)") for line in lines)


def test_memory_growth_compares_the_end_with_the_middle() -> None:
    samples = tuple((float(i), 100.0 if i < 20 else 150.0 + i) for i in range(40))
    assert FolderRun(1, 40.0, samples, 200.0).growth_mb == pytest.approx(184.5 - 100)
    assert FolderRun(1, 1.0, samples[:3], 200.0).growth_mb == 0
