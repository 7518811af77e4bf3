"""Requirements of tests: a test whose requirement is missing is skipped locally and fails if CI is set."""

from __future__ import annotations

import importlib
import os
from typing import Any, NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """Skip the test, or fail it if CI is set, where skipped tests would go unnoticed."""
    if os.environ.get("CI"):
        pytest.fail(f"{what}: CI is set, and this test must run there")
    pytest.skip(what, allow_module_level=True)


def needed(module: str, remedy: str) -> Any:
    """Return a module; see :func:`missing` for one that is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        missing(f"no {module}: {remedy}")
