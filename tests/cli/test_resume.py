"""``--resume`` converts only what has changed; a run without any success can be resumed with other options."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from PIL import Image

from ir_transfer.cli import main
from tests.conftest import photograph, thermal
from tests.imaging.raster.rasters import PLACED, numbers, write

STYLE = ["--style", "e.png", "--model", "histogram", "--threads", "1"]
ADAIN = ["--style", "e.png", "--model", "adain", "--threads", "1", "--tile-size", "64"]

_VRT = """<VRTDataset rasterXSize="64" rasterYSize="48"><SRS>EPSG:26914</SRS>
<GeoTransform>0, 1, 0, 0, 0, -1</GeoTransform>{}</VRTDataset>"""
_BAND = """<VRTRasterBand dataType="Byte" band="{0}"><SimpleSource>
<SourceFilename relativeToVRT="1">{1}</SourceFilename>
<SourceBand>{0}</SourceBand></SimpleSource></VRTRasterBand>"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory with an exemplar."""
    Image.fromarray(thermal(96, 128)).save(tmp_path / "e.png")
    monkeypatch.chdir(tmp_path)


def write_vrt(path: Path, source: str) -> None:
    path.write_text(_VRT.format("".join(_BAND.format(band, source) for band in (1, 2, 3))))


def tile(path: Path, seed: int = 0) -> None:
    write(path, numbers(3, 48, 64, seed=seed), **PLACED)


def in_a_vrt(root: Path) -> Callable[[], None]:
    tile(root / "tiles/t.tif")
    write_vrt(root / "in/a.vrt", "../tiles/t.tif")
    return lambda: tile(root / "tiles/t.tif", 1)


def in_a_vrt_of_a_vrt(root: Path) -> Callable[[], None]:
    tile(root / "tiles/t.tif")
    write_vrt(root / "tiles/inner.vrt", "t.tif")
    write_vrt(root / "in/a.vrt", "../tiles/inner.vrt")
    return lambda: tile(root / "tiles/t.tif", 1)


def with_a_world_file(root: Path) -> Callable[[], None]:
    write(root / "in/a.tif", numbers(3, 48, 64))
    world = root / "in/a.tfw"
    world.write_text("1\n0\n0\n-1\n10\n20\n")
    return lambda: (world.write_text("1\n0\n0\n-1\n30\n40\n"), None)[1]


def with_a_mask_beside_it(root: Path) -> Callable[[], None]:
    tile(root / "in/a.tif")

    def mask(share: int) -> None:
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(root / "in/a.tif", "r+") as dataset:
            dataset.write_mask(np.arange(48 * 64).reshape(48, 64) % share > 0)
        assert (root / "in/a.tif.msk").is_file()

    mask(2)
    data = (root / "in/a.tif").read_bytes()

    def change() -> None:
        mask(3)
        (root / "in/a.tif").write_bytes(data)

    return change


def with_metadata_beside_it(root: Path) -> Callable[[], None]:
    tile(root / "in/a.tif")
    text = '<PAMDataset><PAMRasterBand band="{}"><NoDataValue>0</NoDataValue></PAMRasterBand></PAMDataset>'
    (root / "in/a.tif.aux.xml").write_text(text.format(1))
    return lambda: ((root / "in/a.tif.aux.xml").write_text(text.format(2)), None)[1]


CHANGES = [in_a_vrt, in_a_vrt_of_a_vrt, with_a_world_file, with_a_mask_beside_it, with_metadata_beside_it]


