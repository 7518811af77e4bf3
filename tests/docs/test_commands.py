"""Every command and Python block of the documentation runs as written; repeated blocks run once."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import av
import pytest
import rasterio
from numpy import moveaxis
from PIL import Image
from rasterio.transform import from_origin

from ir_transfer.cli import main
from tests.conftest import photograph, thermal
from tests.docs.pages import CHECKOUT, PAGES, Block, blocks
from tests.labels.sets import coco_set, yolo_set

SHELL = [block for page in PAGES for block in blocks(page, "bash") if block.commands]
RUNNABLE = [block for block in SHELL if not block.title]
PYTHON = {block.text: block for page in PAGES for block in blocks(page, "python")}.values()


def with_new_commands(blocks: Sequence[Block]) -> list[Block]:
    """Return the blocks with a command that no earlier block has, since all pages have the same inputs."""
    seen: set[tuple[str, ...]] = set()
    found = []
    for block in blocks:
        commands = {tuple(words) for words in block.commands}
        if commands - seen:
            found.append(block)
        seen |= commands
    return found


def name_of(block: Block) -> str:
    text = block.page.read_text(encoding="utf-8")
    return f"{block.page.relative_to(CHECKOUT)}:{text.count(chr(10), 0, text.index(block.text))}"


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all inputs named on the pages."""
    root = tmp_path_factory.mktemp("inputs")
    folders = ["photos", "labels", "thermal_images", "frames", "orthophotos"]
    folders += (f"PAIRS/{split}/{side}" for split in ("train", "val") for side in ("rgb", "ir"))
    for folder in folders:
        (root / folder).mkdir(parents=True)
    for number in range(2):
        Image.fromarray(photograph(48, 64, number)).save(root / f"photos/{number}.png")
        Image.fromarray(photograph(48, 64, 0)).save(root / f"frames/{number:03}.png")
        Image.new("L", (64, 48), 1).save(root / f"labels/{number}.png")
        Image.fromarray(thermal(48, 64, number)).save(root / f"thermal_images/{number}.png")
        for split in ("train", "val"):
            seed = 10 * number + (split == "val")
            scene = Image.fromarray(photograph(96, 128, seed))
            scene.save(root / f"PAIRS/{split}/rgb/{seed}.png")
            scene.convert("L").save(root / f"PAIRS/{split}/ir/{seed}.png")
    for seed, name in enumerate(("thermal", "a", "b", "c", "d", "day", "night", "counts")):
        Image.fromarray(thermal(48, 64, seed)).save(root / f"{name}.png")
    Image.fromarray(thermal(48, 64).astype("uint16") * 12 + 21000).save(root / "counts.tif")
    Image.new("L", (64, 48), 1).save(root / "thermal_labels.png")
    for name, level in (("sky", 255), ("rest", 0)):
        mask = Image.new("L", (64, 48), 255 - level)
        mask.paste(level, (0, 0, 64, 20))
        mask.save(root / f"{name}.png")
    Image.fromarray(photograph(150, 200)).save(root / "huge.png")
    Image.fromarray(photograph(48, 64)).save(root / "photo.jpg")
    for path in (root / "scene.tif", root / "orthophotos/one.tif"):
        place = {"crs": "EPSG:32633", "transform": from_origin(500000, 5000000, 10, 10)}
        with rasterio.open(path, "w", "GTiff", 128, 96, 3, dtype="uint16", **place) as file:
            file.write(moveaxis(photograph(96, 128).astype("uint16") * 39, -1, 0))
    with av.open(root / "drive.mp4", "w") as clip:
        stream = clip.add_stream("mpeg4", rate=10)
        stream.width, stream.height = 64, 48
        for frame in [*(av.VideoFrame.from_ndarray(photograph(48, 64)) for _ in range(3)), None]:
            clip.mux(stream.encode(frame))
    coco_set(root / "coco")
    yolo_set(root / "yolo")
    return root


@pytest.mark.parametrize("block", with_new_commands(RUNNABLE), ids=name_of)
def test_commands_run(block: Block, inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Blocks may use results of earlier blocks of their page, which are made again, so that each block is a test alone.
    before = [other for other in RUNNABLE if other.page == block.page]
    before = before[: before.index(block)]
    folder = tmp_path / "work"
    shutil.copytree(inputs, folder)
    monkeypatch.chdir(folder)
    makes = {words[words.index("-o") + 1] for words in block.commands if "-o" in words}
    uses = {word for words in block.commands for word in words}
    for earlier in before:
        for words in earlier.commands:
            if "-o" in words and words[words.index("-o") + 1] in uses - makes:
                assert main(words) == 0
    for words in block.commands:
        assert main(words) == 0, words


@pytest.mark.parametrize("block", PYTHON, ids=name_of)
def test_python_blocks_run(block: Block) -> None:
    exec(compile(block.text, str(block.page), "exec"), {})


@pytest.mark.parametrize("block", [block for block in SHELL if block.title], ids=name_of)
def test_commands_that_are_not_run_have_valid_options(block: Block, capsys: pytest.CaptureFixture[str]) -> None:
    """Commands that are not run have valid options."""
    for words in block.commands:
        names = [word for word in words if not word.startswith("-")]
        commands = names[: 2 if names[0] in {"styles", "datasets", "runs", "models"} and len(names) > 1 else 1]
        assert main([*commands, "--help"]) == 0, words
        shown = capsys.readouterr().out
        assert all(word.partition("=")[0] in shown for word in words if word.startswith("--")), words
