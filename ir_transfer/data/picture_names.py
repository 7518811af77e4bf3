"""Which files are pictures, by their names."""

from __future__ import annotations

import unicodedata
from pathlib import Path, PurePosixPath

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".jfif", ".tif", ".tiff", ".bmp", ".webp"})


def is_picture_name(path: Path) -> bool:
    """Return whether the file's suffix is that of a picture this package reads."""
    return path.suffix.lower() in SUFFIXES


def composed(name: str) -> str:
    """Return a name in the Unicode form by which names are compared: macOS and archives decompose what others compose.

    Names are compared in this form only; files are opened and written under the names that they have.
    """
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def find_below(root: Path, place: PurePosixPath) -> Path | None:
    """Return the file or folder at a place below a root, in any Unicode form of its names; None if there is none."""
    found = root
    for part in place.parts:
        forms = (part, unicodedata.normalize("NFC", part), unicodedata.normalize("NFD", part))
        path = next((found / form for form in dict.fromkeys(forms) if (found / form).exists()), None)
        if path is None:
            return None
        found = path
    return found
