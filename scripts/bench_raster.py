"""Time and peak memory of raster conversion by side, and the difference of tiles from the whole image.

python scripts/bench_raster.py --sides 2048 4096 --weights adain-lwir --style preset:lwir-drone
python scripts/bench_raster.py --sides 20000            # a few minutes on 2 cores, and 3 GB of disk

Every side is measured in a separate process. The raster consists of waves and noise, written in windows. The
difference is measured on a crop that is small enough to be translated as a whole, in tiles of 256 pixels.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import rasterio
import torch
from affine import Affine
from rasterio.windows import Window

from ir_transfer.conversion.controls import MEMORY
from ir_transfer.conversion.devices import pick_device
from ir_transfer.conversion.styles.choose import choose_styles
from ir_transfer.conversion.tiles.io import ArraySink, ImageSource
from ir_transfer.conversion.tiles.raster import convert_raster
from ir_transfer.conversion.tiles.translate import translate_tiled
from ir_transfer.conversion.translate import Translator
from ir_transfer.evaluation.benchmark.memory import own_peak
from ir_transfer.imaging.image_io import DecodedImage

HEAD = "| weights | side | tile | seconds | megapixels/s | peak RSS (MiB) | max difference of tiles (1/255) |"
BLOCK = 512


def main() -> None:
    """Print a table, one line for each side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sides", type=int, nargs="+", default=[2048, 4096])
    parser.add_argument("--weights", default="adain-lwir")
    parser.add_argument("--style", default="preset:lwir-drone")
    parser.add_argument("--memory", type=int, default=MEMORY, help="bytes")
    parser.add_argument("--tile", type=int, help="tile side; by default the largest that fits the memory")
    parser.add_argument("--crop", type=int, default=1024, help="side of the compared crop")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--folder", type=Path, help="temporary folder of the rasters")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        print(measured(options, options.sides[0]), flush=True)
        return
    print(HEAD, "|---|" + "---:|" * 6, sep="\n", flush=True)
    rest = [
        text for name in ("weights", "style", "memory", "tile", "crop", "threads", "device", "folder")
        if (value := getattr(options, name)) is not None for text in (f"--{name}", str(value))
    ]  # fmt: skip
    for side in options.sides:
        subprocess.run([sys.executable, __file__, "--alone", "--sides", str(side), *rest], check=True)


def measured(options: argparse.Namespace, side: int) -> str:
    """Return the table row of one side."""
    torch.set_num_threads(options.threads)
    choice = choose_styles([options.style], model=options.weights.split("-")[0], weights=options.weights)
    translator = Translator.load(choice, pick_device(options.device))
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder) / "rgb.tif"
        make(path, side)
        start = time.perf_counter()
        result = convert_raster(
            path, Path(folder) / "ir.tif", translator, tile=options.tile, memory=options.memory, bit_depth=8
        )
        seconds = time.perf_counter() - start
        peak = own_peak()
        with rasterio.open(path) as dataset:
            crop = dataset.read(window=Window(0, 0, min(side, options.crop), min(side, options.crop)))
    return (
        f"| {options.weights} | {side} | {result.tile} | {seconds:.0f} | {side**2 / 1e6 / seconds:.2f} | {peak:.0f} | "
        f"{255 * difference(translator, DecodedImage(crop, 255.0, '')):.5f} |"
    )


def difference(translator: Translator, image: DecodedImage) -> float:
    """Return the largest difference between an image translated in tiles of 256 pixels and as a whole."""
    sink = ArraySink(image.height, image.width)
    translate_tiled(translator, ImageSource(image), sink, tile=256)
    return float(np.abs(sink.intensity - translator([image])[0]).max())


def make(path: Path, side: int) -> None:
    """Write a raster of three bands, one row of blocks at a time."""
    profile = {"driver": "GTiff", "height": side, "width": side, "count": 3, "dtype": "uint8", "crs": "EPSG:32632"}
    blocks = {"tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "compress": "deflate", "BIGTIFF": "IF_SAFER"}
    place = Affine(0.2, 0, 600_000, 0, -0.2, 5_300_000)
    with rasterio.Env(GDAL_CACHEMAX=64), rasterio.open(path, "w", **profile, **blocks, transform=place) as dataset:
        x = np.arange(side, dtype=np.float32)
        for top in range(0, side, BLOCK):
            y = np.arange(top, min(top + BLOCK, side), dtype=np.float32)[:, None]
            noise = np.random.default_rng(top).normal(0, 12, (len(y), side)).astype(np.float32)
            for band in range(3):
                waves = np.sin(y / (31 + 9 * band)) * np.cos(x / 47) + np.sin((x + y) / 900) + y / side
                levels = np.clip(100 + 40 * waves + noise, 0, 255).astype(np.uint8)
                dataset.write(levels, band + 1, window=Window(0, top, side, len(y)))


if __name__ == "__main__":
    main()
