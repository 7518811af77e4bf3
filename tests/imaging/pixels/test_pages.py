from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from ir_transfer.errors import DecodeError, InputError
from ir_transfer.imaging.header import count_images
from ir_transfer.imaging.image_io import decode_image
from ir_transfer.imaging.pixels.kinds import Wanted
from ir_transfer.imaging.raster.kind import is_raster
from ir_transfer.imaging.raster.read import Raster
from tests.imaging.pixels.kinds import STREET

SECOND = STREET[::-1].copy()


def pages(*images: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], reduced: bool = False) -> bytes:
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for number, image in enumerate(images):
            writer.write(image, photometric="rgb", subfiletype=1 if reduced and number else 0, metadata=None)
    return file.getvalue()


def several(kind: str) -> bytes:
    file = io.BytesIO()
    first, second = Image.fromarray(STREET), Image.fromarray(SECOND)
    options = {"quality": 100, "subsampling": 0} if kind == "MPO" else {"lossless": True} if kind == "WEBP" else {}
    first.save(file, kind, save_all=True, append_images=[second], **options)
    return file.getvalue()


def test_leading_thumbnail_is_not_a_page(tmp_path: Path) -> None:
    data = pages(STREET[::3, ::3], STREET)
    image = decode_image(data, "x")
    np.testing.assert_array_equal(image.levels, STREET.transpose(2, 0, 1))
    assert image.reading.facts["directory"] == 1
    assert image.reading.notes == []
    path = tmp_path / "a.tif"
    path.write_bytes(data)
    assert not is_raster(str(path), 36 * 52)
    assert is_raster(str(path), 36 * 52 - 1)
    with Raster(str(path)) as raster:
        np.testing.assert_allclose(raster.read(0, 0, 36, 52)[0] * 255, STREET.transpose(2, 0, 1), atol=1e-4)


def test_overviews_are_not_pages() -> None:
    assert decode_image(pages(STREET, STREET[::2, ::2].copy(), reduced=True), "x").reading.notes == []


@pytest.mark.parametrize("kind", ["TIFF", "PNG", "WEBP", "MPO"])
def test_multiple_images_are_reported_and_each_can_be_selected(tmp_path: Path, kind: str) -> None:
    data = pages(STREET, SECOND) if kind == "TIFF" else several(kind)
    decoded = decode_image(data, "x")
    assert "number 1 is used (choose with --page N" in decoded.reading.notes[0]
    assert decoded.reading.facts["pages"] == 2
    for page, image in ((None, STREET), (1, STREET), (2, SECOND)):
        taken = decode_image(data, "x", wanted=Wanted(page=page))
        assert np.abs(taken.levels.astype(int) - image.transpose(2, 0, 1)).max() <= (6 if kind == "MPO" else 0)
        assert (taken.reading.notes == []) is (page is not None)
    with pytest.raises((DecodeError, InputError), match="x: expected --page of 1 to 2, got 3"):
        decode_image(data, "x", wanted=Wanted(page=3))
    path = tmp_path / "a.bin"
    path.write_bytes(data)
    assert count_images(str(path)) == 2


def test_windowed_reading_depends_on_the_selected_page(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(pages(STREET, np.pad(STREET, ((0, 4), (0, 0), (0, 0)))))
    assert not is_raster(str(path), 36 * 52)
    assert is_raster(str(path), 36 * 52, page=2)
    assert is_raster(str(path), 36 * 52, page="all")
    assert not is_raster(str(path), 40 * 52, page="all")
    assert not is_raster(str(path), 40 * 52, page=3)  # it is refused where it is read


def test_page_of_a_file_in_an_archive_can_be_selected(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("scan.tif", pages(STREET[::3, ::3], STREET, SECOND))
        archive.writestr("one.tif", pages(STREET))
    path = f"/vsizip/{tmp_path}/a.zip/scan.tif"
    assert count_images(path) == 2
    assert count_images(f"/vsizip/{tmp_path}/a.zip/none.tif") == 1
    for page, image in ((None, STREET), (2, SECOND)):
        with Raster(path, page=page) as raster:
            np.testing.assert_allclose(raster.read(0, 0, 36, 52)[0] * 255, image.transpose(2, 0, 1), atol=1e-4)
            assert bool(raster.reading.notes) is (page is None)
    with Raster(f"/vsizip/{tmp_path}/a.zip/one.tif", page=1) as raster:
        assert raster.reading.notes == []
    with pytest.raises(InputError, match="expected --page of 1 to 2, got 3"):
        Raster(path, page=3)


def chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


@pytest.mark.parametrize("frames", [1, 2])
def test_default_image_of_an_animation_is_one_of_its_images(tmp_path: Path, frames: int) -> None:
    path = tmp_path / "a.png"
    following = [Image.fromarray(one) for one in (SECOND, STREET[:, ::-1])][:frames]
    Image.fromarray(STREET).save(path, save_all=True, append_images=following, default_image=True)
    assert count_images(str(path)) == 1 + frames
    for page, image in enumerate((STREET, SECOND, STREET[:, ::-1])[: 1 + frames], start=1):
        taken = decode_image(path.read_bytes(), "x", wanted=Wanted(page=page))
        np.testing.assert_array_equal(taken.levels, image.transpose(2, 0, 1))
    with pytest.raises(DecodeError, match=f"expected --page of 1 to {1 + frames}, got {2 + frames}"):
        decode_image(path.read_bytes(), "x", wanted=Wanted(page=2 + frames))


def test_stated_image_count_is_limited_by_the_file_content(tmp_path: Path) -> None:
    animation, views = several("PNG"), several("MPO")
    start = animation.index(b"acTL") - 4
    billions = chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))
    stated = struct.pack("<HHII", 0xB001, 4, 1, 2)  # the tag of the number of images
    assert views.count(stated) == 1
    files = {
        "a.png": animation[:start] + billions + animation[start + len(billions) :],
        "a.jpg": views.replace(stated, struct.pack("<HHII", 0xB001, 4, 1, 2**31)),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        assert 2 <= count_images(str(tmp_path / name)) < 100
