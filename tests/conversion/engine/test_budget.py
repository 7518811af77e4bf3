"""``--memory`` limits the images that are read, translated and written concurrently."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ir_transfer.cli import main
from ir_transfer.conversion.controls import SizeOptions
from ir_transfer.conversion.engine.budget import Budget, InFlight, Size, size_of
from ir_transfer.conversion.exported.translator import in_torch
from ir_transfer.conversion.styles.choose import choose_styles
from ir_transfer.conversion.translate import Translator
from ir_transfer.errors import InputError
from tests.conftest import photograph
from tests.imaging.raster.rasters import numbers, write

MB = 10**6


@pytest.fixture
def budget(exemplar: Path) -> Budget:
    """2 GB for adain on a CPU."""
    translator = Translator.load(choose_styles([str(exemplar)], model="adain"), torch.device("cpu"))
    return Budget(SizeOptions(2000 * MB), translator)


def test_size_is_read_from_the_header(tmp_path: Path) -> None:
    pixels = photograph(48, 64)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    Image.fromarray(pixels.astype(np.uint16)[..., 0] * 257).save(tmp_path / "b.png")
    write(tmp_path / "c.tif", numbers(3, 48, 64, "uint16"))
    write(tmp_path / "d.tif", numbers(1, 48, 64).astype(np.float32))
    (tmp_path / "e.png").write_bytes(b"no image")
    found = [size_of(tmp_path / name) for name in ("a.png", "b.png", "c.tif", "d.tif")]
    assert [(one.height, one.width, one.itemsize) for one in found if one is not None] == [
        (48, 64, 1), (48, 64, 2), (48, 64, 2), (48, 64, 4),
    ]  # fmt: skip
    assert all(one is not None and one.file > 0 for one in found)
    assert size_of(tmp_path / "e.png") is None
    assert size_of(tmp_path / "none.png") is None
    os.mkfifo(tmp_path / "pipe.png")
    assert size_of(tmp_path / "pipe.png") is None  # opening it would wait for a writer


def test_images_in_flight_stay_within_the_budget(budget: Budget) -> None:
    flight = InFlight(budget)
    small, large = Size(512, 640), Size(8000, 8000)
    tokens = []
    while flight.fits(small):
        tokens.append(flight.begin(small))
    assert len(tokens) > 50
    assert flight.free - budget.device(small) < budget.reading(small)
    assert not flight.fits(large)
    assert flight.fits(None)  # what cannot be read takes nothing
    for token in tokens:
        flight.was_read(token, 2)
        assert not flight.fits(large)
    for token in tokens:
        flight.end(token)
        flight.end(token)
    assert len(flight) == 0
    assert flight.fits(large)
    token = flight.begin(large)
    assert not flight.fits(small)
    flight.was_read(token, 0)
    assert flight.free == budget.shared


def test_tile_budget_includes_the_image_itself(budget: Budget) -> None:
    for size in (Size(3000, 4000), Size(6000, 6000), Size(8000, 8000), Size(6000, 6000, 2)):
        assert budget.held(size) + budget.device(size) <= budget.shared
    assert budget.tile(budget.translator, Size(512, 640)) is None
    assert budget.tile(budget.translator, Size(8000, 8000)) is not None


def test_gpu_needs_no_memory_budget(budget: Budget) -> None:
    there = replace(
        budget, asked=SizeOptions(), translator=replace(in_torch(budget.translator), device=torch.device("cuda"))
    )
    assert there.tile(there.translator, Size(8000, 8000)) is None
    assert InFlight(there).fits(Size(8000, 8000))


def test_inputs_that_exceed_the_memory_limit_are_refused_by_name(budget: Budget) -> None:
    with pytest.raises(InputError, match=r"a\.png: expected --memory of at least 2620 MB to read 10000 x 10000"):
        budget.refuse(Size(10_000, 10_000), "a.png")
    replace(budget, asked=SizeOptions()).refuse(Size(10_000, 10_000), "a.png")
    budget.refuse(Size(8000, 8000), "a.png")


def test_controls_that_need_the_whole_image_are_rejected(budget: Budget) -> None:
    keeps = replace(budget.translator, controls=replace(budget.translator.controls, keep_tone=True))
    with pytest.raises(InputError, match=r"--keep-tone .*raise --memory \(and --tile-size, if set\)"):
        budget.tile(keeps, Size(8000, 8000))


def test_large_images_stay_within_the_memory_budget(tmp_path: Path, exemplar: Path) -> None:
    (tmp_path / "in").mkdir()
    pixels = np.repeat(np.repeat(photograph(125, 125), 32, 0), 32, 1)
    for number in range(6):
        Image.fromarray(pixels).save(tmp_path / f"in/{number}.png", compress_level=1)
    measured = (
        "import sys; from ir_transfer.cli import main; from ir_transfer.evaluation.benchmark.memory import own_peak;"
        "code = main(sys.argv[1:]); print(own_peak()); sys.exit(code)"
    )
    arguments = ["convert", str(tmp_path / "in"), "--style", str(exemplar), "--model", "gray", "--workers", "4"]
    arguments += ["--threads", "1", "--memory", "1250MB", "-q", "-o", str(tmp_path / "out")]
    done = subprocess.run([sys.executable, "-c", measured, *arguments], capture_output=True, text=True, check=True)
    assert float(done.stdout) * 2**20 < 1250 * MB
    assert len(list((tmp_path / "out").glob("*.png"))) == 6


@pytest.mark.parametrize("kind", ["RGB.png", "RGBA.png", "CMYK.jpg", "turned.jpg"])
def test_decoding_stays_within_the_estimate(kind: str, budget: Budget, tmp_path: Path) -> None:
    pixels = np.repeat(np.repeat(photograph(125, 125), 24, 0), 24, 1)
    image, exif = Image.fromarray(pixels), Image.Exif()
    if kind == "RGBA.png":
        image.putalpha(image.getchannel(0))
    elif kind == "CMYK.jpg":
        image = image.convert("CMYK")
    elif kind == "turned.jpg":
        exif[0x0112] = 6
    image.save(tmp_path / kind, exif=exif)
    Image.fromarray(pixels[:64, :64]).save(tmp_path / "small.png")
    measured = (
        "import sys; from ir_transfer.imaging.image_io import read_image;"
        "from ir_transfer.evaluation.benchmark.memory import own_peak;"
        "read_image(sys.argv[1]); before = own_peak(); read_image(sys.argv[2]); print(own_peak() - before)"
    )
    files = [str(tmp_path / "small.png"), str(tmp_path / kind)]
    done = subprocess.run([sys.executable, "-c", measured, *files], capture_output=True, text=True, check=True)
    size = size_of(tmp_path / kind)
    assert size is not None
    assert float(done.stdout) * 2**20 < budget.reading(size)


@pytest.mark.parametrize("model", ["histogram", "gray"])
def test_a_model_beyond_the_limit_is_reported(
    model: str, photos: Path, exemplar: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["convert", str(photos), "--style", str(exemplar), "--model", model, "-o", str(tmp_path / "out")]
    assert main([*command, "--memory", "2GB"]) == 0
    reported = "Warning: --memory limits reading and writing, but not model histogram" in capsys.readouterr().err
    assert reported == (model == "histogram")


def test_results_do_not_depend_on_the_memory_budget(tmp_path: Path, exemplar: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(30):
        Image.fromarray(photograph(40 + 31 * (number % 7), 50 + number, number)).save(tmp_path / f"in/{number}.png")
    style = ["--style", str(exemplar), "--model", "histogram", "-q", "--sensor", "boson-640"]
    for name, more in (("one", []), ("two", ["--memory", "822MB"])):
        assert main(["convert", str(tmp_path / "in"), *style, *more, "-o", str(tmp_path / name)]) == 0
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / name).glob("*.png")} for name in ("one", "two"))
    assert len(one) == 30
    assert one == two
