from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ir_transfer.conversion.plan import make_plan
from ir_transfer.conversion.preview import write_preview
from ir_transfer.errors import DecodeError
from tests.conftest import photograph, thermal


def results(photos: Path, out: Path, names: int) -> None:
    for number in range(names):
        Image.fromarray(photograph(150, 200, number)).save(photos / f"p{number:02}.png")
    for job in make_plan([str(photos)], out).jobs:
        (out / job.output).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(thermal(150, 200)).save(out / job.output)


def test_sheet_has_at_most_12_rows(photos: Path, exemplar: Path, tmp_path: Path) -> None:
    results(photos, tmp_path / "out", 30)
    path = write_preview(make_plan([str(photos)], tmp_path / "out"), [str(exemplar)])
    assert path == tmp_path / "out" / "preview.png"
    with Image.open(path) as sheet:
        width, height = sheet.size
        pixels = np.asarray(sheet)
    assert width == 3 * 488 + 8
    assert 12 * 100 < height <= 12 * 430
    assert np.ptp(pixels[30:120, 8:200], axis=2).max() > 20  # the RGB image keeps its colours


def test_preview_does_not_overwrite_results(photos: Path, exemplar: Path, tmp_path: Path) -> None:
    Image.fromarray(photograph()).save(photos / "preview.png")
    out = tmp_path / "out"
    results(photos, out, 0)
    before = (out / "preview.png").read_bytes()
    assert write_preview(make_plan([str(photos)], out), [str(exemplar)]) == out / "preview-1.png"
    assert (out / "preview.png").read_bytes() == before


def test_styles_without_an_image_have_no_column(photos: Path, tmp_path: Path) -> None:
    results(photos, tmp_path / "out", 0)
    styles = ["preset:lwir-road-day", "x.safetensors"]
    path = write_preview(make_plan([str(photos)], tmp_path / "out"), styles)
    assert path is not None
    with Image.open(path) as sheet:
        assert sheet.width == 2 * 488 + 8


def test_failed_results_are_omitted(photos: Path, exemplar: Path, tmp_path: Path) -> None:
    results(photos, tmp_path / "out", 0)
    plan = make_plan([str(photos)], tmp_path / "out")
    (photos / "a.png").write_bytes(b"damage")
    with pytest.raises(DecodeError, match=r"a\.png"):
        write_preview(plan, [str(exemplar)])
    assert write_preview(plan, [str(exemplar)], left_out={"a.png"})


def test_no_results_give_no_preview(photos: Path, tmp_path: Path) -> None:
    assert write_preview(make_plan([str(photos)], tmp_path / "out"), ["x.png"]) is None
