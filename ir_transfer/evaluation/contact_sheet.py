"""Images side by side under headings, one scene per row."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

_T = TypeVar("_T")

HEADING = 22
"""Height of the headings in pixels."""
GAP = 4
"""Pixels between cells."""


def spread(items: Sequence[_T], most: int) -> list[_T]:
    """Return at most ``most`` items, evenly spread from the first on."""
    count = min(len(items), most)
    return [items[number * len(items) // count] for number in range(count)]


def contact_sheet(
    rows: Sequence[Sequence[NDArray[np.float32]]], headings: Sequence[str], cell_width: int = 400
) -> Image.Image:
    """Return a sheet with one scene per row.

    Args:
        rows: Images (H, W) or (H, W, 3) in [0, 1]. Each is fitted into a cell of the aspect of its row's first.
        headings: One per column.
        cell_width: Width of a cell in pixels.
    """
    heights = [max(round(cell_width * row[0].shape[0] / row[0].shape[1]), 1) for row in rows]
    width = len(headings) * (cell_width + GAP) - GAP
    sheet = Image.new("RGB", (width, HEADING + sum(heights) + GAP * len(rows)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for column, heading in enumerate(headings):
        draw.text((column * (cell_width + GAP) + 4, 3), heading, fill="black", font=font)
    top = HEADING
    for row, height in zip(rows, heights, strict=True):
        for column, image in enumerate(row):
            fitted = _fit(image, cell_width, height)
            left = column * (cell_width + GAP)
            sheet.paste(fitted, (left + (cell_width - fitted.width) // 2, top + (height - fitted.height) // 2))
        top += height + GAP
    return sheet


def _fit(values: NDArray[np.float32], width: int, height: int) -> Image.Image:
    image = Image.fromarray((np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8)).convert("RGB")
    scale = min(width / image.width, height / image.height)
    size = (max(round(image.width * scale), 1), max(round(image.height * scale), 1))
    return image.resize(size, Image.Resampling.LANCZOS)
