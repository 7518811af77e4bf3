"""Images in archives and on the network are read like local files: orientation, colour space, CIE Lab."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.Image import Exif

from ir_transfer.errors import DecodeError, InputError
from ir_transfer.imaging.header import count_images
from ir_transfer.imaging.image_io import decode_image
from ir_transfer.imaging.raster.read import Raster
from ir_transfer.imaging.raster.virtual_file import open_virtual_file
from tests.imaging.pixels.kinds import (
    COLOUR_FILES,
    COLOUR_TIFFS,
    GRAY_TIFFS,
    STREET,
    saved,
    stored_for,
    tiff,
)


def turned(kind: str, orientation: int) -> bytes:
    if kind == "tif":
        return tiff(stored_for(STREET, orientation), orientation=orientation)
    exif = Exif()
    exif[274] = orientation
    options = {"quality": 95, "subsampling": 0} if kind == "jpg" else {"lossless": True} if kind == "webp" else {}
    names = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP"}
    return saved(stored_for(STREET, orientation), names[kind], exif=exif, **options)


def pack(folder: Path, name: str, data: bytes) -> list[str]:
    """Put a file into archives; return its GDAL and rasterio paths."""
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
def test_orientation_is_applied_in_archives(kind: str, orientation: int, tmp_path: Path) -> None:
    data = turned(kind, orientation)
    expected = decode_image(data, "x").rgb()
    paths = pack(tmp_path, f"a.{kind}", data)
    for path in paths if orientation == 6 else paths[:1]:
        with Raster(path) as raster:
            assert (raster.height, raster.width) == STREET.shape[:2]
            read = raster.read(0, 0, *STREET.shape[:2])[0]
        # libjpeg of GDAL and that of Pillow round otherwise
        np.testing.assert_allclose(read, expected, atol=3 / 255 if kind == "jpg" else 1e-6)


def test_relative_paths_are_resolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack(tmp_path, "a.jpg", turned("jpg", 6))
    monkeypatch.chdir(tmp_path)
    for path in ("/vsizip/a.zip/inner/a.jpg", "/vsizip/{a.zip}/inner/a.jpg", "/vsizip/./a.zip/inner/a.jpg"):
        with Raster(path) as raster:
            assert (raster.height, raster.width) == STREET.shape[:2], path


def zipped(name: str, data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, data)
    return file.getvalue()


def tarred(name: str, data: bytes, mode: str = "w") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:  # type: ignore[call-overload]
        member = tarfile.TarInfo(name)
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return file.getvalue()


def read_upright(path: str) -> np.ndarray:
    with Raster(path) as raster:
        return raster.read(0, 0, *STREET.shape[:2])[0]


def assert_alike(path: str, data: bytes) -> None:
    """Assert that a path is read like the local file, up to rounding of the two JPEG decoders."""
    is_jpeg = data.startswith(b"\xff\xd8")
    np.testing.assert_allclose(
        read_upright(path), decode_image(data, "x").rgb(), atol=3 / 255 if is_jpeg else 0.6 / 255
    )


@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "tif"])
def test_orientation_is_applied_in_nested_archives(kind: str, tmp_path: Path) -> None:
    data = turned(kind, 6)
    name = f"a.{kind}"
    (tmp_path / "zip.zip").write_bytes(zipped("inner/b.zip", zipped(f"c/{name}", data)))
    (tmp_path / "tar.zip").write_bytes(zipped("b.tar", tarred(name, data)))
    (tmp_path / "zip.tar").write_bytes(tarred("b.zip", zipped(name, data)))
    (tmp_path / "zip.tar.gz").write_bytes(tarred("b.zip", zipped(name, data), "w:gz"))
    paths = [
        f"/vsizip/{{/vsizip/{{{tmp_path}/zip.zip}}/inner/b.zip}}/c/{name}",
        f"/vsitar//vsizip/{tmp_path}/tar.zip/b.tar/{name}",
        f"/vsizip//vsitar/{tmp_path}/zip.tar/b.zip/{name}",
        f"/vsizip//vsitar/{tmp_path}/zip.tar.gz/b.zip/{name}",
    ]
    if kind == "tif":  # GDAL reads no other kind from a gzip file
        (tmp_path / "gzip.zip").write_bytes(zipped("a.tif.gz", gzip.compress(data)))
        paths.append(f"/vsigzip//vsizip/{tmp_path}/gzip.zip/a.tif.gz")
    for path in paths:
        assert_alike(path, data)


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """URL of a server of the test's folder."""
    monkeypatch.setenv("CPL_VSIL_CURL_ALLOWED_FILENAME", "/none")
    # A process: GDAL's requests hold Python's lock, so that a thread could not answer them.
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{server.stdout.readline().split('port ')[1].split()[0]}"
        server.kill()


