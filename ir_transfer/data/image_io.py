"""Picture files: reading with all bits, one-channel writing that appears whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ir_transfer.data.image_decode import WHOLE, Levels, Stored, Wanted, decode
from ir_transfer.data.picture_names import is_picture_name
from ir_transfer.data.pixels.exif import with_exif
from ir_transfer.data.pixels.stage import HALF_OPAQUE, Alpha, Meaning, Reading, composited, mean_colour
from ir_transfer.data.pixels.tiff_tags import NODATA
from ir_transfer.data.raster.levels import Asked, percentile_levels
from ir_transfer.data.raster.levels import Levels as Range
from ir_transfer.data.remote import is_remote, keeps_here, publish, stored_bytes
from ir_transfer.errors import DecodeError, EncodeError, InputError, IrTransferError, MissingFileError

Format = Literal["png", "tiff"]
BitDepth = Literal[8, 16]

OutputLevels = NDArray[np.uint8 | np.uint16]

OUTPUT_SUFFIX: dict[Format, str] = {"png": ".png", "tiff": ".tif"}
# Below Pillow's own warning; a picture of this size needs about 1 GB as float RGB.
MAX_PIXELS = 80_000_000
_NARROW_BITS = 14  # what infrared and machine cameras put into 16
_BYTES_PER_PIXEL = 16  # four float32 bands: an uncompressed file cannot need more
_SLACK = 1e-4  # rounding of whoever wrote a float picture
_SIDECARS = (".msk", ".aux.xml")
_OVERVIEW_SIDE = 1024
LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in the luma (Rec. ITU-R BT.601)."""


@dataclass(frozen=True)
class Picture:
    """A decoded picture, upright, in the file's own levels (compact while it waits).

    Attributes:
        levels: (1, H, W) gray or (3, H, W) sRGB; unsigned, or float32 in [0, 1].
        white: The level that stands for 1.0.
        sha256: Hash of the file.
        alpha: (H, W), 0 is transparent or invalid; None if all is opaque. What is transparent shows the mean colour
            of the opaque rest, so that it adds nothing of its own.
        reading: How the file was read.
    """

    levels: Levels
    white: float
    sha256: str
    alpha: Alpha | None = None
    reading: Reading = field(default_factory=Reading)

    @property
    def height(self) -> int:
        """Rows of the upright picture."""
        return int(self.levels.shape[1])

    @property
    def width(self) -> int:
        """Columns of the upright picture."""
        return int(self.levels.shape[2])

    @property
    def valid(self) -> NDArray[np.bool_] | None:
        """Pixels (H, W) that are at least half opaque; None if all are."""
        if self.alpha is None:
            return None
        found: NDArray[np.bool_] = self.alpha >= HALF_OPAQUE
        return None if found.all() else found

    @property
    def bit_depth(self) -> int:
        """Bits per channel in the file, rounded up to 8, 16 or 32 (float)."""
        return int(self.levels.dtype.itemsize * 8)

    @property
    def is_colour(self) -> bool:
        """Whether the file has colour channels that differ visibly (a gray JPEG often has three alike)."""
        if len(self.levels) == 1:
            return False
        spread = self.levels.max(axis=0) - self.levels.min(axis=0)
        return bool(spread.mean() > 0.01 * self.white)

    def rgb(self) -> NDArray[np.float32]:
        """Return the picture as float32 (3, H, W) in [0, 1]; gray is repeated."""
        unit = _to_unit(self.levels, self.white)
        return unit if len(unit) == 3 else np.repeat(unit, 3, axis=0)

    def gray(self) -> NDArray[np.float32]:
        """Return the picture as float32 (1, H, W) in [0, 1]; colour becomes luma (BT.601)."""
        unit = _to_unit(self.levels, self.white)
        if len(unit) == 1:
            return unit
        luma: NDArray[np.float32] = np.tensordot(np.array(LUMA, np.float32), unit, axes=1)[None]
        return np.clip(luma, 0, 1)


def _to_unit(levels: Levels, white: float) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = levels.astype(np.float32, copy=False)
    return unit if white == 1 else unit / np.float32(white)


