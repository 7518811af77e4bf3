from __future__ import annotations

import pytest

from tests.ci import missing, needed


def test_missing_dependencies_skip_tests_locally_and_fail_them_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no such thing"):
        missing("no such thing")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="must run there"):
        missing("no such thing")
    with pytest.raises(pytest.fail.Exception, match="no ir_transfer_without: install it"):
        needed("ir_transfer_without", "install it")
    assert needed("json", "install it").loads("1") == 1
