"""Opening the two pictures of a pair: from two files, from two halves of one, or from the bands of one."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ir_transfer.data.image_decode import Levels, decode_bands
from ir_transfer.data.image_io import MAX_PIXELS, Picture, read_bytes, read_picture, to_levels
from ir_transfer.errors import InputError

if TYPE_CHECKING:
    from ir_transfer.data.cards import Layout

Levels8 = NDArray[np.uint8]
Floats = NDArray[np.float32]


class PairFiles(Protocol):
    """What of a pair is needed here."""

    @property
    def rgb(self) -> Path:
        """File of the photograph."""

    @property
    def ir(self) -> Path:
        """File of the infrared picture."""

    @property
    def layout(self) -> Layout | None:
        """How the files are cut."""


def open_pair(rgb: Path, ir: Path, layout: Layout | None = None) -> tuple[Picture, Picture]:
    """Return photograph and infrared picture in the files' own levels; their sizes may differ.

    Raises:
        MissingFileError: A file is missing.
        DecodeError: A file is no picture.
        InputError: A file that cannot be cut as the layout says.
    """
    kind = "two-files" if layout is None else layout.kind
    if layout is not None and kind == "bands":
        pair = _open_bands(rgb, layout)
    elif layout is not None and kind == "side-by-side":
        pair = _open_halves(rgb, layout)
    else:
        pair = read_picture(rgb), read_picture(ir)
    if layout is None:
        return pair
    return _finish(pair[0], layout, rgb), _finish(pair[1], layout, ir)


def read_pair(pair: PairFiles) -> tuple[Floats, Floats]:
    """Return the photograph (3, H, W) and the infrared picture (1, H, W) in [0, 1], with all bits of the files.

    Raises:
        InputError: The two sizes differ.
        DecodeError: A file is no picture.
    """
    rgb, ir = open_pair(pair.rgb, pair.ir, pair.layout)
    check_sizes(rgb, ir, pair.rgb, pair.ir)
    return rgb.rgb(), ir.gray()


def load_pair_8bit(rgb: Path, ir: Path, layout: Layout | None, max_width: int | None) -> tuple[Levels8, Levels8]:
    """Return the photograph (H, W, 3) and the infrared picture (H, W), 8 bit, at most ``max_width`` wide.

    Raises:
        InputError: The two sizes differ.
        DecodeError: A file is no picture.
    """
    pictures = open_pair(rgb, ir, layout)
    check_sizes(*pictures, rgb, ir)
    colour = Image.fromarray(np.ascontiguousarray(to_levels(pictures[0].rgb()).transpose(1, 2, 0)))
    gray = Image.fromarray(to_levels(pictures[1].gray()[0]))
    if max_width is not None and colour.width > max_width:
        size = (max_width, round(colour.height * max_width / colour.width))
        colour, gray = colour.resize(size, Image.Resampling.LANCZOS), gray.resize(size, Image.Resampling.LANCZOS)
    return np.asarray(colour), np.asarray(gray)


def check_sizes(rgb: Picture, ir: Picture, rgb_file: Path, ir_file: Path) -> None:
    """Raise an error if the two pictures differ in size.

    Raises:
        InputError: They do.
    """
    ours, theirs = (rgb.width, rgb.height), (ir.width, ir.height)
    if ours != theirs:
        raise InputError(f"expected {rgb_file} and {ir_file} of one size, got {ours} and {theirs}: register them")


def _open_bands(path: Path, layout: Layout) -> tuple[Picture, Picture]:
    if layout.ir_band is None:
        raise InputError("expected the key 'ir_band' in a layout of bands, found none")
    data = read_bytes(path)
    bands, white = decode_bands(data, str(path), [*layout.rgb_bands, layout.ir_band], MAX_PIXELS)
    sha256 = hashlib.sha256(data).hexdigest()
    return Picture(bands[:3], white, sha256), Picture(bands[3:], white, sha256)


def _open_halves(path: Path, layout: Layout) -> tuple[Picture, Picture]:
    whole = read_picture(path)
    axis = 2 if layout.rgb_side in {"left", "right"} else 1
    if whole.levels.shape[axis] % 2:
        raise InputError(
            f"expected {path} to hold two pictures of one size, got {whole.width} x {whole.height}, "
            "which cannot be halved: name another card"
        )
    first, second = np.split(whole.levels, 2, axis=axis)
    rgb, ir = (first, second) if layout.rgb_side in {"left", "top"} else (second, first)
    return Picture(rgb, whole.white, whole.sha256), Picture(ir, whole.white, whole.sha256)


def _finish(picture: Picture, layout: Layout, path: Path) -> Picture:
    levels: Levels = picture.levels
    if border := layout.border:
        if min(levels.shape[1:]) <= 2 * border:
            raise InputError(
                f"expected {path} to have a border of {border} pixels, got {picture.width} x {picture.height}: "
                "it seems to be cropped already; use the card of plain folders"
            )
        levels = levels[:, border:-border, border:-border]
    white = picture.white
    if layout.white is not None:
        white = layout.white
        levels = np.minimum(levels, np.asarray(white, levels.dtype))
    return Picture(levels, white, picture.sha256)