def read_bytes(path: Path, max_pixels: int = MAX_PIXELS) -> bytes:
    """Return the whole file, unless it is larger than any picture of ``max_pixels`` can be.

    Raises:
        MissingFileError: No such file.
        DecodeError: It cannot be read, or is too large.
    """
    most = max_pixels * _BYTES_PER_PIXEL + 2**20
    try:
        if is_remote(path):
            data = stored_bytes(path, most)
            if len(data) <= most:
                return data
            raise DecodeError(f"{path}: expected at most {max_pixels} pixels, got more bytes: raise --max-pixels")
        size = path.stat().st_size
        if path.is_file() and size <= most:
            return path.read_bytes()
    except IrTransferError:
        raise
    except FileNotFoundError:
        raise MissingFileError(f"{path}: expected a picture file, found none: check the path") from None
    except OSError as error:
        raise DecodeError(
            f"{path}: expected a readable file, got: {error.strerror}: check the path and its permissions"
        ) from error
    if path.is_dir():
        raise DecodeError(f"{path}: expected a picture file, got a folder: check its permissions")
    if not path.is_file():
        raise DecodeError(f"{path}: expected a picture file, got something else: remove it from the input")
    raise DecodeError(
        f"{path}: expected at most {max_pixels} pixels, got a file of {size} bytes: raise --max-pixels if it is trusted"
    )


def decode_picture(
    data: bytes, name: str, max_pixels: int = MAX_PIXELS, asked: Asked = None, wanted: Wanted = WHOLE
) -> Picture:
    """Decode a picture from memory; its kind is told by its content, not by its name.

    Args:
        data: The whole file: PNG, JPEG, TIFF, BMP, WebP, AVIF or HEIC of 8 or 16 bit, or a float TIFF in [0, 1].
        name: How it is called in errors.
        max_pixels: Larger pictures are refused before they are decoded.
        asked: Numbers of the file that become 0 and 1, or ``"percentile"``; those of its container if None.
        wanted: Which part of the file.

    Raises:
        DecodeError: Not a picture, damaged, too large, or values that have no meaning in [0, 1].
        InputError: Levels that are no range, or a page or bands that the file does not have.
    """
    stored = decode(data, name, max_pixels, wanted)
    return shown(stored, name, hashlib.sha256(data).hexdigest(), asked)


def shown(stored: Stored, name: str, sha256: str = "", asked: Asked = None) -> Picture:
    """Return what stored numbers show: in sRGB, over the mean colour where they are transparent.

    Raises:
        DecodeError: Values that have no meaning in [0, 1], and no levels are asked for.
        InputError: Levels that are no range.
    """
    numbers, white, alpha = stored.numbers, stored.white, stored.alpha
    reading = Reading(dict(stored.reading.facts), list(stored.reading.notes), stored.reading.kept_exif)
    if alpha is not None and alpha.max() < HALF_OPAQUE:
        reading.notes.append("it is transparent everywhere: its transparency is ignored")
        alpha = None
    if asked is None:
        numbers = _checked(numbers, white, alpha, name)
    else:
        numbers, white = _stretched(stored, alpha, asked, name)
    levels = stored.meaning.to_srgb(numbers, white)
    if alpha is not None:
        levels = np.nan_to_num(levels, copy=False) if levels.dtype.kind == "f" else levels
        levels = composited(levels, alpha, mean_colour(levels, alpha >= HALF_OPAQUE))
        share = float((alpha < HALF_OPAQUE).mean())
        reading.facts["transparent"] = round(share, 4)
        reading.notes.append(f"{share:.1%} of it is transparent or invalid: this does not count, and shows its mean")
    return Picture(levels, white, sha256, alpha, reading)


