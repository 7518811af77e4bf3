"""What is said of how an image was read: once for each folder and kind, since thousands of images may be alike."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

logger = logging.getLogger(__name__)

_NUMBERS = re.compile(r"[\d.,]*\d")
_QUOTED = re.compile(r"file \S+ ")
_WORLD_FILES = {
    ".png": (".pgw", ".pngw", ".wld"),
    ".jpg": (".jgw", ".jpgw", ".wld"),
    ".jpeg": (".jgw", ".jpegw", ".wld"),
    ".bmp": (".bpw", ".bmpw", ".wld"),
    ".webp": (".wld",),
}


def warn_once(notes: Iterable[str], source: Path) -> None:
    """Warn of the notes on a file; others of its folder with such a note are in the manifest alone."""
    for note in notes:
        names = _warned(str(source.parent), _QUOTED.sub("", _NUMBERS.sub("", note)))
        if not names:
            names.append(source.name)
            logger.warning("%s: %s; more of this in %s is in the manifest alone", source.name, note, source.parent)


@lru_cache(maxsize=1024)
def _warned(folder: str, kind: str) -> list[str]:
    """Return a list that is the same for a folder and a kind of note."""
    return []


def world_file(source: Path) -> Path | None:
    """Return the world file of an image that is no TIFF, if one lies beside it."""
    endings = _WORLD_FILES.get(source.suffix.lower(), ())
    paths = (source.with_suffix(ending) for ending in endings)
    # A name may be too long for another ending, which is no error here.
    return next((path for path in paths if os.path.isfile(path)), None)  # noqa: PTH113
