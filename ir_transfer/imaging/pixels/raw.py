"""Camera raw files, developed by LibRaw (extra ``raw``) to 16-bit sRGB with the camera's own white balance."""

import io
from typing import BinaryIO

import numpy as np

from ir_transfer.errors import DecodeError, MissingPackageError
from ir_transfer.imaging.pixels.stage import Meaning, Reading, Stored, check_size
from ir_transfer.imaging.pixels.tiff_tags import Directory, read_directories

_DNG_VERSION = 50706
_SRGB_CURVE = (2.4, 12.92)
_SWAPPED = 4  # bit of LibRaw's flip: rows become columns


def is_dng(data: bytes) -> bool:
    """Return whether a TIFF is a digital negative (DNG), whose first directory is a thumbnail."""
    try:
        return is_negative(read_directories(io.BytesIO(data), 1)[0])
    except DecodeError:
        return False


def is_negative(first: Directory) -> bool:
    """Return whether the first directory of a TIFF is that of a digital negative (DNG)."""
    return bool(first.data(_DNG_VERSION))


def upright_raw_size(file: BinaryIO) -> tuple[int, int]:
    """Return (height, width) of a camera raw file after development, without developing it; needs rawpy."""
    import rawpy

    with rawpy.imread(file) as raw:
        size = raw.sizes.iheight, raw.sizes.iwidth
        return size[::-1] if raw.sizes.flip & _SWAPPED else size


def develop(data: bytes, name: str, max_pixels: int) -> Stored:
    """Develop a camera raw file: demosaiced and upright, without automatic brightening, which would hide the exposure.

    Raises:
        MissingPackageError: rawpy is not installed.
        DecodeError: Too large, or LibRaw cannot read it.
    """
    try:
        import rawpy
    except ImportError:
        raise MissingPackageError(
            f"{name}: expected the package rawpy for camera raw files, found none: pip install 'ir-transfer[raw]'"
        ) from None
    try:
        with rawpy.imread(io.BytesIO(data)) as raw:
            check_size(raw.sizes.width, raw.sizes.height, name, max_pixels)
            rgb = raw.postprocess(use_camera_wb=True, no_auto_bright=True, output_bps=16, gamma=_SRGB_CURVE)
    except rawpy.LibRawError as error:
        raise DecodeError(f"{name}: expected a camera raw file that LibRaw reads, got: {error}: replace it") from error
    reading = Reading({"developed": f"LibRaw {'.'.join(map(str, rawpy.libraw_version))}"})
    return Stored(np.ascontiguousarray(rgb.transpose(2, 0, 1)), 65535.0, Meaning(), None, reading)