def _checked(numbers: NDArray[Any], white: float, alpha: Alpha | None, name: str) -> NDArray[Any]:
    """Return numbers that have a meaning in their container."""
    if numbers.dtype.kind == "u" and white > 1:
        return numbers
    if numbers.dtype.kind != "f":
        raise DecodeError(
            f"{name}: expected unsigned levels of at most 16 bits or floats in [0, 1], got {numbers.dtype}: "
            "name the numbers for black and white with --levels LO,HI, or convert the file"
        )
    seen = numbers if alpha is None else numbers[:, alpha > 0]
    broken = int(np.count_nonzero(~np.isfinite(seen)))
    if broken:
        raise DecodeError(f"{name}: expected finite values in [0, 1], got {broken} that are NaN or infinite: fill them")
    low, high = float(seen.min()), float(seen.max())
    if low < -_SLACK or high > 1 + _SLACK:
        raise DecodeError(
            f"{name}: expected float values in [0, 1], got {low:.4g} to {high:.4g}: "
            "name the numbers for black and white with --levels LO,HI, or divide by the white level"
        )
    unit: NDArray[np.float32] = np.clip(np.nan_to_num(numbers), 0, 1).astype(np.float32)
    return unit


def _stretched(stored: Stored, alpha: Alpha | None, asked: Asked, name: str) -> tuple[NDArray[Any], float]:
    """Return numbers whose range fills the whole of their own type, and its white; of over 16 bits as floats."""
    numbers = stored.numbers
    if stored.meaning.kind != "plain":
        raise InputError(f"{name}: expected no --levels for inks or CIE Lab: leave it out, or convert the file to RGB")
    if asked == "percentile":
        few, seen = decimated(numbers), None if alpha is None else decimated(alpha[None])[0] >= HALF_OPAQUE
        found = percentile_levels(few if seen is None else few[:, seen])
    else:
        found = Range(*asked) if asked is not None else Range(0, stored.white)
    unit = found.unit(numbers)
    if numbers.dtype not in (np.uint8, np.uint16):
        return np.nan_to_num(unit), 1.0
    filled = to_levels(unit, 8 if numbers.dtype == np.uint8 else 16)
    return filled, float(np.iinfo(filled.dtype).max)


def decimated(numbers: NDArray[Any], most: int = _OVERVIEW_SIDE) -> NDArray[Any]:
    """Return numbers (n, H, W) reduced to ``most`` rows or columns as GDAL does, by leaving out pixels."""
    height, width = numbers.shape[1:]
    scale = max(max(height, width) / most, 1)
    rows, columns = (
        ((np.arange(max(1, round(side / scale))) + 0.5) * side / max(1, round(side / scale))).astype(int)
        for side in (height, width)
    )
    return numbers if scale == 1 else numbers[:, rows[:, None], columns]


def with_levels(picture: Picture, asked: Asked) -> Picture:
    """Return a picture whose numbers of a range fill the whole of their own type.

    Args:
        picture: In numbers that no file names, as frames of a video have them.
        asked: Those that become 0 and 1, or ``"percentile"``; None leaves the picture as it is.

    Raises:
        InputError: Levels that are no range.
    """
    if asked is None:
        return picture
    return shown(Stored(picture.levels, picture.white, Meaning(), picture.alpha), "frame", picture.sha256, asked)


def files_beside(path: Path) -> Mapping[str, bytes]:
    """Return GDAL's sidecars of a file, by their ending: a mask, and what it says of nodata."""
    if is_remote(path):
        return {}
    beside = {ending: path.with_name(path.name + ending) for ending in _SIDECARS}
    return {ending: file.read_bytes() for ending, file in beside.items() if file.is_file()}


def narrow_levels(picture: Picture) -> tuple[int, int] | None:
    """Return the range of a picture of at most 14 bits that lies in 16; None if its levels fill their container."""
    if picture.levels.dtype != np.uint16 or picture.white < 65535:
        return None
    bits = int(picture.levels.max()).bit_length()
    return (0, 2 ** max(bits, 8) - 1) if bits <= _NARROW_BITS else None


