"""Decodes files other than TIFF: PNG, JPEG, BMP, WebP, AVIF, HEIC and camera raw."""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ir_transfer.errors import DecodeError
from ir_transfer.imaging.pixels.colour import (
    Declared,
    from_coding_points,
    from_exif,
    from_gamma,
    from_profile,
    precision_notes,
    uncalibrated,
)
from ir_transfer.imaging.pixels.containers import (
    Container,
    eight_bits_note,
    open_avif,
    open_bmp,
    open_png,
    xmp_orientation,
)
from ir_transfer.imaging.pixels.curves import CLOSE_PRIMARIES, SRGB
from ir_transfer.imaging.pixels.exif import EXIF_HEADER, read_exif
from ir_transfer.imaging.pixels.jpeg import open_jpeg
from ir_transfer.imaging.pixels.kinds import Wanted
from ir_transfer.imaging.pixels.pages import page_notes
from ir_transfer.imaging.pixels.raw import develop
from ir_transfer.imaging.pixels.stage import Alpha, Meaning, Reading, Stored, check_size, upright
from ir_transfer.imaging.pixels.webp import open_webp
from ir_transfer.imaging.raster.references import rasterio_module

OPENED = frozenset({"PNG", "JPEG", "WEBP"})
"""Kinds of files whose metadata this package reads itself."""
_OPENERS = {"PNG": open_png, "JPEG": open_jpeg, "WEBP": open_webp, "AVIF": open_avif, "BMP": open_bmp}

_PILLOW_LOCK = threading.Lock()
_GRAY_MODES = frozenset({"1", "L", "LA", "La"})
_WIDE_MODES = frozenset({"I;16", "I;16B", "I;16L", "I;16N"})


def decode_plain(data: bytes, kind: str, name: str, max_pixels: int, wanted: Wanted) -> Stored:
    """Decode a file other than TIFF."""
    if kind == "camera raw":
        return develop(data, name, max_pixels)
    container = _OPENERS.get(kind, Container)(data)
    # The container's copy of a PNG or JPEG holds the first image only.
    data = data if (wanted.page or 1) > 1 and kind != "WEBP" else container.data
    if kind == "PNG" and container.data[24:25] == b"\x10":
        numbers, alpha, white = _read_wide_png(container.data, name, max_pixels)
    else:
        with open_image(io.BytesIO(data), kind, name, max_pixels) as image:
            if kind not in OPENED:
                complete_container(container, image)
            seek_image(image, wanted.page, container.images, name)
            check_size(image.width, image.height, name, max_pixels)
            if kind == "PNG" and image.mode == "L" and "transparency" in image.info:
                # Pillow scales gray of 2 and 4 bits to 8, but not the level that is transparent.
                image.info["transparency"] *= 255 // (2 ** container.data[24] - 1)
            numbers, alpha, white = _pixels(image)
    exif = read_exif(container.exif)
    orientation = container.orientation
    reading = Reading(kept_exif=exif.kept, notes=container.notes)
    reading.notes += page_notes(wanted.page or 1, container.images, wanted.page, "images")
    if container.images > 1:
        reading.facts |= {"page": wanted.page or 1, "pages": container.images}
    declared = declared_space(container, len(numbers))
    reading.notes += [declared.note] if declared.note else []
    reading.notes += precision_notes(declared.space, numbers.dtype)
    if declared.space is not None:
        reading.facts["profile"] = declared.space.name
    if orientation != 1:
        reading.facts["orientation"] = orientation
    meaning = Meaning("inks" if len(numbers) == 4 else "plain", space=declared.space)
    turned = None if alpha is None else upright(alpha[None], orientation)[0]
    return Stored(upright(numbers, orientation), white, meaning, turned, reading)


def declared_space(container: Container, bands: int) -> Declared:
    """Return the colour space that a file declares, in the order of precedence of the PNG specification.

    Args:
        container: Metadata of the file.
        bands: Colour bands, 1, 3 or 4.
    """
    if container.coding_points is not None and bands != 4:
        return from_coding_points(*container.coding_points, bands)
    if container.profile:
        return from_profile(container.profile, bands)
    if container.says_srgb:
        return Declared()
    if container.gamma is not None and bands != 4:
        return from_gamma(container.gamma, container.chromaticities, bands)
    exif = read_exif(container.exif)
    if container.chromaticities is not None and not np.allclose(container.chromaticities, SRGB, atol=CLOSE_PRIMARIES):
        return Declared(note="its primaries are not applied, since it declares no gamma: treated as sRGB")
    if exif.is_uncalibrated:
        return uncalibrated()
    return from_exif(exif.is_adobe_rgb and bands == 3)


