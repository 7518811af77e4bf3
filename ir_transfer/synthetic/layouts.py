"""Synthetic copies of public data sets: rendered scenes in the folders, names and file formats of a card."""

import io
import itertools
import re
import zlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ir_transfer.data.cards import Card, Layout
from ir_transfer.data.name_patterns import NamePattern
from ir_transfer.errors import InputError
from ir_transfer.imaging.image_io import BitDepth, to_levels, write_whole
from ir_transfer.synthetic.images import Band, Rendered, render
from ir_transfer.synthetic.write import check_empty, scene_seed

Levels = NDArray[Any]

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF"}


def write_layout(out: Path, card: Card, count: int, size: tuple[int, int] = (160, 128), seed: int = 0) -> int:
    """Write rendered pairs in the layout of the data set of a card.

    Args:
        out: New or empty folder, which can be used as the root of this card.
        card: Card with the layout.
        count: Number of pairs (of images per side for unpaired sets).
        size: Width and height of an image in pixels, without a border that the card names.
        seed: Equal seeds give equal files.

    Returns:
        The number of pairs written.

    Raises:
        InputError: The folder is not empty, or the card has no example names.
        EncodeError: A file cannot be written.
    """
    check_empty(out)
    if not card.layout.example:
        raise InputError(f"expected example names in the layout of the card {card.name}, got none: add 'example'")
    band: Band = "nir" if card.band == "nir" else "lwir"
    frames: Counter[str] = Counter()
    for number, values in enumerate(_names(card.layout.example, count)):
        name = _stem(card, values)
        scene = card.scene_of(name) or f"{name}#{number}"
        scene_number = scene_seed(seed, zlib.crc32(scene.encode()))
        rendered = render(scene_number, frames[scene], size=size, band=band)
        frames[scene] += 1
        _write(out, card, values, rendered)
    return count


def _names(example: Mapping[str, list[str]], count: int) -> list[dict[str, str]]:
    """Return ``count`` sets of field texts: combinations of the examples, then with increasing numbers."""
    last = list(example)[-1]
    combined = [dict(zip(example, texts, strict=True)) for texts in itertools.product(*example.values())]
    if parts := example.get("part"):  # assigned in turn, so that each name is in only one part
        dealt = {name: parts[number % len(parts)] for number, name in enumerate(example[last])}
        combined = [values for values in combined if values["part"] == dealt[values[last]]]
    chosen = [combined[int(i)] for i in np.linspace(0, len(combined) - 1, min(count, len(combined))).round()]
    for number in range(len(chosen), count):
        base = chosen[number % len(combined)]
        chosen.append({**base, last: _increment_numbers(base[last], 1000 * (number // len(combined)))})
    return chosen


def _increment_numbers(text: str, step: int) -> str:
    """Return the text with the last number of each word increased."""

    def add(match: re.Match[str]) -> str:
        return f"{(int(match[0]) + step) % 10 ** max(len(match[0]), 5):0{len(match[0])}d}"

    return " ".join(re.sub(r"\d+(?=\D*$)", add, word) for word in text.split(" "))


def _stem(card: Card, values: Mapping[str, str]) -> str:
    layout = card.layout
    text = layout.files or layout.rgb or layout.ir
    if layout.kind == "list":
        return "_".join(values.values())
    return "_".join(values[name] for name in NamePattern(text or "").fields)


def _write(out: Path, card: Card, values: dict[str, str], rendered: Rendered) -> None:
    layout = card.layout
    depth: BitDepth = 16 if card.bit_depth == 16 else 8
    infrared = 1 - rendered.ir if card.polarity == "black-hot" else rendered.ir
    rgb, ir = to_levels(rendered.rgb, depth), to_levels(infrared, depth)
    if layout.kind == "bands":
        _write_bands(out / layout.pattern("files").fill(values, ".tif"), layout, rgb, ir)
    elif layout.kind == "side-by-side":
        _write_image(out / layout.pattern("files").fill(values), _side_by_side(layout.rgb_side, rgb, ir))
    elif layout.kind == "list":
        _write_listed(out, layout, values, rgb, ir)
    else:
        sides: tuple[tuple[Literal["rgb", "ir"], Levels], ...] = (("rgb", rgb), ("ir", ir))
        for side, levels in sides:
            if getattr(layout, side) is not None:
                _write_image(out / layout.pattern(side).fill(values), _with_border(levels, layout.border))


def _write_listed(out: Path, layout: Layout, values: Mapping[str, str], rgb: Levels, ir: Levels) -> None:
    path = out / layout.pattern("lists").fill(values)
    if layout.line is None:
        line = values["line"].replace(" ", "\t")
        names = line.split("\t")
    else:
        line = layout.pattern("line").fill(values)
        names = [layout.pattern("rgb").fill(values), layout.pattern("ir").fill(values)]
    lines = path.read_text().splitlines() if path.exists() else []
    write_whole(path, "".join(f"{text}\n" for text in [*lines, line]).encode())
    _write_image(out / names[0], rgb)
    _write_image(out / names[1], ir)


def _side_by_side(side: str | None, rgb: Levels, ir: Levels) -> Levels:
    gray = np.repeat(ir[..., None], 3, axis=2)
    pair = (rgb, gray) if side in {"left", "top"} else (gray, rgb)
    return np.concatenate(pair, axis=1 if side in {"left", "right"} else 0)


def _with_border(levels: Levels, border: int) -> Levels:
    edges = ((border, border), (border, border), (0, 0))[: levels.ndim]
    return np.pad(levels, edges, constant_values=255) if border else levels


def _write_image(path: Path, levels: Levels) -> None:
    if levels.dtype == np.uint16 and levels.ndim == 3:
        levels = (levels >> 8).astype(np.uint8)  # Pillow writes no 16-bit colour
    file = io.BytesIO()
    more: dict[str, Any] = {"quality": 95, "subsampling": 0} if _FORMATS[path.suffix] == "JPEG" else {}
    Image.fromarray(levels).save(file, _FORMATS[path.suffix], **more)
    write_whole(path, file.getvalue())


def _write_bands(path: Path, layout: Layout, rgb: Levels, ir: Levels) -> None:
    import rasterio
    from rasterio.transform import from_origin

    bands = np.zeros((max(*layout.rgb_bands, layout.ir_band or 1), *ir.shape), ir.dtype)
    for number, band in zip(layout.rgb_bands, rgb.transpose(2, 0, 1), strict=True):
        bands[number - 1] = band
    bands[(layout.ir_band or 1) - 1] = ir
    if layout.white is not None:
        bands = (bands / np.iinfo(bands.dtype).max * layout.white).round().astype(bands.dtype)
    profile = {"driver": "GTiff", "count": len(bands), "height": ir.shape[0], "width": ir.shape[1]}
    georeference = {"crs": "EPSG:32614", "transform": from_origin(600000, 5300000, 1, 1), "dtype": str(bands.dtype)}
    with rasterio.MemoryFile() as memory:
        with memory.open(**profile, **georeference) as target:
            target.write(bands)
        write_whole(path, bytes(memory.read()))
