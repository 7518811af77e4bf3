"""Places that a file from outside names below a folder, checked before anything is done with them."""

from __future__ import annotations

import os
from pathlib import Path

from ir_transfer.errors import InputError


def inside_path(folder: Path, place: str | os.PathLike[str]) -> Path:
    """Return the path of a place below a folder, links followed.

    Args:
        folder: May itself be a link.
        place: Relative, as a manifest or a list of hashes names it.

    Raises:
        InputError: It leads out of the folder, by ``..``, as an absolute path or through a link.
    """
    path = folder / place
    root = os.path.realpath(folder)
    try:
        real = os.path.realpath(path)
    except ValueError:  # a NUL
        real = ""
    if not real.startswith(root.rstrip(os.sep) + os.sep):
        raise InputError(
            f"expected a place inside of {folder}, got {str(place)!r}, which leads out of it: check the set"
        )
    return path
