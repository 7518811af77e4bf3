"""Create a sheet of the results of every system for the same RGB images and exemplar.

python scripts/systems_sheet.py PHOTOS EXEMPLAR OUT.png

One column for each trained system and for two baselines; a system of fixed looks takes its nearest.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ir_transfer import create_model, list_models, model_info
from ir_transfer.evaluation.contact_sheet import contact_sheet
from ir_transfer.imaging.image_io import encode_png, read_image, write_whole

TRIVIAL = ("gray", "histogram")
LONG_SIDE = 448
CELL_WIDTH = 220
GATYS_STEPS = "60"


def main() -> None:
    """Translate and write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("exemplar", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    exemplar = read_image(given.exemplar).gray()[None]
    photos = [small(path) for path in sorted(given.photos.iterdir())]
    names = [*TRIVIAL, *(name for name in list_models() if model_info(name).weights)]
    columns = [[translated(name, photo, exemplar) for photo in photos] for name in names]
    rows = [
        [photo.transpose(1, 2, 0), exemplar[0, 0], *(column[index] for column in columns)]
        for index, photo in enumerate(photos)
    ]
    sheet = contact_sheet(rows, ["photograph", "exemplar", *names], CELL_WIDTH)
    write_whole(given.out, encode_png(sheet))


def small(path: Path) -> NDArray[np.float32]:
    """Return an RGB image (3, H, W) of at most 448 pixels a side."""
    image = torch.from_numpy(read_image(path).rgb())[None]
    scale = min(1.0, LONG_SIDE / max(image.shape[-2:]))
    size = [round(side * scale) for side in image.shape[-2:]]
    reduced = torch.nn.functional.interpolate(image, size, mode="bilinear", antialias=True)
    found: NDArray[np.float32] = reduced[0].clamp(0, 1).numpy()
    return found


def translated(name: str, photo: NDArray[np.float32], exemplar: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the result (H, W) of a system."""
    torch.manual_seed(0)
    model = create_model(name)
    if "steps" in model.run_options:
        model.configure({"steps": GATYS_STEPS})
    style = model.style_for(torch.from_numpy(exemplar), white_hot=True)
    with torch.inference_mode():
        found: NDArray[np.float32] = model(torch.from_numpy(photo)[None], style)[0, 0].numpy()
    return found


if __name__ == "__main__":
    main()
