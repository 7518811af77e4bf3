from __future__ import annotations

import pytest

from ir_transfer.cli.console import Eta


def test_remaining_time_is_printed_after_the_first_and_fifth_step(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    eta = Eta("scenes", lambda: now[0])
    eta.start(61)
    for number in range(6):
        now[0] += 20.0 if number == 0 else 10.0
        eta.step(f"scene{number}")
    lines = capsys.readouterr().err.splitlines()
    assert lines[1] == "about 20 min left (1 of 61 scenes took 20 s)"
    assert lines[6] == "about 11 min left (5 of 61 scenes took 60 s)"
    assert len(lines) == 8


def test_single_step_prints_no_remaining_time(capsys: pytest.CaptureFixture[str]) -> None:
    eta = Eta("scenes")
    eta.start(1)
    eta.step("a")
    assert capsys.readouterr().err == "  a\n"
