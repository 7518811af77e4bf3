from __future__ import annotations

import io
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ir_transfer.imaging.exemplars.read import open_exemplar, read_radiometric
from tests.imaging.exemplars.exemplar_files import correlation, in_palette, scene

PLANCK_R1, PLANCK_B, PLANCK_F, PLANCK_O, PLANCK_R2 = 21106.77, 1501.0, 1.0, -7340, 0.012545258


def jpeg(segments: list[tuple[int, bytes]]) -> bytes:
    """Return a JPEG of the scene in a palette, with segments after its start marker."""
    file = io.BytesIO()
    Image.fromarray(in_palette(scene(), "iron")).save(file, "JPEG", quality=90)
    data = file.getvalue()
    made = b"".join(b"\xff" + bytes([kind]) + struct.pack(">H", len(body) + 2) + body for kind, body in segments)
    return data[:2] + made + data[2:]


def counts() -> np.ndarray[tuple[int, ...], np.dtype[np.uint16]]:
    return (12_000 + scene().astype(np.uint16) * 9).astype(np.uint16)


def flir() -> bytes:
    """Return FLIR's records: raw counts as a PNG of the other byte order, and the constants of Planck's law."""
    file = io.BytesIO()
    Image.fromarray(counts().byteswap()).save(file, "PNG")
    raw = struct.pack("<HHH", 2, 128, 96).ljust(32, b"\0") + file.getvalue()
    camera = bytearray(900)
    fields = {
        32: 1.0,
        36: 0.0,
        40: 293.15,
        44: 293.15,
        48: 293.15,
        52: 1.0,
        60: 0.5,
        88: PLANCK_R1,
        92: PLANCK_B,
        96: PLANCK_F,
        780: PLANCK_R2,
    }
    fields |= {112: 0.006569, 116: 0.01262, 120: -0.002276, 124: -0.00667, 128: 1.9}
    for place, value in fields.items():
        struct.pack_into("<f", camera, place, value)
    struct.pack_into("<i", camera, 776, PLANCK_O)
    first = 64 + 4 * 32  # two free records, as cameras leave them
    head = b"FFF\0" + bytes(16) + struct.pack(">III", 100, 64, 4)
    records = [(1, 3, first, len(raw)), (32, 1, first + len(raw), len(camera))]
    directory = [struct.pack(">HHIIII", *one[:2], 100, 1, *one[2:]).ljust(32, b"\0") for one in records]
    whole = head.ljust(64, b"\0") + b"".join(directory).ljust(4 * 32, b"\0") + raw + bytes(camera)
    return jpeg([(0xE1, b"FLIR\0\x01\x00\x00" + whole)])


def dji(values: np.ndarray[tuple[int, ...], np.dtype[np.uint16]]) -> bytes:
    raw = values.astype("<u2").tobytes()
    parts = [raw[at : at + 60_000] for at in range(0, len(raw), 60_000)]
    return jpeg([(0xE1, b"Exif\0\0 DJI M3T"), *((0xE3, part) for part in parts)])


def test_flir_gives_kelvin() -> None:
    pytest.importorskip("flyr")
    found = read_radiometric(flir())
    assert found is not None
    assert found.values is not None
    expected = PLANCK_B / np.log(PLANCK_R1 / (PLANCK_R2 * (counts() + float(PLANCK_O))) + PLANCK_F)
    np.testing.assert_allclose(found.values, expected, rtol=0.01)
    assert (found.unit, found.source) == ("Kelvin", "flyr")


def test_without_flyr_the_rendered_image_is_used_and_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "flyr", None)
    path = tmp_path / "flir.jpg"
    path.write_bytes(flir())
    read = open_exemplar(path)
    assert read.report.radiometric is None
    assert "the rendered image was used; install it with: pip install 'ir-transfer[radiometric]'" in read.report.line
    assert correlation(read.intensity, scene()) > 0.97


def test_records_that_flyr_cannot_read_are_ignored(tmp_path: Path) -> None:
    pytest.importorskip("flyr")
    path = tmp_path / "flir.jpg"
    path.write_bytes(jpeg([(0xE1, b"FLIR\0\x01\x00\x00" + bytes(200))]))
    assert "flyr cannot read its thermal values" in open_exemplar(path).report.line


def test_dji_gives_counts(tmp_path: Path) -> None:
    values = np.asarray(Image.fromarray(counts().astype(np.int32)).resize((640, 512), Image.Resampling.BILINEAR))
    path = tmp_path / "dji.jpg"
    path.write_bytes(dji(values.astype(np.uint16)))
    read = open_exemplar(path)
    assert read.intensity.shape == (512, 640)
    assert np.corrcoef(read.intensity.ravel(), values.ravel())[0, 1] > 0.999
    assert read.report.radiometric == "DJI's APP3 segments"
    assert read.report.taken.unit == "counts"


def test_dji_files_without_a_thermal_image_are_reported() -> None:
    noise = np.random.default_rng(0).integers(0, 65535, (512, 640), dtype=np.uint16)
    for values in (noise, noise[:100]):
        found = read_radiometric(dji(values))
        assert found is not None
        assert found.values is None
        assert "the rendered image was used" in found.note


def test_other_files_have_no_radiometric_data() -> None:
    assert read_radiometric(jpeg([])) is None
    assert read_radiometric(b"\x89PNG") is None
