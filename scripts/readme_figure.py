"""Create the first image of the README from pairs of M3SVD (MIT); the licence is stored beside it.

python scripts/readme_figure.py M3SVD [OUT.png]

M3SVD is the folder of the set with train/ and val/; the images of val/ were never trained on. One row each by day, at
dusk and by night: photograph, exemplar (another scene of the same camera), result, true infrared.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from ir_transfer import create_model
from ir_transfer.evaluation.contact_sheet import contact_sheet
from ir_transfer.imaging.image_io import encode_png, read_image, write_whole

ROWS = (
    ("1230_1202_f0000", "0115_1831_v0000"),
    ("0111_1803_v0000", "0111_1716_f0090"),
    ("0115_1834_v0019", "0115_1831_v0000"),
)
"""Stems of a validation pair and of its exemplar in the training set."""
CELL_WIDTH = 270


def main() -> None:
    """Translate and write the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("out", type=Path, nargs="?", default=Path("evaluation/results/readme.png"))
    given = parser.parse_args()
    model = create_model("adain")
    rows = []
    for stem, exemplar_stem in ROWS:
        photograph = read_image(next((given.root / "val" / "rgb").glob(f"{stem}.*"))).rgb()
        truth = read_image(next((given.root / "val" / "ir").glob(f"{stem}.*"))).gray()[0]
        exemplar = read_image(next((given.root / "train" / "ir").glob(f"{exemplar_stem}.*"))).gray()
        style = model.prepare([torch.from_numpy(exemplar)[None]], white_hot=True)
        with torch.inference_mode():
            result = model(torch.from_numpy(photograph)[None], style)[0, 0].numpy()
        rows.append([photograph.transpose(1, 2, 0), exemplar[0], result, truth])
    sheet = contact_sheet(rows, ["photograph", "exemplar", "result", "true infrared"], CELL_WIDTH)
    write_whole(given.out, encode_png(sheet))


if __name__ == "__main__":
    main()
