"""What a file itself says about its valid pixels: alpha, nodata, an internal mask, GDAL's sidecar."""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ir_transfer.data.image_decode import file_kind, upright

Mask = NDArray[np.bool_]

_OPAQUE = 128  # half of 8 bits: an edge that is softened counts on its inner side
_ORIENTATION = 274


def file_mask(path: Path, data: bytes) -> Mask | None:
    """Return which pixels of an upright picture are valid by the file's own word, (h, w); None if all are.

    Args:
        path: Where the file lies; ``NAME.msk`` beside it is its sidecar mask.
        data: The whole file, which can be decoded.
    """
    sidecar = path.with_name(f"{path.name}.msk")
    if os.path.isfile(sidecar):  # noqa: PTH113  # false for a name that is longer than the system allows
        return _none_if_all(_oriented(_sidecar_mask(sidecar), data))
    if file_kind(data) == "TIFF" or data[24:26] in {b"\x10\x04", b"\x10\x06"}:  # a PNG of 16 bits with alpha
        return _none_if_all(_oriented(_gdal_mask(data), data))
    with Image.open(io.BytesIO(data)) as image:
        if not (image.has_transparency_data):
            return None
        turned = ImageOps.exif_transpose(image)
        return _none_if_all(np.asarray(turned.convert("RGBA").getchannel("A")) >= _OPAQUE)


def _none_if_all(valid: Mask) -> Mask | None:
    return None if valid.all() else valid


def _oriented(valid: Mask, data: bytes) -> Mask:
    with Image.open(io.BytesIO(data)) as image:
        orientation = image.getexif().get(_ORIENTATION, 1)
    turned: Mask = upright(valid[None], orientation)[0]
    return turned


def _gdal_mask(data: bytes) -> Mask:
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.MemoryFile(data) as memory, memory.open() as source:
            return _valid(source)


def _valid(source: Any) -> Mask:
    """Return the mask of a dataset of GDAL: its own, that of alpha, or that of the nodata value."""
    opaque = 255 if source.dtypes[-1] == "uint8" else np.iinfo(np.uint16).max
    if source.count in {2, 4} and source.nodata is None and _has_alpha(source):
        alpha: Mask = source.read(source.count) >= opaque / 2
        return alpha
    mask: Mask = source.dataset_mask() >= _OPAQUE
    return mask


def _has_alpha(source: Any) -> bool:
    from rasterio.enums import ColorInterp

    return bool(source.colorinterp[-1] == ColorInterp.alpha)


def _sidecar_mask(path: Path) -> Mask:
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, driver="GTiff") as source:
            mask: Mask = source.read(1) > 0
            return mask
