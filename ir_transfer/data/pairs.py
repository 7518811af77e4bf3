"""Paired pictures on disk: ``rgb/`` and ``ir/`` with the same stems."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ir_transfer.data.image_io import is_picture_name, read_picture, to_levels
from ir_transfer.errors import InputError, MissingFileError

Levels = NDArray[np.uint8]


@dataclass(frozen=True)
class Pair:
    """Two files that show one scene.

    Attributes:
        stem: Their common name.
        rgb: The photograph.
        ir: The infrared picture, of the same size.
    """

    stem: str
    rgb: Path
    ir: Path


def list_pairs(root: Path) -> list[Pair]:
    """Return the pairs of a folder with ``rgb/`` and ``ir/``, sorted by stem.

    Raises:
        MissingFileError: One of the two folders is missing.
        InputError: No stem is in both.
    """
    sides = {}
    for side in ("rgb", "ir"):
        folder = root / side
        if not folder.is_dir():
            raise MissingFileError(
                f"expected the folder {folder}, found none: a pair set has rgb/ and ir/ side by side"
            )
        sides[side] = {p.stem: p for p in sorted(folder.iterdir()) if is_picture_name(p)}
    stems = sorted(sides["rgb"].keys() & sides["ir"].keys())
    if not stems:
        raise InputError(f"expected pictures of equal stems in {root}/rgb and {root}/ir, got none in common")
    return [Pair(stem, sides["rgb"][stem], sides["ir"][stem]) for stem in stems]


def load_pair(pair: Pair, max_width: int | None = None) -> tuple[Levels, Levels]:
    """Return the photograph (H, W, 3) and the infrared picture (H, W), 8 bit, at most ``max_width`` wide.

    Raises:
        InputError: The two sizes differ.
        DecodeError: One of them cannot be read.
    """
    rgb = Image.fromarray(np.ascontiguousarray(to_levels(read_picture(pair.rgb).rgb()).transpose(1, 2, 0)))
    ir = Image.fromarray(to_levels(read_picture(pair.ir).gray()[0]))
    if rgb.size != ir.size:
        raise InputError(f"expected {pair.rgb} and {pair.ir} of one size, got {rgb.size} and {ir.size}: register them")
    if max_width is not None and rgb.width > max_width:
        size = (max_width, round(rgb.height * max_width / rgb.width))
        rgb, ir = rgb.resize(size, Image.Resampling.LANCZOS), ir.resize(size, Image.Resampling.LANCZOS)
    return np.asarray(rgb), np.asarray(ir)
