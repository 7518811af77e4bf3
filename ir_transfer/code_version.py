"""Which code runs: the version and, in a checkout, its commit."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

from ir_transfer import __version__


@cache
def code_version() -> dict[str, str]:
    """Return ``version`` and, if the package lies in a git checkout of its own, ``commit`` and ``dirty``.

    Example:
        >>> "version" in code_version()
        True
    """
    folder = Path(__file__).parent
    found = {"version": __version__}
    # site-packages below another project's checkout is ignored there, and that project's commit says nothing.
    if _git(folder, "ls-files", "--error-unmatch", Path(__file__).name) and (
        commit := _git(folder, "rev-parse", "HEAD")
    ):
        found["commit"] = commit
        found["dirty"] = str(bool(_git(folder, "status", "--porcelain"))).lower()
    return found


def _git(folder: Path, *arguments: str) -> str:
    """Return what git prints; nothing outside of a checkout or without git."""
    try:
        found = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""
