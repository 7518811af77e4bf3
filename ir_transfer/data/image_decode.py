"""Bytes of an image file to its stored numbers and their meaning: Pillow where 8 bits are all there is, else GDAL."""

from __future__ import annotations

import io
import logging
import re
import threading
import uuid
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from ir_transfer.data.picture_names import RAW_SUFFIXES
from ir_transfer.data.pixels.colour import (
    Declared,
    from_coding_points,
    from_exif,
    from_gamma,
    from_profile,
    precision_notes,
)
from ir_transfer.data.pixels.containers import Container, open_jpeg, open_png
from ir_transfer.data.pixels.exif import read_exif
from ir_transfer.data.pixels.pages import page_notes
from ir_transfer.data.pixels.raw import develop, is_dng
from ir_transfer.data.pixels.stage import Alpha, Meaning, Reading, Stored, check_size, upright
from ir_transfer.errors import DecodeError, ForeignReferenceError, InputError, IrTransferError

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
_PILLOW_LOCK = threading.Lock()
_GRAY_MODES = frozenset({"1", "L", "LA", "La"})
_WIDE_MODES = frozenset({"I;16", "I;16B", "I;16L", "I;16N"})


@dataclass(frozen=True)
class Wanted:
    """Which part of a file is read.

    Attributes:
        page: Number of the page of a TIFF, or of the image of an animation, from 1; the first of full size if None.
        bands: One or three bands of a TIFF; by what the file says of them if None.
        nodata: Number of invalid pixels of a TIFF; the one that the file declares if None.
        beside: Files that lie beside it, by ending: ``.msk`` and ``.aux.xml``.
    """

    page: int | None = None
    bands: Sequence[int] | None = None
    nodata: float | None = None
    beside: Mapping[str, bytes] = field(default_factory=dict)


WHOLE = Wanted()


def file_kind(data: bytes) -> str | None:
    """Return the kind of image that the first bytes announce, whatever the file is called; None if unknown."""
    if data[4:8] == b"ftyp":
        brands = {data[8:12], *(data[i : i + 4] for i in range(16, min(int.from_bytes(data[:4], "big"), 64), 4))}
        return "AVIF" if brands & _AVIF_BRANDS else "HEIF" if brands & _HEIF_BRANDS else None
    kind = next((kind for magic, kind in _MAGIC.items() if data.startswith(magic)), None)
    return None if kind == "WEBP" and data[8:12] != b"WEBP" else kind


def decode(data: bytes, name: str, max_pixels: int, wanted: Wanted = WHOLE) -> Stored:
    """Decode an image, upright, with all its bits.

    Args:
        data: The whole file.
        name: How the file is called in errors.
        max_pixels: Larger images are refused before their pixels are decoded.
        wanted: Which part of it.

    Raises:
        DecodeError: Not an image, damaged, or too large.
        InputError: A page or bands that the file does not have.
    """
    kind = file_kind(data)
    if Path(name).suffix.lower() in RAW_SUFFIXES or (kind == "TIFF" and is_dng(data)):
        kind = "camera raw"
    if kind is None:
        found = f"one that starts with {data[:8]!r}" if data else "zero bytes"
        raise DecodeError(
            f"{name}: expected a PNG, JPEG, TIFF, BMP, WebP, AVIF or HEIC image, got {found}: replace or remove it"
        )
    _check_mask(wanted, name)
    try:
        if kind != "TIFF" and (wanted.bands is not None or wanted.nodata is not None):
            asked = "--bands" if wanted.bands is not None else "--nodata"
            raise DecodeError(f"{name}: expected a TIFF for {asked}, got {kind}: leave it out, or convert the image")
        stored = (
            _decode_tiff(data, name, max_pixels, wanted)
            if kind == "TIFF"
            else _decode_plain(data, kind, name, max_pixels, wanted)
        )
    except IrTransferError as error:
        if str(error).startswith(f"{name}:"):
            raise
        if isinstance(error, InputError):
            raise InputError(f"{name}: {error}") from error
        raise DecodeError(
            f"{name}: expected a whole {kind} picture, got a damaged one ({error}): replace it"
        ) from error
    except MemoryError as error:
        raise DecodeError(
            f"{name}: expected enough memory to decode it, got too little: use a smaller picture"
        ) from error
    except Exception as error:  # damaged bytes make decoders raise nearly anything
        raise DecodeError(
            f"{name}: expected a whole {kind} picture, got a damaged one ({_reason(error)}): replace it"
        ) from error
    return _masked(stored, wanted, name, max_pixels)


