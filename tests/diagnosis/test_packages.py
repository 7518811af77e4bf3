from __future__ import annotations

from importlib import metadata

import pytest
from packaging.requirements import Requirement

from ir_transfer.diagnosis import packages


def test_versions_list_the_computing_packages() -> None:
    found = packages.versions()
    assert found["torch"] == metadata.version("torch")
    assert {"ir-transfer", "python", "system", "commit", "numpy"} <= found.keys()


def test_extras_exclude_dev() -> None:
    assert {"detect", "ray", "video"} <= set(packages.extras())
    assert "dev" not in packages.extras()
    assert [one.name for one in packages.requirements("video")] == ["av"]


def test_installed_wheel_reports_the_same_as_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    needed = ["torch>=2.9", "windows-only>=1; sys_platform == 'win32'", 'av>=18; extra == "video"']
    monkeypatch.setattr(packages, "_is_checkout", lambda: False)
    monkeypatch.setattr(metadata, "requires", lambda name: needed)
    assert [one.name for one in packages.requirements(None)] == ["torch"]
    assert [one.name for one in packages.requirements("video")] == ["av"]


@pytest.mark.parametrize(
    ("asked", "status", "detail"),
    [
        ("numpy>=2", "ok", metadata.version("numpy")),
        ("numpy>=99", "failed", "expected >=99"),
        ("no-such-package>=1", "failed", "not installed"),
    ],
)
def test_incompatible_package_version_fails(
    monkeypatch: pytest.MonkeyPatch, asked: str, status: str, detail: str
) -> None:
    monkeypatch.setattr(packages, "requirements", lambda extra: [Requirement(asked)])
    (check,) = packages.check_packages()
    assert check.status == status
    assert detail in check.detail
    assert (asked in check.remedy) == (status == "failed")


def test_missing_extra_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "extras", lambda: ["video"])
    monkeypatch.setattr(packages, "requirements", lambda extra: [Requirement("no-such-package")])
    (check,) = packages.check_extras()
    assert (check.status, check.detail) == ("note", "not installed: no-such-package")
