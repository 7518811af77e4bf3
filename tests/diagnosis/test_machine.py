from __future__ import annotations

from types import SimpleNamespace

import psutil
import pytest
import torch

from ir_transfer.diagnosis.packages import check_devices, check_memory


@pytest.mark.parametrize(("available", "status"), [(5 * 10**8, "failed"), (2 * 10**9, "ok")])
def test_memory_is_reported(monkeypatch: pytest.MonkeyPatch, available: int, status: str) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=available, total=4 * 10**9))
    monkeypatch.setattr(psutil, "disk_usage", lambda path: SimpleNamespace(free=available))
    assert [check.status for check in check_memory()] == [status, status]
    assert f"{available / 1e9:.1f} GB available of 4.0 GB" in check_memory()[0].detail


def test_missing_cuda_is_not_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert [check.status for check in check_devices()] == ["ok", "note"]


def test_every_cuda_device_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda index: (3 * 10**9, 8 * 10**9))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: f"GPU {index}")
    found = check_devices()[1:]
    assert [check.name for check in found] == ["cuda:0", "cuda:1"]
    assert found[1].detail.startswith("GPU 1, 3.0 GB free of 8.0 GB")
