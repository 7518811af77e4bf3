"""A comparison shared by tests."""

from __future__ import annotations

import pytest

from ir_transfer.evaluation.comparison import Comparison
from tests.evaluation.compared_street import compared_street


@pytest.fixture(scope="package")
def street(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """Blurred ground truth and baselines on four rendered streets."""
    return compared_street(tmp_path_factory.mktemp("street") / "set")
