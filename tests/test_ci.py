from __future__ import annotations

import pytest

from tests.ci import missing, needed


def test_what_is_missing_is_skipped_here_and_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no such thing"):
        missing("no such thing")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="must run there"):
        missing("no such thing")
    with pytest.raises(pytest.fail.Exception, match="no ir_transfer_without: install it"):
        needed("ir_transfer_without", "install it")
    assert needed("json", "install it").loads("1") == 1
