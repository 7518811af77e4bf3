from __future__ import annotations

import numpy as np
import pytest

from ir_transfer.diagnosis import self_test
from ir_transfer.diagnosis.self_test import HEIGHT, WIDTH, check_conversion, fault


def test_converts_a_generated_image() -> None:
    (check,) = check_conversion("cpu")
    assert check.status == "ok", check.detail


def test_unavailable_device_fails() -> None:
    (check,) = check_conversion("cuda:99")
    assert check.status == "failed"
    assert "cuda:99" in check.detail


def test_finds_faults_in_results(monkeypatch: pytest.MonkeyPatch) -> None:
    good = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH)).astype(np.uint8)
    assert fault(good, good) is None
    assert "rows" in (fault(good[1:], good) or "")
    assert "contrast" in (fault(good * 0, good) or "")
    assert "differ" in (fault(good, good + 1) or "")
    monkeypatch.setattr(self_test, "_converted", lambda *given: good * 0)
    assert check_conversion("cpu")[0].status == "failed"
