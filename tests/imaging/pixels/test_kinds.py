from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from ir_transfer.conversion.video.source import FrameFolder
from ir_transfer.data.pair_files import open_pair
from ir_transfer.errors import InputError
from ir_transfer.imaging.exemplars.read import open_exemplar
from ir_transfer.imaging.image_io import DecodedImage, decode_image, read_image
from ir_transfer.imaging.raster.kind import is_raster
from ir_transfer.imaging.raster.read import Raster
from tests.imaging.pixels.kinds import COLOUR_FILES, COLOUR_TIFFS, GRAY, GRAY_TIFFS, STREET

CLOSE = 1.5
"""8-bit levels; two colour conversions round twice."""
LOSSY = 4.0

TIFFS = {**COLOUR_TIFFS, **GRAY_TIFFS}
ALL = {**TIFFS, **COLOUR_FILES}


def wanted(kind: str) -> NDArray[np.float64]:
    return (GRAY[None] if kind in GRAY_TIFFS else STREET.transpose(2, 0, 1)).astype(np.float64)


def levels_of(image: DecodedImage) -> NDArray[np.float64]:
    return image.levels.astype(np.float64) / image.white * 255


def tolerance(kind: str) -> float:
    return LOSSY if kind.startswith(("JPEG", "progressive", "AVIF")) else CLOSE


def opaque(levels: NDArray[Any]) -> NDArray[Any]:
    """Return the columns that are opaque in every format."""
    return levels[:, :, :40]


@pytest.mark.parametrize("kind", ALL)
def test_every_format_decodes_to_the_same_image(kind: str) -> None:
    image = decode_image(ALL[kind], "x")
    found = levels_of(image)
    assert found.shape == wanted(kind).shape
    assert np.abs(opaque(found) - opaque(wanted(kind))).max() <= 2 * tolerance(kind)
    assert np.abs(found - wanted(kind)).mean() <= tolerance(kind)


@pytest.mark.parametrize("kind", TIFFS)
def test_windowed_reading_equals_decoding(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(TIFFS[kind])
    assert not is_raster(str(path), 10_000)
    assert is_raster(str(path), 500)
    whole = read_image(path)
    with Raster(str(path)) as raster:
        assert (raster.height, raster.width) == (whole.height, whole.width)
        unit, valid = raster.read(0, 0, raster.height, raster.width)
        assert valid is None
        np.testing.assert_allclose(opaque(unit.astype(float)), opaque(whole.rgb().astype(float)), atol=2e-6)
        part, _ = raster.read(3, 5, 17, 31)
        np.testing.assert_array_equal(part, unit[:, 3:17, 5:31])


WIDE_COLOURS = {"16 bit CMYK", "16 bit CIE Lab", "16 bit ICC Lab"}
"""16-bit formats with a white level, which are not measurements even if georeferenced."""


@pytest.mark.parametrize(
    "kind", [name for name in TIFFS if name in WIDE_COLOURS or ("16 bit" not in name and "orientation" not in name)]
)
def test_georeferencing_does_not_change_pixels(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(TIFFS[kind])
    path.with_suffix(".tfw").write_text("0.5\n0\n0\n-0.5\n500000\n4000000\n")
    assert is_raster(str(path), 10_000)
    if kind == "float":  # a float with a place is a measurement
        return
    with Raster(str(path)) as raster:
        unit, _ = raster.read(0, 0, 36, 52)
    np.testing.assert_allclose(
        opaque(unit * np.float32(255)), opaque(np.broadcast_to(wanted(kind), unit.shape)), atol=2 * CLOSE
    )


def test_georeferenced_raster_ignores_orientation_and_reports_it(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(COLOUR_TIFFS["orientation 3"])
    path.with_suffix(".tfw").write_text("0.5\n0\n0\n-0.5\n500000\n4000000\n")
    with Raster(str(path)) as raster:
        unit, _ = raster.read(0, 0, 36, 52)
        assert "orientation tag (3) is not applied" in raster.reading.notes[0]
    np.testing.assert_allclose(unit * 255, STREET[::-1, ::-1].transpose(2, 0, 1), atol=0.01)


@pytest.mark.parametrize("kind", ["white is zero", "16 bit white is zero", "Adobe RGB", "palette", "plain"])
def test_vrt_is_read_like_its_source(tmp_path: Path, kind: str) -> None:
    from rasterio.shutil import copy

    path = tmp_path / "a.tif"
    path.write_bytes(TIFFS[kind])
    copy(str(path), str(tmp_path / "a.vrt"), driver="VRT")
    with Raster(str(tmp_path / "a.vrt")) as raster:
        unit, _ = raster.read(0, 0, 36, 52)
    np.testing.assert_allclose(unit * 255, np.broadcast_to(wanted(kind), unit.shape), atol=CLOSE)


def test_vrt_of_cmyk_sources_is_rejected(tmp_path: Path) -> None:
    from rasterio.shutil import copy

    (tmp_path / "a.tif").write_bytes(COLOUR_TIFFS["CMYK"])
    copy(str(tmp_path / "a.tif"), str(tmp_path / "a.vrt"), driver="VRT")
    with pytest.raises(InputError, match=r"a\.vrt: expected sources of gray or RGB, got inks .* use the files"):
        Raster(str(tmp_path / "a.vrt"))


@pytest.mark.parametrize("kind", ["16 bit white is zero", "PNG Display P3", "orientation 6", "gray profile"])
def test_all_commands_read_the_same_pixels(tmp_path: Path, kind: str) -> None:
    ending = ".png" if kind.startswith("PNG") else ".tif"
    path = tmp_path / f"frame1{ending}"
    path.write_bytes(ALL[kind])
    photograph = read_image(path).rgb()
    frame = next(FrameFolder(tmp_path, 25, 10_000).frames()).image
    assert frame is not None
    shutil.copy(path, tmp_path / f"ir{ending}")
    rgb, infrared = open_pair(path, tmp_path / f"ir{ending}")
    for other in (frame.rgb(), rgb.rgb()):
        np.testing.assert_array_equal(other, photograph)
    np.testing.assert_array_equal(infrared.gray(), read_image(path).gray())
    if kind in GRAY_TIFFS:
        read = open_exemplar(path, "full")
        seen = np.ones(GRAY.shape, bool) if read.valid is None else read.valid
        assert np.abs(read.intensity * 255 - GRAY)[seen].max() <= CLOSE


def test_profile_of_a_lab_file_gives_no_warning(tmp_path: Path) -> None:
    lab = ImageCms.createProfile("LAB")
    image = ImageCms.profileToProfile(
        Image.fromarray(STREET), ImageCms.createProfile("sRGB"), lab, outputMode="LAB", inPlace=False
    )
    assert image is not None
    path = tmp_path / "a.tif"
    image.save(path, icc_profile=ImageCms.ImageCmsProfile(lab).tobytes())
    found = read_image(path)
    assert found.reading.notes == []
    assert np.abs(found.levels.astype(float) / found.white * 255 - STREET.transpose(2, 0, 1)).mean() < 2
