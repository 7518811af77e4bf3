"""Paths from manifests and lists of hashes, checked to be inside a folder before they are used."""

import os
from pathlib import Path

from ir_transfer.errors import InputError


def inside_path(folder: Path, place: str | os.PathLike[str]) -> Path:
    """Return ``folder / place`` if it is inside the folder after resolving links.

    Args:
        folder: The folder, which may be a link.
        place: A relative path from a manifest or a list of hashes.

    Raises:
        InputError: It is outside the folder, by ``..``, as an absolute path or through a link.
    """
    path = folder / place
    root = os.path.realpath(folder)
    try:
        real = os.path.realpath(path)
    except ValueError:  # a NUL
        real = ""
    if not real.startswith(root.rstrip(os.sep) + os.sep):
        raise InputError(
            f"expected a path inside {folder}, got {str(place)!r}, which is outside of it: check the data set"
        )
    return path
