"""Translates a raster of any size to a georeferenced infrared GeoTIFF in tiles; a killed run can be resumed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ir_transfer.conversion.controls import MEMORY
from ir_transfer.conversion.options import Observer
from ir_transfer.conversion.tiles.checkpoint import StatisticsCheckpoint
from ir_transfer.conversion.tiles.io import Pixels, Valid
from ir_transfer.conversion.tiles.memory import refuse_untiled, tile_for
from ir_transfer.conversion.tiles.translate import TileCounts, translate_tiled
from ir_transfer.conversion.translate import Translator
from ir_transfer.errors import InputError
from ir_transfer.imaging.encode import Compression
from ir_transfer.imaging.image_io import BitDepth, to_levels
from ir_transfer.imaging.pixels.stage import Reading
from ir_transfer.imaging.raster.gdal import environment, writing
from ir_transfer.imaging.raster.levels import Asked
from ir_transfer.imaging.raster.read import Raster
from ir_transfer.imaging.raster.references import is_virtual
from ir_transfer.imaging.raster.store import WindowStore, remove, work_folder
from ir_transfer.imaging.raster.write import hidden, layout_of, write_raster
from ir_transfer.nn.limits import SMALLEST_SIDE


@dataclass(frozen=True)
class RasterResult:
    """A translated raster.

    Attributes:
        path: File of the result.
        height: Rows.
        width: Columns.
        bands: Source bands used as red, green and blue, or the one band used for all three.
        levels: Source values that became 0 and 1.
        fill: Colour in [0, 1] given to invalid pixels in the input of the network.
        bit_depth: Bit depth of the result.
        nodata: Level of invalid pixels; None if the result has a mask instead, or no invalid pixels.
        masked: Whether the result has an internal mask.
        tile: Side of the tiles.
        windows: Number of tiles, and of those translated by this call.
        reading: How the source was read.
    """

    path: Path
    height: int
    width: int
    bands: tuple[int, ...]
    levels: tuple[float, float]
    fill: tuple[float, float, float]
    bit_depth: BitDepth
    nodata: int | None
    masked: bool
    tile: int
    windows: TileCounts
    reading: Reading


class _StoreSink:
    def __init__(self, store: WindowStore, bit_depth: BitDepth, nodata: int | None, *, inverted: bool) -> None:
        self.store = store
        self.bit_depth = bit_depth
        self.nodata = nodata
        self.inverted = inverted

    def has(self, y0: int, x0: int, y1: int, x1: int) -> bool:
        return (y0, x0, y1 - y0, x1 - x0) in self.store.done

    def write(self, y0: int, x0: int, intensity: Pixels, valid: Valid | None) -> None:
        levels = to_levels(intensity, self.bit_depth)
        if self.inverted:
            levels = (np.iinfo(levels.dtype).max - levels).astype(levels.dtype)
        self.store.write(y0, x0, hidden(levels, valid, self.nodata), valid)


def convert_raster(
    path: str | Path,
    out: Path,
    translator: Translator,
    *,
    bands: Sequence[int] | None = None,
    levels: Asked = None,
    nodata: float | None = None,
    page: int | None = None,
    bit_depth: BitDepth | None = None,
    tile: int | None = None,
    memory: int = MEMORY,
    cog: bool = False,
    overviews: bool = False,
    compression: Compression | None = None,
    inverted: bool = False,
    resume: bool = False,
    contents: str | None = None,
    tags: Mapping[str, str] | None = None,
    observer: Observer | None = None,
) -> RasterResult:
    """Translate a raster into a one-band GeoTIFF with its georeference, block layout and compression.

    Finished tiles are stored in a hidden folder beside the result, which is removed at the end.

    Args:
        path: A file, or any other path that GDAL reads.
        out: File of the result; replaced if it exists.
        translator: Model and style; see :func:`~ir_transfer.conversion.tiles.translate.translate_tiled`.
        bands: One or three bands, counted from 1; see :class:`~ir_transfer.imaging.raster.read.Raster`.
        levels: Source values that become 0 and 1, or ``"percentile"``.
        nodata: Value of invalid pixels in a source that does not declare it.
        page: Page of a multi-page TIFF, counted from 1.
        bit_depth: 8 or 16; by default 8 for 8-bit sources, 16 for others.
        tile: Side of the tiles; by default the largest that fits the memory.
        memory: Memory limit of the whole process in bytes.
        cog: Write a cloud-optimised GeoTIFF.
        overviews: Write overviews.
        compression: Compression of the result; None keeps that of the source, or uses Deflate if that is lossy.
        inverted: Invert the polarity of the result.
        resume: Continue a killed run with the same settings.
        contents: Hash of all files of the source; by default its size and modification time show whether it changed.
        tags: Metadata to add to that of the source.
        observer: Notified of every tile of every pass.

    Raises:
        MissingFileError: The file does not exist.
        DecodeError: GDAL cannot read it, or it is damaged.
        InputError: A model, controls, bands or levels that do not fit; a raster smaller than 16 pixels or without
            valid pixels; or a result that would replace its source.
        EncodeError: The result could not be written, usually because the disk is full. Finished tiles are kept for
            resuming.
    """
    refuse_untiled(translator)
    if out.exists() and not is_virtual(str(path)) and Path(path).exists() and out.samefile(path):
        raise InputError(f"{out}: expected a path other than the source's: a raster cannot replace its source")
    with environment(), Raster(str(path), bands, levels, nodata, page) as raster:
        if min(raster.height, raster.width) < SMALLEST_SIDE:
            raise InputError(
                f"{path}: expected sides of at least {SMALLEST_SIDE} pixels, got {raster.width} x {raster.height}"
            )
        depth: BitDepth = bit_depth or (8 if raster.dtype == np.uint8 else 16)
        dtype = np.dtype(np.uint8 if depth == 8 else np.uint16)
        layout = layout_of(
            raster.dataset,
            raster.bands,
            dtype,
            may_be_invalid=raster.may_be_invalid,
            own_nodata=nodata,
            compression=compression,
        )
        side = tile or tile_for(translator.model, memory)
        key = {**_settings(translator), **_source(raster, contents), "tile": side, "inverted": inverted}
        folder = work_folder(out)
        if not resume:
            remove(folder)
        with writing(folder):
            store = WindowStore(folder, key, raster.height, raster.width, depth, masked=layout.masked)
        try:
            sink = _StoreSink(store, depth, layout.nodata, inverted=inverted)
            saved = StatisticsCheckpoint(folder / "statistics.safetensors", key)
            counts = translate_tiled(translator, raster, sink, tile=side, saved=saved, observer=observer)
            described = {**_tags(translator, raster), **(tags or {})}
            write_raster(store, layout, out, cog=cog, overviews=overviews, tags=described)
        finally:
            store.close()
        remove(folder)
        fill = (float(raster.fill[0]), float(raster.fill[1]), float(raster.fill[2]))
        span = (raster.levels.lo, raster.levels.hi)
        return RasterResult(
            out,
            raster.height,
            raster.width,
            raster.bands,
            span,
            fill,
            depth,
            layout.nodata,
            layout.masked,
            side,
            counts,
            raster.reading,
        )


def _settings(translator: Translator) -> dict[str, Any]:
    model = translator.model
    return {
        "model": model.info.name,
        "weights": model.weights_hash,
        "options": {name: str(model.hyper_parameters[name]) for name in model.run_options},
        "style": translator.style_hash,
        "strength": translator.strength,
        "precision": translator.precision,
        "device": translator.device.type,
        "torch": torch.__version__,
    }


def _source(raster: Raster, contents: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "source": raster.path,
        "bands": list(raster.bands),
        "levels": [raster.levels.lo, raster.levels.hi],
        "fill": raster.fill.tolist(),
        "nodata": str(raster.image.nodata),
        "reading": raster.reading.facts,
    }
    if contents is not None:
        found["contents"] = contents
    elif Path(raster.path).is_file():
        status = Path(raster.path).stat()
        found |= {"bytes": status.st_size, "modified": status.st_mtime_ns}
    return found


def _tags(translator: Translator, raster: Raster) -> dict[str, str]:
    return {
        "IR_TRANSFER_MODEL": translator.model.info.name,
        "IR_TRANSFER_WEIGHTS": translator.model.weights_hash,
        "IR_TRANSFER_STYLE": translator.style_hash,
        "IR_TRANSFER_STRENGTH": f"{translator.strength:g}",
        "IR_TRANSFER_BANDS": ",".join(map(str, raster.bands)),
        "IR_TRANSFER_LEVELS": f"{raster.levels.lo:g},{raster.levels.hi:g}",
    }
