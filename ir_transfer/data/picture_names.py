"""Which files are pictures, by their names."""

from __future__ import annotations

import unicodedata
from pathlib import Path

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".jfif", ".tif", ".tiff", ".bmp", ".webp"})


def is_picture_name(path: Path) -> bool:
    """Return whether the file's suffix is that of a picture this package reads."""
    return path.suffix.lower() in SUFFIXES


def composed(name: str) -> str:
    """Return a name in the Unicode form by which names are compared: macOS and archives decompose what others compose.

    Names are compared in this form only; files are opened and written under the names that they have.
    """
    return name if name.isascii() else unicodedata.normalize("NFC", name)
