"""Every suffix of a supported format is recognised everywhere."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from ir_transfer.imaging.image_names import (
    BMP_SUFFIXES,
    JPEG_SUFFIXES,
    PNG_SUFFIXES,
    TIFF_SUFFIXES,
    is_image_name,
    is_sidecar_name,
    is_unread_name,
    world_endings,
)
from ir_transfer.imaging.raster.kind import is_raster
from ir_transfer.imaging.raster.read import Raster
from ir_transfer.imaging.read_warnings import world_file
from tests.imaging.pixels.kinds import STREET, saved, tiff

PLAIN = [
    *((suffix, "JPEG") for suffix in sorted(JPEG_SUFFIXES)),
    *((suffix, "PNG") for suffix in sorted(PNG_SUFFIXES)),
    *((suffix, "BMP") for suffix in sorted(BMP_SUFFIXES)),
    (".webp", "WEBP"),
]


@pytest.mark.parametrize("name", ["a.mpo", "a.JIF", "a.jpe", "a.apng", "a.dib", "a.tf8", "a.btf", "a.avifs"])
def test_rare_suffixes_are_read(name: str) -> None:
    assert is_image_name(Path(name))
    assert not is_unread_name(Path(name))


@pytest.mark.parametrize("name", ["a.jp2", "a.J2C", "a.pgm", "a.pnm", "a.wdp", "a.crw", "a.nitf"])
def test_unsupported_image_suffixes(name: str) -> None:
    assert not is_image_name(Path(name))
    assert is_unread_name(Path(name))


@pytest.mark.parametrize(("suffix", "kind"), PLAIN)
def test_archive_member_is_opened_by_the_driver_of_its_suffix(tmp_path: Path, suffix: str, kind: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(f"a{suffix}", saved(STREET, kind))
    with Raster(f"/vsizip/{tmp_path}/a.zip/a{suffix}") as raster:
        shown = raster.read(0, 0, *STREET.shape[:2])[0] * 255
    assert np.abs(shown - STREET.transpose(2, 0, 1)).mean() < 6


@pytest.mark.parametrize("suffix", sorted(TIFF_SUFFIXES))
def test_every_tiff_suffix_is_a_raster_suffix(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix.upper()}"
    path.write_bytes(tiff(STREET))
    assert not is_raster(str(path), 36 * 52)
    assert is_raster(str(path), 36 * 52 - 1)


@pytest.mark.parametrize(
    ("name", "beside"),
    [("a.jpe", "a.jew"), ("b.jfif", "b.jfw"), ("c.mpo", "c.mpow"), ("D.JPG", "D.JGW"), ("e.avif", "e.afw")],
)
def test_world_file_of_an_image_is_found(tmp_path: Path, name: str, beside: str) -> None:
    assert world_file(tmp_path / name) is None
    (tmp_path / beside).write_text("1\n0\n0\n-1\n0\n0\n")
    assert world_file(tmp_path / name) == tmp_path / beside
    assert is_sidecar_name(beside)


def test_tiff_keeps_the_transform_of_its_world_file(tmp_path: Path) -> None:
    for suffix in TIFF_SUFFIXES:
        (tmp_path / f"a{world_endings(suffix)[0]}").write_text("1\n0\n0\n-1\n0\n0\n")
        assert world_file(tmp_path / f"a{suffix}") is None
