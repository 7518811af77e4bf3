"""Contact sheet of the worst pairs, with the edges of both images overlaid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ir_transfer.data.alignment import edge_magnitude
from ir_transfer.data.checks.report import CheckReport
from ir_transfer.data.pair_files import open_pair
from ir_transfer.data.pairs import Pair

Floats = NDArray[np.float32]

HEADINGS = ("RGB image", "infrared image", "edges: RGB image red, infrared image cyan")


def worst_pairs(report: CheckReport, count: int = 8) -> list[list[Floats]]:
    """Return the images of the pairs with the largest shifts, as rows of a contact sheet with :data:`HEADINGS`.

    Each row has an RGB image (H, W, 3), an infrared image (H, W) and edges (H, W, 3), all in [0, 1].

    Args:
        report: Report on a paired set.
        count: Largest number of rows.
    """
    by_stem = {pair.stem: pair for pair in report.pairs}
    names = sorted(report.shifts, key=lambda name: -report.shifts[name].length)[:count]
    return [
        _row(by_stem[name], f"{name}: {report.shifts[name].dx:+.1f}, {report.shifts[name].dy:+.1f}") for name in names
    ]


def _row(pair: Pair, text: str) -> list[Floats]:
    rgb, ir = open_pair(pair.rgb, pair.ir, pair.layout)
    visible, infrared = np.ascontiguousarray(rgb.rgb().transpose(1, 2, 0)), ir.gray()[0]
    red, cyan = (_strong(edge_magnitude(side)) for side in (visible.mean(axis=2), infrared))
    return [_label(visible, text), infrared, np.stack([red, cyan, cyan], axis=2)]


def _strong(edges: Floats) -> Floats:
    return np.asarray(np.clip(edges / max(float(np.percentile(edges, 98)), 1e-6), 0, 1), dtype=np.float32)


def _label(decoded: Floats, text: str) -> Floats:
    image = Image.fromarray((decoded * 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(max(11, image.height // 22))
    draw.rectangle(draw.textbbox((3, 2), text, font=font), fill="black")
    draw.text((3, 2), text, fill="white", font=font)
    return np.asarray(image, dtype=np.float32) / np.float32(255)
