from __future__ import annotations

from ir_transfer.diagnosis.check import Check, run_checks


def test_failing_group_is_a_failed_check_and_others_still_run() -> None:
    def broken() -> list[Check]:
        raise ImportError("libcuda.so.1:\n no such file")

    found = run_checks([("devices", broken), ("memory", lambda: [Check("memory", "ok", "1 GB")])])
    assert [(check.name, check.status) for check in found] == [("devices", "failed"), ("memory", "ok")]
    assert found[0].detail == "ImportError: libcuda.so.1: no such file"
