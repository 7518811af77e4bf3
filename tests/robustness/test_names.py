"""Files with unusual names in every option that takes a file."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ir_transfer.cli import main
from tests.conftest import photograph, thermal
from tests.imaging.raster.rasters import PLACED, numbers, write

NAMES = {
    "newline": "a\nb",
    "terminal codes": "a\x1b[31mb",
    "Latin-1": os.fsdecode(b"Stra\xdfe"),
    "255 bytes": "x" * 251,
    "255 bytes of UTF-8": "\u00e9" * 125 + "x",
    "a pattern": "a[1]*?",
    "an option": "--resume",
}
MODEL = ["--model", "histogram", "--threads", "1", "-q"]


@pytest.fixture(params=list(NAMES.values()), ids=list(NAMES))
def name(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The stem of RGB image, exemplar and mask in the folders in, ex and m."""
    stem: str = request.param
    monkeypatch.chdir(tmp_path)
    contents = {"in": photograph(40, 48), "ex": thermal(96, 128), "m": np.full((40, 48), 200, np.uint8)}
    for folder, pixels in contents.items():
        Path(folder).mkdir()
        Image.fromarray(pixels).save("image.png")
        try:
            shutil.move("image.png", f"{folder}/{stem}.png")
        except OSError:
            pytest.skip("the file system takes no such name")
    Image.fromarray(thermal(96, 128)).save("e.png")
    return stem


def output(out: str) -> bytes:
    entry = json.loads(Path(out, "manifest.jsonl").read_bytes().splitlines()[1].decode("utf-8", "surrogateescape"))
    assert entry["status"] == "converted", entry["error"]
    return Path(out, str(entry["output"])).read_bytes()


def test_unusual_names_of_images_and_exemplars(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    style = ["--style", f"ex/{name}.png", *MODEL]
    assert main(["convert", "in", *style, "-o", "one", "--preview"]) == 0
    assert Path("one/preview.png").is_file()
    assert main(["convert", "in", "--style", "ex", *MODEL, "-o", "two"]) == 0
    assert main(["convert", f"in/{name}.png", "--style", "e.png", *MODEL, "-o", "three"]) == 0
    assert output("one") == output("two") == output("three")
    assert main(["convert", "in", *style, "-o", "one", "--resume"]) == 0
    Path("list.txt").write_bytes(os.fsencode(f"in/{name}.png\n"))
    if name.isprintable():
        assert main(["convert", "list.txt", "--style", "e.png", *MODEL, "-o", "four"]) == 0
    assert capsys.readouterr().err == ""
    assert main(["convert", "in", *style[:-1], "-o", "five", "--dry-run"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2  # a line for the image and one for the run


def test_unusual_names_of_masks_sets_and_folders(name: str) -> None:
    style = ["--style", "e.png", "--threads", "1", "-q"]
    for mask in ("m", f"m/{name}.png"):
        arguments = ["convert", "in", *style, "--style", f"ex/{name}.png", "--model", "adain", "-o", f"{mask[:2]}out"]
        assert main([*arguments, "--style-mask", mask, "--style-mask", mask, "--overwrite"]) == 0
    assert main(["dataset", "in", "--style", f"ex/{name}.png", *MODEL, "-o", "set"]) == 0
    assert main(["dataset", "verify", "set", "-q"]) == 0
    assert main(["convert", "in", *style, "--model", "histogram", "-o", f"./{name}"]) == 0
    assert output(f"./{name}") == output("set")


def test_failures_are_reported_on_one_line(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(f"in/{name}.png").write_bytes(b"no image")
    assert main(["convert", "in", "--style", "e.png", *MODEL, "-o", "out"]) == 1
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1
    assert told.startswith("Error: ")
    assert "\x1b" not in told


def test_tiff_with_a_name_that_gdal_does_not_support(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    Image.fromarray(thermal(96, 128)).save("e.png")
    latin = os.fsdecode(b"Stra\xdfe")
    Image.fromarray(photograph(40, 48)).save("in/plain.tif")
    Image.fromarray(photograph(40, 48)).save("in/z.png")
    shutil.copy("in/plain.tif", f"in/{latin}.tif")
    write(tmp_path / "placed.tif", numbers(3, 48, 64), **PLACED)
    shutil.copy("placed.tif", f"in/placed {latin}.tif")
    shutil.copy("in/plain.tif", f"in/world {latin}.tif")
    Path(f"in/world {latin}.tfw").write_text("1\n0\n0\n-1\n10\n20\n")
    assert main(["convert", "in", "--style", "e.png", "--model", "gray", "--threads", "1", "-o", "out"]) == 1
    lines = [json.loads(line) for line in Path("out/manifest.jsonl").read_text("utf-8").splitlines()]
    told = {Path(line["input"]).name: line["error"] for line in lines[1:]}
    assert told.keys() == {path.name for path in Path("in").iterdir() if path.suffix != ".tfw"}
    assert {name for name, error in told.items() if error is None} == {"plain.tif", "z.png", f"{latin}.tif"}
    for name, error in told.items():  # with a place on Earth, which would be lost without a word
        assert error is None or ("rename it" in error and name in error)
    assert Path(f"out/{latin}.png").read_bytes() == Path("out/plain.png").read_bytes()