def _reason(error: Exception) -> str:
    """Return what a decoder says, without the address or the random name of the file in memory: runs must agree."""
    if isinstance(error, UnidentifiedImageError):
        return "unreadable header"
    return _NAME_IN_MEMORY.sub("", str(error)) or type(error).__name__


def _decode_plain(data: bytes, kind: str, name: str, max_pixels: int, wanted: Wanted) -> Stored:
    """Decode all that is no TIFF."""
    if kind == "camera raw":
        return develop(data, name, max_pixels)
    container = {"PNG": open_png, "JPEG": open_jpeg}.get(kind, Container)(data)
    # Further images of a file lie in what a container leaves out.
    data = data if (wanted.page or 1) > 1 else container.data
    if kind == "PNG" and container.data[24:25] == b"\x10":
        numbers, alpha, white = _read_wide_png(container.data, name, max_pixels)
    else:
        with open_image(io.BytesIO(data), kind, name, max_pixels) as image:
            if kind not in {"PNG", "JPEG"}:
                complete_container(container, image)
            seek_image(image, wanted.page, container.images, name)
            check_size(image.width, image.height, name, max_pixels)
            numbers, alpha, white = _pixels(image)
    exif = read_exif(container.exif)
    orientation = container.orientation
    reading = Reading(kept_exif=exif.kept, notes=container.notes)
    reading.notes += page_notes(wanted.page or 1, container.images, wanted.page, "images")
    if container.images > 1:
        reading.facts |= {"page": wanted.page or 1, "pages": container.images}
    declared = _declared(container, exif.is_adobe_rgb, len(numbers))
    reading.notes += [declared.note] if declared.note else []
    reading.notes += precision_notes(declared.space, numbers.dtype)
    if exif.is_uncalibrated and declared.space is None and not container.profile:
        reading.notes.append("its EXIF says that its colours are uncalibrated: taken as sRGB")
    if declared.space is not None:
        reading.facts["profile"] = declared.space.name
    if orientation != 1:
        reading.facts["orientation"] = orientation
    meaning = Meaning("inks" if len(numbers) == 4 else "plain", space=declared.space)
    turned = None if alpha is None else upright(alpha[None], orientation)[0]
    return Stored(upright(numbers, orientation), white, meaning, turned, reading)


def _declared(container: Container, is_adobe_rgb: bool, bands: int) -> Declared:
    """Return the colour space of a file; what is more exact goes first, as the PNG specification has it."""
    if container.coding_points is not None and bands != 4:
        return from_coding_points(*container.coding_points, bands)
    if container.profile:
        return from_profile(container.profile, bands)
    if container.says_srgb:
        return Declared()
    if container.gamma is not None and bands != 4:
        return from_gamma(container.gamma, container.chromaticities, bands)
    return from_exif(is_adobe_rgb and bands == 3)


