"""File kinds by their first bytes, the part of a file to read, and pixels without a value (nodata)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import UnidentifiedImageError


def holds_nodata(numbers: NDArray[Any], nodata: Sequence[float]) -> NDArray[np.bool_]:
    """Return which numbers (n, h, w) are the nodata value of their band.

    As in GDAL, a float32 file holds the nearest float of a value such as -3.4e38.
    """
    dtype = numbers.dtype
    same = [
        np.zeros(band.shape, np.bool_)
        if not (dtype.kind == "f" or _fits(value, dtype))
        else np.isnan(band)
        if np.isnan(value)
        else band == np.asarray(value).astype(dtype)
        for band, value in zip(numbers, nodata, strict=True)
    ]
    return np.stack(same)


def _fits(value: float, dtype: np.dtype[Any]) -> bool:
    limits = np.iinfo(dtype)
    return float(value).is_integer() and limits.min <= value <= limits.max


Levels = NDArray[np.uint8 | np.uint16 | np.float32]

_MAGIC = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
    b"II+\x00": "TIFF",  # BigTIFF
    b"MM\x00+": "TIFF",
    b"BM": "BMP",
    b"RIFF": "WEBP",
}
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"heif"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_NAME_IN_MEMORY = re.compile(r"\S*[0-9a-f]{8}-[0-9a-f]{4}-\S+\s*")


@dataclass(frozen=True)
class Wanted:
    """The part of a file to read.

    Attributes:
        page: Number of the page of a TIFF, or of the frame of an animation, from 1; the first of full size if None.
        bands: One or three bands of a TIFF; those that the file declares as red, green and blue if None.
        nodata: Number of invalid pixels of a TIFF; the one that the file declares if None.
        beside: Contents of its sidecar files by suffix: ``.msk`` and ``.aux.xml``.
        joint: Whether the bands are those of a registered pair: any number of them, and a pixel is valid only if none
            holds nodata.
    """

    page: int | None = None
    bands: Sequence[int] | None = None
    nodata: float | None = None
    beside: Mapping[str, bytes] = field(default_factory=dict)
    joint: bool = False


WHOLE = Wanted()


def file_kind(data: bytes) -> str | None:
    """Return the kind of image by its first bytes; None if unknown."""
    if data[4:8] == b"ftyp":
        brands = {data[8:12], *(data[i : i + 4] for i in range(16, min(int.from_bytes(data[:4], "big"), 64), 4))}
        return "AVIF" if brands & _AVIF_BRANDS else "HEIF" if brands & _HEIF_BRANDS else None
    kind = next((kind for magic, kind in _MAGIC.items() if data.startswith(magic)), None)
    return None if kind == "WEBP" and data[8:12] != b"WEBP" else kind


def decoder_message(error: Exception) -> str:
    """Return the message of a decoder without addresses and random names in memory, so that runs are reproducible."""
    if isinstance(error, UnidentifiedImageError):
        return "unreadable header"
    return _NAME_IN_MEMORY.sub("", str(error)) or type(error).__name__