@pytest.mark.parametrize("kind", ["jpg", "tif"])
def test_orientation_is_applied_to_remote_files(kind: str, tmp_path: Path, served: str) -> None:
    data = turned(kind, 6)
    (tmp_path / f"plain.{kind}").write_bytes(data)
    (tmp_path / "a.zip").write_bytes(zipped(f"b/c.{kind}", data))
    (tmp_path / "a.tar").write_bytes(tarred(f"c.{kind}", data))
    for path in (
        f"/vsicurl/{served}/plain.{kind}",
        f"{served}/plain.{kind}",
        f"/vsizip//vsicurl/{served}/a.zip/b/c.{kind}",
        f"zip+{served}/a.zip!b/c.{kind}",
        f"/vsitar//vsicurl/{served}/a.tar/c.{kind}",
    ):
        assert_alike(path, data)


_IN_ARCHIVES = {**COLOUR_FILES, **COLOUR_TIFFS, **GRAY_TIFFS}
_UNREAD = frozenset({"AVIF", "AVIF Display P3", "BMP Adobe RGB"})  # GDAL reads no AVIF, and no BMP of version 5
_SUFFIXES = {b"\x89PNG": ".png", b"\xff\xd8": ".jpg", b"RIFF": ".webp", b"BM": ".bmp"}


@pytest.mark.parametrize(
    "kind", [name for name in _IN_ARCHIVES if name not in _UNREAD and "without its end" not in name]
)
def test_files_in_archives_decode_like_local_files(kind: str, tmp_path: Path) -> None:
    data = _IN_ARCHIVES[kind]
    suffix = next((suffix for magic, suffix in _SUFFIXES.items() if data.startswith(magic)), ".tif")
    (tmp_path / "a.zip").write_bytes(zipped(f"b{suffix}", data))
    assert_alike(f"/vsizip/{tmp_path}/a.zip/b{suffix}", data)
    assert_alike(f"zip://{tmp_path}/a.zip!b{suffix}", data)


@pytest.mark.parametrize(("name", "kind"), [("b.avif", "AVIF"), ("b.jpg", "JPEG without its end")])
def test_unreadable_archive_members_are_errors(name: str, kind: str, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped(name, COLOUR_FILES[kind]))
    with pytest.raises(DecodeError, match=rf"a\.zip/{name}"):
        read_upright(f"/vsizip/{tmp_path}/a.zip/{name}")


def test_size_and_seeking(tmp_path: Path) -> None:
    data = np.random.default_rng(0).integers(0, 256, 200_001, np.uint8).tobytes()
    (tmp_path / "a.zip").write_bytes(zipped("b", data))
    file = open_virtual_file(f"/vsizip/{tmp_path}/a.zip/b")
    assert file is not None
    with file:
        assert file.read(3) == data[:3]
        assert file.seek(-5, 2) == len(data) - 5
        assert file.read(100) == data[-5:]
        file.seek(len(data) + 10)
        assert file.read(4) == b""
        file.seek(65_000)
        assert file.read() == data[65_000:]


def test_images_of_a_file_in_an_archive_are_counted(tmp_path: Path) -> None:
    frames = [Image.fromarray(STREET), Image.fromarray(STREET[::-1])]
    file = io.BytesIO()
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:])
    (tmp_path / "a.zip").write_bytes(zipped("b.png", file.getvalue()))
    path = f"/vsizip/{tmp_path}/a.zip/b.png"
    assert count_images(path) == 2
    with Raster(path) as raster:
        assert any("2 images" in note for note in raster.reading.notes)


def test_local_path_is_not_a_virtual_file(tmp_path: Path) -> None:
    assert open_virtual_file(str(tmp_path / "a.tif")) is None


def test_damaged_archive_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\3\4")
    with pytest.raises(DecodeError, match=r"a\.zip/b\.tif: expected a file in an archive"):
        Raster(f"/vsizip/{tmp_path}/a.zip/b.tif")


def test_vrt_of_a_rotated_image_is_rejected(tmp_path: Path) -> None:
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
