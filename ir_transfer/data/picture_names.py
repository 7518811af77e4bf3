"""Which files are pictures, by their names."""

from __future__ import annotations

from pathlib import Path

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".jfif", ".tif", ".tiff", ".bmp", ".webp"})


def is_picture_name(path: Path) -> bool:
    """Return whether the file's suffix is that of a picture this package reads."""
    return path.suffix.lower() in SUFFIXES
