"""Recognition of image files by their names, and a report of the files that are not read."""

import os
import unicodedata
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

JPEG_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".mpo"})
PNG_SUFFIXES = frozenset({".png", ".apng"})
BMP_SUFFIXES = frozenset({".bmp", ".dib"})
TIFF_SUFFIXES = frozenset({".tif", ".tiff", ".tf8", ".btf"})
"""The last two are those of BigTIFF."""
HEIF_SUFFIXES = frozenset({".heic", ".heif", ".hif", ".heics", ".heifs"})
RAW_SUFFIXES = frozenset(
    {".dng", ".cr2", ".cr3", ".nef", ".nrw", ".arw", ".raf", ".orf", ".rw2", ".pef", ".srw", ".3fr", ".iiq", ".rwl"}
)
_EXTRAS = {"heif": ("pillow_heif", HEIF_SUFFIXES), "raw": ("rawpy", RAW_SUFFIXES)}
_PLAIN = JPEG_SUFFIXES | PNG_SUFFIXES | BMP_SUFFIXES | TIFF_SUFFIXES | {".webp", ".avif", ".avifs"}
SUFFIXES = _PLAIN.union(*(suffixes for package, suffixes in _EXTRAS.values() if find_spec(package) is not None))
"""Suffixes of the image files that this installation reads."""

_UNREAD = frozenset(
    [
        *(".gif", ".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx", ".jxl", ".jxr", ".wdp", ".hdp", ".ppm", ".pgm"),
        *(".pbm", ".pnm", ".pfm", ".tga", ".exr", ".hdr", ".psd", ".pcx", ".ras", ".sgi", ".dds", ".qoi", ".ntf"),
        *(".nitf", ".vrt", ".crw", ".dcr", ".erf", ".kdc", ".mef", ".mos", ".mrw", ".sr2", ".srf", ".x3f", ".fff"),
    ]
)
"""Suffixes of images that no installation reads in a folder of a labelled set."""


def world_endings(suffix: str) -> tuple[str, ...]:
    """Return the suffixes of the world file of an image, which states its place.

    Example:
        >>> world_endings(".jpeg")
        ('.jgw', '.jpegw', '.wld')
    """
    named = (f"{suffix[:2]}{suffix[-1:]}w", f"{suffix}w") if len(suffix) > 2 else ()
    return *named, ".wld"


_SIDECARS = (
    *(".aux.xml", ".msk", ".ovr", ".prj"),
    *sorted({ending for suffix in (*SUFFIXES, *HEIF_SUFFIXES) for ending in world_endings(suffix)}),
)


def split_name(name: str) -> tuple[str, str]:
    """Return stem and suffix of a file name as ``pathlib`` does, but faster for many files."""
    dot = name.rfind(".")
    return (name[:dot], name[dot:]) if 0 < dot < len(name) - 1 else (name, "")


def is_image_name(path: Path) -> bool:
    """Return whether the file's suffix is that of an image this installation reads."""
    return path.suffix.lower() in SUFFIXES


def is_unread_name(path: Path) -> bool:
    """Return whether the file's suffix is that of an image that this installation does not read."""
    suffix = path.suffix.lower()
    return suffix not in SUFFIXES and suffix in _UNREAD | HEIF_SUFFIXES | RAW_SUFFIXES


def composed(name: str) -> str:
    """Return a name in Unicode's composed form (NFC), in which names are compared: macOS and archives decompose names.

    Files are opened and written under their original names.
    """
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def find_below(root: Path, place: PurePosixPath) -> Path | None:
    """Return the file or folder at a relative path in any Unicode form of its names; None if there is none."""
    found = root
    for part in place.parts:
        forms = (part, unicodedata.normalize("NFC", part), unicodedata.normalize("NFD", part))
        paths = (found / form for form in dict.fromkeys(forms))
        path = next((one for one in paths if os.path.exists(one)), None)  # noqa: PTH110  # false for too long a name
        if path is None:
            return None
        found = path
    return found


def is_sidecar_name(name: str) -> bool:
    """Return whether a file name is that of a sidecar of an image."""
    return name.lower().endswith(_SIDECARS)


def ignored_text(ignored: Mapping[str, int]) -> str:
    """Return a line on the files that were not read: counts by suffix, most frequent first, with the extra to install.

    Args:
        ignored: Number of files by suffix; the suffix is empty for names without one.
    """
    if not ignored:
        return ""
    ordered = sorted(ignored.items(), key=lambda item: (-item[1], item[0]))
    parts = [f"{count} {suffix or 'without a suffix'}{_remedy(suffix)}" for suffix, count in ordered]
    total = sum(ignored.values())
    return f"ignored {total} file{'' if total == 1 else 's'}: {', '.join(parts)}"


def _remedy(suffix: str) -> str:
    extra = next((name for name, (_, suffixes) in _EXTRAS.items() if suffix in suffixes), None)
    return "" if extra is None else f" (pip install 'ir-transfer[{extra}]')"