def open_image(file: BinaryIO, kind: str, name: str, max_pixels: int) -> Image.Image:
    """Open an image by the decoder of its kind alone; its pixels are not decoded yet.

    Args:
        file: Open at its beginning, as long as the image is in use.
        kind: As :func:`file_kind` names it.
        name: How the file is called in errors.
        max_pixels: Larger images are refused.

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
            f"{name}: expected at most {max_pixels} pixels, got far more: raise --max-pixels if the file is trusted"
        ) from None
    check_size(image.width, image.height, name, max_pixels)
    return image


@contextmanager
def _pillow_limit(max_pixels: int) -> Iterator[None]:
    """Raise Pillow's own limit, which is the process's, to that of one call while a header is read."""
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
    """Take from Pillow what a file of another kind than PNG and JPEG says."""
    container.profile = bytes(image.info.get("icc_profile") or b"")
    container.images = int(getattr(image, "n_frames", 1))
    try:
        container.exif = image.getexif().tobytes().removeprefix(b"Exif\0\0") if image.info.get("exif") else b""
    except Exception as error:  # metadata never makes an image damaged, and Pillow raises nearly anything for it
        container.notes.append(f"its EXIF is damaged ({_reason(error)}): left out")
    nclx = image.info.get("nclx_profile")
    if nclx and not container.profile:
        container.coding_points = int(nclx["color_primaries"]), int(nclx["transfer_characteristics"])


def seek_image(image: Image.Image, page: int | None, images: int, name: str) -> None:
    """Go to one of the images of an open file, from 1; to the first if None.

    Raises:
        DecodeError: There is no image of this number.
    """
    if page is None:
        return
    if not 1 <= page <= images:
        raise DecodeError(f"{name}: expected --page of 1 to {images}, got {page}")
    image.seek(page - 1)


def _pixels(image: Image.Image) -> tuple[NDArray[Any], Alpha | None, float]:
    """Return numbers (1, 3 or 4, H, W), alpha (H, W) and white of an open image."""
    if image.mode in _WIDE_MODES:
        return np.asarray(image)[None].astype(np.uint16), None, 65535.0
    if image.mode == "CMYK":
        return np.asarray(image).transpose(2, 0, 1), None, 255.0
    is_gray = image.mode in _GRAY_MODES
    alpha: Alpha | None = None
    if image.has_transparency_data:
        # Premultiplied modes are divided by their alpha on the way.
        image = _in_mode(image, "LA" if is_gray and "transparency" not in image.info else "RGBA")
        alpha = np.asarray(image.getchannel("A"))
        alpha = None if alpha.min() == 255 else alpha
        image = image.getchannel(0) if is_gray else image.convert("RGB")
    levels = np.asarray(_in_mode(image, "L" if is_gray else "RGB"))
    # A transposed view keeps the pixels interleaved, which is channels_last to torch.
    return (levels[None] if is_gray else levels.transpose(2, 0, 1)), alpha, 255.0


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    """Return an image in a mode; Pillow copies one that has it already."""
    return image if image.mode == mode else image.convert(mode)


def _read_wide_png(data: bytes, name: str, max_pixels: int) -> tuple[NDArray[Any], Alpha | None, float]:
    with _rasterio().MemoryFile(data) as memory, memory.open(driver="PNG") as source:
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


def _decode_tiff(data: bytes, name: str, max_pixels: int, wanted: Wanted) -> Stored:
    # rasterio takes a tenth of a second to import, which commands without a TIFF are spared
    from ir_transfer.data.pixels.tiff import TiffImage, page_of
    from ir_transfer.data.raster.gdal import hides_numbers
    from ir_transfer.data.raster.references import check_overview_file

    page = page_of(io.BytesIO(data), wanted.page, name)
    with ExitStack() as stack:
        folder = uuid.uuid4().hex
        for ending, content in wanted.beside.items():
            stack.enter_context(_rasterio().MemoryFile(content, dirname=folder, filename=f"image.tif{ending}"))
        memory = stack.enter_context(_rasterio().MemoryFile(data, dirname=folder, filename="image.tif"))
        path = f"GTIFF_DIR:{page.index + 1}:{memory.name}" if page.index else memory.name
        source = stack.enter_context(_rasterio().open(path, driver="GTiff"))
        if hides_numbers(source):
            source = stack.enter_context(_rasterio().open(f"GTIFF_RAW:{path}", driver="GTiff"))
        check_overview_file(name, source.tags(ns="OVERVIEWS").get("OVERVIEW_FILE"))
        check_size(source.width, source.height, name, max_pixels)
        image = TiffImage(source, name, page, wanted.bands, wanted.nodata, wanted.page)
        image.reading.kept_exif = read_exif(data).kept
        numbers, alpha = image.read()
        partial = image.partial_nodata(numbers)
    nodata = () if partial is None else tuple(image.nodata)
    return Stored(numbers, image.white, image.meaning, alpha, image.reading, nodata, partial)


def _check_mask(wanted: Wanted, name: str) -> None:
    """Refuse a mask that is no TIFF: GDAL would open it by any driver."""
    # rasterio takes a tenth of a second to import, which commands without a TIFF are spared
    from ir_transfer.data.raster.references import is_sidecar

    if ".msk" in wanted.beside and not is_sidecar(wanted.beside[".msk"]):
        raise ForeignReferenceError(
            f"{name}: expected the mask .msk beside it as TIFF, got another kind: remove that file"
        )


def _masked(stored: Stored, wanted: Wanted, name: str, max_pixels: int) -> Stored:
    """Return an image with the mask that lies beside it, as GDAL names it."""
    if ".msk" not in wanted.beside:
        return stored
    try:
        with _rasterio().MemoryFile(wanted.beside[".msk"]) as memory, memory.open(driver="GTiff") as source:
            check_size(source.width, source.height, f"{name}.msk", max_pixels)
            mask = np.where(source.read(1) > 0, 255, 0).astype(np.uint8)
    except (_rasterio().errors.RasterioError, OSError) as error:
        mask_name, said = f"{Path(name).name}.msk", _reason(error)
        raise DecodeError(
            f"{name}: expected its mask {mask_name} as a whole TIFF, got: {said}: replace or remove that file"
        ) from error
    mask = upright(mask[None], int(stored.reading.facts.get("orientation", 1)))[0]
    if mask.shape != stored.numbers.shape[1:]:
        stored.reading.notes.append("the mask beside it has another size: left out")
        return stored
    alpha = mask if stored.alpha is None else np.minimum(mask, stored.alpha)
    return replace(stored, alpha=None if alpha.min() == 255 else alpha)


def decode_bands(data: bytes, name: str, bands: list[int], max_pixels: int) -> tuple[Levels, float, Alpha | None]:
    """Decode some bands of a TIFF file, as they are.

    Args:
        data: The whole file.
        name: How the file is called in errors.
        bands: Their numbers, from 1.
        max_pixels: Larger pictures are refused before their pixels are decoded.

    Returns:
        Levels (number of bands, H, W), the level that stands for 1.0, and 0 where a mask or the nodata value of one of
        the bands says that a pixel (H, W) is invalid, else 255; None if all are valid. Alpha bands are data here.

    Raises:
        DecodeError: No TIFF file, damaged, too large, too few bands, or other than unsigned levels.
    """
    if file_kind(data) != "TIFF":
        raise DecodeError(f"{name}: expected a TIFF file with {max(bands)} bands, got another kind: check the card")
    try:
        with _rasterio().MemoryFile(data) as memory, memory.open(driver="GTiff") as source:
            check_size(source.width, source.height, name, max_pixels)
            if source.count < max(bands):
                raise DecodeError(f"{name}: expected {max(bands)} bands, got {source.count}: check the card's bands")
            levels: NDArray[Any] = source.read(indexes=bands)
            alpha_flag = _rasterio().enums.MaskFlags.alpha
            masks = [source.read_masks(b) for b in bands if alpha_flag not in source.mask_flag_enums[b - 1]]
    except DecodeError:
        raise
    except Exception as error:  # damaged bytes make decoders raise nearly anything
        raise DecodeError(
            f"{name}: expected a whole TIFF file, got a damaged one ({_reason(error)}): replace it"
        ) from error
    if levels.dtype in (np.uint8, np.uint16):
        valid: Alpha | None = np.minimum.reduce(masks) if masks else None
        return levels, float(np.iinfo(levels.dtype).max), None if valid is None or valid.min() == 255 else valid
    raise DecodeError(f"{name}: expected unsigned levels of 8 or 16 bits, got {levels.dtype}: convert the file")


@cache
def _rasterio() -> ModuleType:
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    from ir_transfer.data.raster.references import restrict_gdal

    restrict_gdal()
    # A photograph without coordinates is the rule here, and GDAL's complaints come back as our own errors.
    warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)
    logging.getLogger("rasterio").addHandler(logging.NullHandler())
    module: ModuleType = rasterio
    return module
