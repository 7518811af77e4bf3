"""RGB images in archives and under a VRT: orientation counts there too, or the file is refused."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.Image import Exif

from ir_transfer.errors import DecodeError, InputError
from ir_transfer.imaging.image_io import decode_image
from ir_transfer.imaging.raster.archives import open_member
from ir_transfer.imaging.raster.read import Raster
from tests.imaging.pixels.kinds import STREET, saved, stored_for, tiff


def turned(kind: str, orientation: int) -> bytes:
    if kind == "tif":
        return tiff(stored_for(STREET, orientation), orientation=orientation)
    exif = Exif()
    exif[274] = orientation
    options = {"quality": 95, "subsampling": 0} if kind == "jpg" else {"lossless": True} if kind == "webp" else {}
    names = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP"}
    return saved(stored_for(STREET, orientation), names[kind], exif=exif, **options)


def pack(folder: Path, name: str, data: bytes) -> list[str]:
    """Put a file into archives; return the paths by which GDAL and rasterio know it there."""
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr(f"inner/{name}", data)
    with tarfile.open(folder / "a.tar.gz", "w:gz") as tarred:
        member = tarfile.TarInfo(f"inner/{name}")
        member.size = len(data)
        tarred.addfile(member, io.BytesIO(data))
    return [
        f"/vsizip/{folder}/a.zip/inner/{name}",
        f"/vsizip/{{{folder}/a.zip}}/inner/{name}",
        f"zip://{folder}/a.zip!inner/{name}",
        f"/vsitar/{folder}/a.tar.gz/inner/{name}",
    ]


@pytest.mark.parametrize("orientation", [1, 2, 3, 4, 5, 6, 7, 8])
@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "tif"])
def test_orientation_counts_in_an_archive(kind: str, orientation: int, tmp_path: Path) -> None:
    data = turned(kind, orientation)
    expected = decode_image(data, "x").rgb()
    paths = pack(tmp_path, f"a.{kind}", data)
    for path in paths if orientation == 6 else paths[:1]:
        with Raster(path) as raster:
            assert (raster.height, raster.width) == STREET.shape[:2]
            read = raster.read(0, 0, *STREET.shape[:2])[0]
        # libjpeg of GDAL and that of Pillow round otherwise
        np.testing.assert_allclose(read, expected, atol=3 / 255 if kind == "jpg" else 1e-6)


def test_relative_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack(tmp_path, "a.jpg", turned("jpg", 6))
    monkeypatch.chdir(tmp_path)
    for path in ("/vsizip/a.zip/inner/a.jpg", "/vsizip/{a.zip}/inner/a.jpg", "/vsizip/./a.zip/inner/a.jpg"):
        with Raster(path) as raster:
            assert (raster.height, raster.width) == STREET.shape[:2], path


def test_what_is_in_no_archive_here_is_left_to_gdal(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as outer:
        outer.writestr("inner.zip", b"")
    for path in ("/vsicurl/http://host/a.tif", f"/vsizip//vsizip/{tmp_path}/outer.zip/inner.zip/a.tif", "/vsizip/none"):
        with open_member(path) as file:
            assert file is None, path


def test_a_damaged_archive_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\3\4")
    with pytest.raises(DecodeError, match=r"a\.zip/b\.tif: expected a file in an archive"):
        Raster(f"/vsizip/{tmp_path}/a.zip/b.tif")


def test_a_vrt_over_a_turned_photograph_is_refused(tmp_path: Path) -> None:
    for orientation in (1, 6):
        (tmp_path / "a.jpg").write_bytes(turned("jpg", orientation))
        with Image.open(tmp_path / "a.jpg") as image:
            width, height = image.size
        bands = "".join(
            f'<VRTRasterBand dataType="Byte" band="{n}"><SimpleSource><SourceFilename relativeToVRT="1">a.jpg'
            f"</SourceFilename><SourceBand>{n}</SourceBand></SimpleSource></VRTRasterBand>"
            for n in (1, 2, 3)
        )
        size = f'rasterXSize="{width}" rasterYSize="{height}"'
        (tmp_path / "a.vrt").write_text(f"<VRTDataset {size}>{bands}</VRTDataset>")
        if orientation == 1:
            Raster(str(tmp_path / "a.vrt")).close()
        else:
            with pytest.raises(InputError, match=r"stored upright, got the orientation 6 of .*a\.jpg"):
                Raster(str(tmp_path / "a.vrt"))
