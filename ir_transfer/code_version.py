"""Version of the running code and, in a git checkout, its commit."""

import subprocess
from functools import cache
from pathlib import Path

from ir_transfer import __version__


@cache
def code_version() -> dict[str, str]:
    """Return ``version`` and, if the package is tracked in a git checkout, ``commit`` and ``dirty``.

    Example:
        >>> "version" in code_version()
        True
    """
    folder = Path(__file__).parent
    found = {"version": __version__}
    # An environment inside the checkout of another project is not tracked by it, and its commit is irrelevant.
    if _git(folder, "ls-files", "--error-unmatch", Path(__file__).name) and (
        commit := _git(folder, "rev-parse", "HEAD")
    ):
        found["commit"] = commit
        found["dirty"] = str(bool(_git(folder, "status", "--porcelain"))).lower()
    return found


def _git(folder: Path, *arguments: str) -> str:
    """Return the output of git; an empty string outside a checkout or without git."""
    try:
        found = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""
