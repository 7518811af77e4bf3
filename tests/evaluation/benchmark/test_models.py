"""Measurement of models, without checking the values."""

from __future__ import annotations

import re

import pytest

from ir_transfer.errors import InputError, IrTransferError
from ir_transfer.evaluation.benchmark.models import Candidate, Measurement, candidates, measure, peak_memory, speedups


def _without_durations(line: str) -> str:
    return re.sub(r"about [\d.]+ (s|min|h) ", "about N ", line)


def test_candidates_are_all_combinations_and_reference_networks() -> None:
    found = candidates(["adain", "adain:vgg19", "gray"], [64, 128], ["float32", "bfloat16"])
    assert len(found) == 2 * (3 * 2 + 1)
    assert [c.label for c in found[:7]] == [*["adain"] * 2, *["adain:vgg19"] * 2, *["gray"] * 2, "common adain"]
    with pytest.raises(InputError, match="float16"):
        candidates(["adain"], [64], ["float16"])


def test_measures_seconds_memory_and_parameters() -> None:
    asked = [Candidate("gray", side=64), Candidate("adain", side=64, precision="bfloat16")]
    lines: list[str] = []
    gray, adain = measure(asked, rounds=2, memory=False, on_step=lines.append)
    assert [_without_durations(line) for line in lines] == [
        "warming up 1 of 2: gray, 64 x 64, float32",
        "warming up 2 of 2: adain, 64 x 64, bfloat16",
        "warmed up: about N left for the rounds",
        "round 1 of 2: about N left for the rounds",
        "round 2 of 2",
    ]
    assert 0 < gray.fastest <= gray.seconds < adain.seconds
    assert (gray.parameters, adain.parameters > 1000) == (0, True)
    assert gray.peak_mb is None


def test_memory_measurement_reports_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ir_transfer.evaluation.benchmark.models.peak_memory", lambda candidate, threads: 100.0)
    lines: list[str] = []
    (gray, fda) = measure([Candidate("gray", side=64), Candidate("fda", side=64)], rounds=1, on_step=lines.append)
    assert (gray.peak_mb, fda.peak_mb) == (100.0, 100.0)
    assert [_without_durations(line) for line in lines[-2:]] == [
        "memory 1 of 2: gray, 64 x 64, float32: about N left for the memory",
        "memory 2 of 2: fda, 64 x 64, float32",
    ]


def test_memory_is_measured_in_a_fresh_process() -> None:
    assert 50 < peak_memory(Candidate("gray", side=64), threads=1) < 5000


def test_speedup_is_relative_to_the_reference_network_of_equal_size() -> None:
    found = [
        Measurement(Candidate("adain", side=64), 0.5, 0.5, None, 1),
        Measurement(Candidate("adain", common=True, side=64), 2.0, 2.0, None, 1),
        Measurement(Candidate("adain", side=128), 0.5, 0.5, None, 1),
    ]
    assert speedups(found) == [4.0, 1.0, None]


def test_failing_process_reports_its_error() -> None:
    with pytest.raises(IrTransferError, match=r"no-such.*unknown model"):
        peak_memory(Candidate("no-such"))