def read_picture(
    path: str | Path, max_pixels: int = MAX_PIXELS, asked: Asked = None, wanted: Wanted | None = None
) -> Picture:
    """Read a picture file with the mask that lies beside it; see :func:`decode_picture`.

    Raises:
        MissingFileError: No such file.
        DecodeError: Not a picture, damaged, too large, or values that have no meaning in [0, 1].
    """
    path = Path(path)
    data = read_bytes(path, max_pixels)
    wanted = Wanted(beside=files_beside(path)) if wanted is None else wanted
    return decode_picture(data, str(path), max_pixels, asked, wanted)


def to_levels(intensity: NDArray[np.float32], bit_depth: BitDepth = 8) -> OutputLevels:
    """Return the nearest levels of an intensity in [0, 1], of any shape.

    Raises:
        InputError: NaN or infinite values.
    """
    if not np.isfinite(intensity).all():
        raise InputError("expected finite intensities, got NaN or infinity: the weights do not fit this picture")
    dtype = np.uint8 if bit_depth == 8 else np.uint16
    # float64: a float32 cannot hold 65535 * x to half a level everywhere
    scaled = intensity.astype(np.float64)
    np.clip(scaled, 0, 1, out=scaled)
    scaled *= np.iinfo(dtype).max
    scaled += 0.5
    levels: OutputLevels = scaled.astype(dtype)  # rounds down
    return levels


def encode_gray(
    levels: OutputLevels,
    format: Format = "png",  # noqa: A002
    *,
    nodata: int | None = None,
    exif: bytes = b"",
) -> bytes:
    """Return one-channel levels (H, W) as the bytes of a PNG or TIFF file; the same levels give the same bytes.

    Args:
        levels: What to write.
        format: Kind of file.
        nodata: Level of pixels that are invalid: transparent in a PNG, nodata as GDAL has it in a TIFF.
        exif: Block of place and time that the file keeps.
    """
    file = io.BytesIO()
    image = Image.fromarray(levels)
    if format == "png":
        options: dict[str, Any] = {} if nodata is None else {"transparency": nodata}
        image.save(file, "PNG", compress_level=4, exif=exif or None, **options)
    else:
        tags = {} if nodata is None else {NODATA: str(nodata)}
        image.save(file, "TIFF", compression="tiff_deflate", tiffinfo=tags)
    data = file.getvalue()
    return with_exif(data, exif) if exif and format == "tiff" else data


def encode_png(image: Image.Image) -> bytes:
    """Return a picture for people to look at as the bytes of a PNG file."""
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def write_whole(path: Path, data: bytes) -> None:
    """Write a file under a temporary name in the same folder, then rename it: it appears whole or not at all.

    The temporary name is always the same, so that what a killed run left is replaced by the next one. It is short,
    since the file's own name may be as long as the system allows.

    Raises:
        EncodeError: The folder cannot be written, or the disk is full (``errno`` is kept).
    """
    publish(path, data)
    if not keeps_here(path):
        return
    if is_remote(path) and is_picture_name(path):
        data = b""
    temporary = path.with_name(f".{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError as error:
        _remove(temporary)
        raise _encode_error(path, error) from error
    except BaseException:
        _remove(temporary)
        raise


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # it never came to be: its folder is no folder


def _encode_error(path: Path, error: OSError) -> EncodeError:
    remedies = {
        errno.ENOSPC: "free some space",
        errno.EDQUOT: "free some space",
        errno.ENAMETOOLONG: "give the input a shorter name",
    }
    remedy = remedies.get(error.errno or 0, "choose another folder with -o")
    message = f"{path}: expected to write it, got: {error.strerror or error}: {remedy}"
    wrapped = EncodeError(message)
    wrapped.errno = error.errno
    return wrapped


def write_gray(
    path: str | Path,
    intensity: NDArray[np.float32],
    bit_depth: BitDepth = 8,
    format: Format = "png",  # noqa: A002
) -> str:
    """Write an intensity (H, W) in [0, 1] as a one-channel picture.

    Returns:
        The sha256 of the file.

    Raises:
        InputError: NaN or infinite values.
        EncodeError: The file cannot be written.
    """
    data = encode_gray(to_levels(intensity, bit_depth), format)
    write_whole(Path(path), data)
    return hashlib.sha256(data).hexdigest()
