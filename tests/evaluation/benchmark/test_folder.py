"""A rendered folder goes through the real command."""

from __future__ import annotations

import pytest

from ir_transfer.errors import IrTransferError
from ir_transfer.evaluation.benchmark.folder import FolderRun, convert_folder


def test_converts_a_small_folder() -> None:
    run = convert_folder(2, "gray")
    assert run.images == 2
    assert run.peak_mb > 50
    assert run.seconds > 0


def test_a_command_that_fails_says_why() -> None:
    with pytest.raises(IrTransferError, match="unknown model"):
        convert_folder(1, "grey")


def test_growth_compares_the_end_with_the_middle() -> None:
    samples = tuple((float(i), 100.0 if i < 20 else 150.0 + i) for i in range(40))
    assert FolderRun(1, 40.0, samples, 200.0).growth_mb == pytest.approx(184.5 - 100)
    assert FolderRun(1, 1.0, samples[:3], 200.0).growth_mb == 0
