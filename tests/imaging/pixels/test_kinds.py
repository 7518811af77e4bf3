from __future__ import annotations

import shutil
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from ir_transfer.conversion.video.source import FrameFolder
from ir_transfer.data.pair_files import open_pair
from ir_transfer.errors import DecodeError, InputError
from ir_transfer.imaging.exemplars.read import open_exemplar
from ir_transfer.imaging.image_io import DecodedImage, decode_image, read_image
from ir_transfer.imaging.pixels.curves import ADOBE_RGB, SRGB
from ir_transfer.imaging.raster.kind import is_raster
from ir_transfer.imaging.raster.read import Raster
from tests.imaging.pixels.kinds import (
    COLOUR_FILES,
    COLOUR_TIFFS,
    GRAY,
    GRAY_TIFFS,
    STREET,
    adobe_exif_tiff,
    bmp,
    icc,
    png_with,
    srgb_profile,
    stored_for,
    tiff,
)

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


@pytest.mark.parametrize(
    "kind", ["white is zero", "16 bit white is zero", "Adobe RGB", "Adobe RGB by EXIF", "palette", "plain"]
)
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


def _chromaticities() -> bytes:
    pairs = [number for xy in ADOBE_RGB[1:] for value in xy for number in (round(value * 10**6), 10**6)]
    return tiff(STREET, tags=[(319, 5, 6, pairs, True)])


DECLARED_OTHERWISE = {
    "TIFF primaries": (_chromaticities(), "its tags of primaries and transfer function are not applied"),
    "TIFF transfer function": (
        tiff(STREET, tags=[(301, 3, 768, [*range(0, 65536, 256)] * 3, True)]),
        "its tags of primaries and transfer function are not applied",
    ),
    "TIFF uncalibrated": (adobe_exif_tiff(STREET, 65535), "its EXIF declares uncalibrated colours"),
    "PNG primaries alone": (
        png_with(STREET, (b"cHRM", struct.pack(">8I", *(round(v * 100_000) for xy in ADOBE_RGB for v in xy)))),
        "its primaries are not applied, since it declares no gamma",
    ),
    "PNG of narrow range": (png_with(STREET, (b"cICP", bytes([1, 13, 0, 0]))), "declares a narrow range"),
    "BMP with a linked profile": (bmp(STREET, b"KNIL"), "the colours that its header declares are not applied"),
    "BMP with a gamma": (bmp(STREET, bytes(4), gamma=1), "the colours that its header declares are not applied"),
}


@pytest.mark.parametrize("name", DECLARED_OTHERWISE)
def test_declarations_that_are_not_applied_are_reported(name: str) -> None:
    data, note = DECLARED_OTHERWISE[name]
    image = decode_image(data, "x")
    np.testing.assert_array_equal(image.levels, STREET.transpose(2, 0, 1))
    assert [note in one for one in image.reading.notes] == [True]


@pytest.mark.parametrize("name", ["PNG primaries of sRGB", "TIFF primaries of sRGB", "BMP sRGB", "two profiles"])
def test_usual_declarations_are_not_reported(name: str) -> None:
    white = struct.pack(">8I", *(round(v * 100_000) for xy in SRGB for v in xy))
    rounded = [number for xy in SRGB[1:] for value in xy for number in (round(value * 1000), 1000)]
    profiles = [(b"iCCP", b"x\0\0" + zlib.compress(one)) for one in (srgb_profile(), icc(ADOBE_RGB, 2.2))]
    data = {
        "PNG primaries of sRGB": png_with(STREET, (b"cHRM", white)),
        "TIFF primaries of sRGB": tiff(STREET, tags=[(319, 5, 6, rounded, True)]),
        "BMP sRGB": bmp(STREET, b"BGRs"),
        "two profiles": png_with(STREET, *profiles),  # the first counts
    }[name]
    image = decode_image(data, "x")
    np.testing.assert_array_equal(image.levels, STREET.transpose(2, 0, 1))
    assert image.reading.notes == []


@pytest.mark.parametrize("orientation", range(1, 9))
def test_ycbcr_that_gdal_converts_is_upright_or_refused(orientation: int) -> None:
    """Strips of YCbCr are turned one by one as they are converted."""
    ycbcr = np.asarray(Image.fromarray(stored_for(STREET, orientation)).convert("YCbCr"))
    data = tiff(ycbcr, photometric="ycbcr", orientation=orientation)
    if orientation == 1:
        assert np.abs(levels_of(decode_image(data, "x")) - STREET.transpose(2, 0, 1)).max() <= LOSSY
    else:
        with pytest.raises(DecodeError, match=rf"x: expected upright rows of YCbCr.* orientation {orientation}: conv"):
            decode_image(data, "x")


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
