"""Decodes TIFF files and the mask sidecars of images by GDAL."""

import io
import uuid
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np

from ir_transfer.errors import DecodeError, ForeignReferenceError
from ir_transfer.imaging.pixels.exif import read_exif
from ir_transfer.imaging.pixels.kinds import Wanted, decoder_message
from ir_transfer.imaging.pixels.pages import page_of
from ir_transfer.imaging.pixels.stage import Stored, check_size, upright
from ir_transfer.imaging.raster.references import rasterio_module


def decode_tiff(data: bytes, name: str, max_pixels: int, wanted: Wanted) -> Stored:
    """Decode a TIFF; :func:`ir_transfer.imaging.decode.decode` translates the errors of rasterio."""
    # These import rasterio, which takes 0.1 s that commands without a TIFF need not spend.
    from ir_transfer.imaging.pixels.tiff import TiffImage
    from ir_transfer.imaging.raster.gdal import hides_numbers
    from ir_transfer.imaging.raster.references import check_overview_file

    page = page_of(io.BytesIO(data), wanted.page, name)
    with ExitStack() as stack:
        folder = uuid.uuid4().hex
        for ending, content in wanted.beside.items():
            stack.enter_context(rasterio_module().MemoryFile(content, dirname=folder, filename=f"image.tif{ending}"))
        memory = stack.enter_context(rasterio_module().MemoryFile(data, dirname=folder, filename="image.tif"))
        path = f"GTIFF_DIR:{page.index + 1}:{memory.name}" if page.index else memory.name
        source = stack.enter_context(rasterio_module().open(path, driver="GTiff"))
        if hides_numbers(source):
            source = stack.enter_context(rasterio_module().open(f"GTIFF_RAW:{path}", driver="GTiff"))
        check_overview_file(name, source.tags(ns="OVERVIEWS").get("OVERVIEW_FILE"))
        check_size(source.width, source.height, name, max_pixels)
        image = TiffImage(source, name, page, wanted.bands, wanted.nodata, wanted.page, joint=wanted.joint)
        image.reading.kept_exif = read_exif(data).kept
        numbers, alpha = image.read()
        partial = image.partial_nodata(numbers)
    has_nodata = None not in image.nodata and len(image.nodata) == len(numbers)  # not with a palette
    nodata = tuple(value for value in image.nodata if value is not None) if has_nodata else ()
    return Stored(numbers, image.white, image.meaning, alpha, image.reading, nodata, partial)


def check_mask(wanted: Wanted, name: str) -> None:
    """Refuse a mask sidecar that is not a TIFF: GDAL would open it with any driver.

    Raises:
        ForeignReferenceError: The sidecar is of another kind.
    """
    from ir_transfer.imaging.raster.references import is_sidecar

    if ".msk" in wanted.beside and not is_sidecar(wanted.beside[".msk"]):
        raise ForeignReferenceError(
            f"{name}: expected a TIFF in its mask sidecar .msk, got another kind: remove that file"
        )


def with_mask(stored: Stored, wanted: Wanted, name: str, max_pixels: int) -> Stored:
    """Return an image with the mask in its ``.msk`` sidecar, if it has one.

    Raises:
        DecodeError: The mask cannot be read.
    """
    if ".msk" not in wanted.beside:
        return stored
    try:
        with rasterio_module().MemoryFile(wanted.beside[".msk"]) as memory, memory.open(driver="GTiff") as source:
            check_size(source.width, source.height, f"{name}.msk", max_pixels)
            mask = np.where(source.read(1) > 0, 255, 0).astype(np.uint8)
    except (rasterio_module().errors.RasterioError, OSError) as error:
        mask_name, said = f"{Path(name).name}.msk", decoder_message(error)
        raise DecodeError(
            f"{name}: expected its mask {mask_name} as a whole TIFF, got: {said}: replace or remove that file"
        ) from error
    mask = upright(mask[None], int(stored.reading.facts.get("orientation", 1)))[0]
    if mask.shape != stored.numbers.shape[1:]:
        stored.reading.notes.append("its mask sidecar (.msk) has another size: ignored")
        return stored
    alpha = mask if stored.alpha is None else np.minimum(mask, stored.alpha)
    return replace(stored, alpha=None if alpha.min() == 255 else alpha)
