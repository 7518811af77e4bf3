"""What a test cannot do without: it is skipped where that is missing, and fails where CI is set."""

from __future__ import annotations

import importlib
import os
from typing import Any, NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """Skip the test, or fail it where CI is set: there nobody reads which tests were skipped."""
    if os.environ.get("CI"):
        pytest.fail(f"{what}: CI is set, and this test must run there")
    pytest.skip(what, allow_module_level=True)


def needed(module: str, remedy: str) -> Any:
    """Return a module; see :func:`missing` for one that is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        missing(f"no {module}: {remedy}")
