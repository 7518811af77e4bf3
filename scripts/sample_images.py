"""Write the RGB images that ship with scikit-image to a folder: ``python scripts/sample_images.py FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image
from skimage import data


def main(folder: Path) -> None:
    """Write five RGB images, none of which is downloaded."""
    photographs = {
        "astronaut": data.astronaut(),
        "cat": data.chelsea(),
        "coffee": data.coffee(),
        "motorcycle": data.stereo_motorcycle()[0],
        "rocket": data.rocket(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, pixels in photographs.items():
        Image.fromarray(pixels).save(folder / f"{name}.jpg", quality=95)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: python {sys.argv[0]} FOLDER")
    main(Path(sys.argv[1]))