def converted(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out.splitlines()[-1].partition(" (")[0]


@pytest.mark.parametrize("case", CHANGES)
def test_changed_raster_files_are_converted_again(
    case: Callable[[Path], Callable[[], None]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("in", "tiles"):
        (tmp_path / name).mkdir()
    change = case(tmp_path)
    for expected in ("converted 1, skipped 0", "converted 0, skipped 1"):
        assert main(["convert", "in", *ADAIN, "-o", "out", "--resume"]) == 0
        assert expected in converted(capsys)
    change()
    for expected in ("converted 1, skipped 0", "converted 0, skipped 1"):
        assert main(["convert", "in", *ADAIN, "-o", "out", "--resume"]) == 0
        assert expected in converted(capsys)
    assert main(["convert", "in", *ADAIN, "-o", "fresh"]) == 0
    result = next(path.name for path in (tmp_path / "out").iterdir() if path.suffix == ".tif")
    assert (tmp_path / "out" / result).read_bytes() == (tmp_path / "fresh" / result).read_bytes()


@pytest.mark.parametrize("name", ["/vsizip/a.zip/t.tif", "/vsizip/{a.zip}/t.tif"])
def test_changed_raster_in_an_archive_is_converted_again(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def pack(seed: int) -> None:
        tile(tmp_path / "t.tif", seed)
        with zipfile.ZipFile("a.zip", "w") as archive:
            archive.write("t.tif")

    for seed, expected in ((0, "converted 1"), (0, "converted 0, skipped 1"), (1, "converted 1")):
        if expected != "converted 0, skipped 1":
            pack(seed)
        assert main(["convert", name, *ADAIN, "-o", "out", "--resume"]) == 0
        assert expected in converted(capsys)


def test_new_sidecar_file_causes_reconversion(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    for number in range(2):
        Image.fromarray(photograph(40, 48, number)).save(tmp_path / f"in/{number}.png")
    assert main(["convert", "in", *STYLE, "-o", "out"]) == 0
    (tmp_path / "in/1.pgw").write_text("1\n0\n0\n-1\n10\n20\n")
    assert main(["convert", "in", *STYLE, "-o", "out", "--resume"]) == 0
    assert "converted 1, skipped 1" in converted(capsys)


def test_changed_masks_and_exemplars_cause_reconversion(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(thermal(96, 128, 5)).save(tmp_path / "f.png")
    for name, level in (("m.png", 255), ("n.png", 100)):
        Image.new("L", (64, 48), level).save(name)
    arguments = ["convert", str(photos), *STYLE, "--style", "f.png", "--style-mask", "m.png", "--style-mask", "n.png"]
    arguments += ["--fit-masks", "-o", "out", "--resume", "--model", "adain"]
    assert main(arguments) == 0
    assert main(arguments) == 0
    assert "converted 0, skipped 6" in converted(capsys)
    Image.new("L", (64, 48), 200).save("n.png")
    assert main(arguments) == 0
    assert "converted 6, skipped 0" in converted(capsys)
    Image.fromarray(thermal(96, 128, 6)).save(tmp_path / "f.png")
    assert main(arguments) == 0
    told = capsys.readouterr()
    assert "converted 6, skipped 0" in told.out
    assert "exemplar files have changed since: all results are regenerated" in told.err
    assert main([*arguments[:-4], "fresh", "--model", "adain"]) == 0
    assert Path("out/a.png").read_bytes() == Path("fresh/a.png").read_bytes()


def test_changed_exemplar_is_rejected_if_other_results_would_remain(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["convert", str(photos), *STYLE, "-o", "out"]) == 0
    Image.fromarray(thermal(96, 128, 6)).save(tmp_path / "e.png")
    kept = Path("out/a.png").read_bytes()
    assert main(["convert", str(photos / "sub"), *STYLE, "-o", "out", "--resume"]) == 2
    assert "results of one set of options" in capsys.readouterr().err
    assert Path("out/a.png").read_bytes() == kept


def test_round_robin_assignment_is_updated_after_images_are_removed(capsys: pytest.CaptureFixture[str]) -> None:
    Path("set").mkdir()
    for number in range(4):
        Image.fromarray(photograph(40, 48, number)).save(f"set/{number}.png")
    Image.fromarray(thermal(96, 128, 5)).save("f.png")
    arguments = ["dataset", "set", *STYLE, "--style", "f.png", "--assign", "round-robin"]
    assert main([*arguments, "-o", "ir"]) == 0
    Path("set/0.png").unlink()
    assert main([*arguments, "-o", "ir", "--resume"]) == 0
    assert "converted 3" in capsys.readouterr().out
    assert main([*arguments, "-o", "fresh"]) == 0
    assert all(Path(f"ir/{n}.png").read_bytes() == Path(f"fresh/{n}.png").read_bytes() for n in (1, 2, 3))
    rule = ["--rule", "[123].png=e.png"]
    assert main([*arguments, *rule, "-o", "ruled"]) == 0
    assert main([*arguments, *rule, "-o", "ruled", "--resume"]) == 0
    assert "converted 0, skipped 3" in capsys.readouterr().out


def spoil(root: Path) -> dict[str, bytes]:
    whole = {path.name: path.read_bytes() for path in root.iterdir()}
    for path in root.iterdir():
        path.write_bytes(b"no image")
    return whole


@pytest.mark.parametrize("command", ["convert", "dataset", "video"])
@pytest.mark.parametrize("word", [[], ["--resume"]])
def test_run_without_successes_can_be_resumed_with_other_options(
    command: str, word: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    root = Path("in")
    root.mkdir()
    for number in range(3):
        Image.fromarray(photograph(40, 48, number)).save(root / f"{number}.png")
    whole = spoil(root)
    wrong: list[Any] = [command, "in", *STYLE, "-o", "out", "--strength", "0.5"]
    assert main(wrong) in {1, 2}
    for name, data in whole.items():
        (root / name).write_bytes(data)
    assert main([command, "in", *STYLE, "-o", "out", *word]) == 0, capsys.readouterr().err
    lines = [json.loads(line) for line in Path("out/manifest.jsonl").read_text().splitlines()]
    assert lines[0]["look"]["strength"] in (1.0, [1.0, 1.0])
    assert [line["status"] for line in lines[1:]] == ["converted"] * 3
    assert main([command, "in", *STYLE, "-o", "out"]) == 2  # what succeeded is not replaced unasked
    shutil.rmtree("out")