def open_image(file: BinaryIO, kind: str, name: str, max_pixels: int) -> Image.Image:
    """Open an image by the decoder of its kind only; its pixels are not decoded yet.

    Args:
        file: Open at its beginning; keep it open while the image is in use.
        kind: Result of :func:`~ir_transfer.imaging.pixels.kinds.file_kind`.
        name: Name in errors.
        max_pixels: Images with more pixels are refused.

    Raises:
        DecodeError: Too large, or a package is missing.
        OSError: Not an image of this kind.
    """
    if kind == "HEIF":
        _register_heif(name)
    formats = ["JPEG", "MPO"] if kind == "JPEG" else [kind]
    try:
        with _pillow_limit(max_pixels):
            image = Image.open(file, formats=formats)
    except Image.DecompressionBombError:
        raise DecodeError(
            f"{name}: expected at most {max_pixels} pixels, got many more: raise --max-pixels if the file is trusted"
        ) from None
    check_size(image.width, image.height, name, max_pixels)
    return image


@contextmanager
def _pillow_limit(max_pixels: int) -> Iterator[None]:
    """Raise Pillow's limit, which is global, to that of one call while a header is read."""
    with _PILLOW_LOCK:
        before = Image.MAX_IMAGE_PIXELS
        if before is not None:
            Image.MAX_IMAGE_PIXELS = max(before, max_pixels)
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


@cache
def _heif_is_there() -> bool:
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return False
    register_heif_opener()
    return True


def _register_heif(name: str) -> None:
    if not _heif_is_there():
        raise DecodeError(f"{name}: expected the package pillow-heif for HEIC: pip install 'ir-transfer[heif]'")


def complete_container(container: Container, image: Image.Image) -> None:
    """Add the metadata that Pillow reads from a file not of the kinds in ``OPENED``."""
    container.profile = bytes(image.info.get("icc_profile") or container.profile)
    container.images = int(getattr(image, "n_frames", 1))
    container.exif = bytes(image.info.get("exif") or b"").removeprefix(EXIF_HEADER)
    container.xmp_orientation = xmp_orientation(bytes(image.info.get("xmp") or b""))
    nclx = image.info.get("nclx_profile")
    if nclx:
        container.coding_points = int(nclx["color_primaries"]), int(nclx["transfer_characteristics"])
    if container.profile:
        container.coding_points = None
    if (bits := image.info.get("bit_depth", 8)) > 8:
        container.notes.append(eight_bits_note(bits))


def seek_image(image: Image.Image, page: int | None, images: int, name: str) -> None:
    """Select one of the images of an open file by its number, from 1; the first if None.

    Raises:
        DecodeError: There is no image of this number.
    """
    if page is None:
        return
    if not 1 <= page <= images:
        raise DecodeError(f"{name}: expected --page of 1 to {images}, got {page}")
    image.seek(page - 1)


def _pixels(image: Image.Image) -> tuple[NDArray[Any], Alpha | None, float]:
    """Return numbers (1, 3 or 4, H, W), alpha (H, W) or None, and the number for white of an open image."""
    if image.mode in _WIDE_MODES:
        return np.asarray(image)[None].astype(np.uint16), None, 65535.0
    if image.mode == "CMYK":
        return np.asarray(image).transpose(2, 0, 1), None, 255.0
    is_gray = image.mode in _GRAY_MODES
    alpha: Alpha | None = None
    if image.has_transparency_data:
        # The conversion divides premultiplied modes by their alpha.
        image = _in_mode(image, "LA" if is_gray and "transparency" not in image.info else "RGBA")
        alpha = np.asarray(image.getchannel("A"))
        alpha = None if alpha.min() == 255 else alpha
        image = image.getchannel(0) if is_gray else image.convert("RGB")
    levels = np.asarray(_in_mode(image, "L" if is_gray else "RGB"))
    # A transposed view keeps the pixels interleaved: channels_last in torch.
    return (levels[None] if is_gray else levels.transpose(2, 0, 1)), alpha, 255.0


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    """Return an image in a mode, without the copy that Pillow makes of one in this mode."""
    return image if image.mode == mode else image.convert(mode)


def _read_wide_png(data: bytes, name: str, max_pixels: int) -> tuple[NDArray[Any], Alpha | None, float]:
    with rasterio_module().MemoryFile(data) as memory, memory.open(driver="PNG") as source:
        check_size(source.width, source.height, name, max_pixels)
        bands: NDArray[Any] = source.read()
        nodata = source.nodatavals[: len(bands)]
    alpha: Alpha | None = None
    if len(bands) in {2, 4}:
        alpha = (bands[-1] >> 8).astype(np.uint8)
        bands = bands[:-1]
    elif all(value is not None for value in nodata):  # the chunk tRNS
        hidden = np.all([band == value for band, value in zip(bands, nodata, strict=True)], axis=0)
        alpha = np.where(hidden, 0, 255).astype(np.uint8)
    return bands, alpha, 65535.0
