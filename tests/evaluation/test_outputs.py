"""Rows of results of other programs."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.errors import NotGeoreferencedWarning
from skimage.io import imread, imsave

from ir_transfer.data.pair_files import read_pair
from ir_transfer.data.pairs import list_pairs
from ir_transfer.errors import InputError, MissingFileError
from ir_transfer.evaluation.comparison import compare
from ir_transfer.evaluation.outputs import open_outputs
from ir_transfer.evaluation.protocol import Protocol
from ir_transfer.evaluation.result_files import write_json
from ir_transfer.evaluation.scenes import load_scene
from tests.evaluation.street_scene import write_pairs


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two scenes, and a folder of 16-bit images close to their ground truths."""
    root = write_pairs(tmp_path / "set", 2)
    (root / "made").mkdir()
    for path in (root / "ir").iterdir():
        imsave(root / "made" / path.name, imread(path).astype(np.uint16) * 256, check_contrast=False)
    return root


def test_output_folder_is_a_row_of_the_table(root: Path, tmp_path: Path) -> None:
    compared = compare(
        root, ["oracle"], ["gray"], {}, outputs=[f"made={root / 'made'}"], boxes=root / "boxes.json", device="cpu"
    )  # fmt: skip
    scores = compared.results.scores["made"]
    assert scores["psnr"].mean > 45
    assert scores["cell_correlation"].mean == pytest.approx(1)
    assert scores["contrast_truth"].mean == pytest.approx(1, abs=0.01)
    assert scores["exemplar_distance"].mean < 0.004
    assert scores["people_heat"].mean == scores["people_hot"].mean == 1
    assert "polarity" not in scores and "polarity" in compared.results.scores["gray"]
    assert compared.settings["outputs/made"] == str(root / "made")
    compared.write_sheet(tmp_path / "sheet.png", cell_width=72)
    write_json(compared, tmp_path / "results.json")
    assert "made" in (tmp_path / "results.json").read_text()


def test_images_are_resized_like_scenes_and_black_hot_ones_inverted(root: Path) -> None:
    for folder in ("ir", "made"):
        for path in (root / folder).iterdir():
            levels = imread(path)
            imsave(path, np.iinfo(levels.dtype).max - levels, check_contrast=False)
    protocol = Protocol("short", 1, polarity="black-hot", max_side=72)
    compared = compare(root, ["oracle"], ["gray"], {}, outputs=[f"a={root / 'made'}"], protocol=protocol, device="cpu")
    assert compared.results.scores["a"]["psnr"].mean > 45
    assert compared.results.outputs["a"]["scene0"].shape == (56, 72)


def test_every_mismatched_file_is_named(root: Path) -> None:
    pairs, made = list_pairs(root), root / "made"
    (made / "scene0.png").rename(made / "scene7.png")
    imsave(made / "scene1.png", np.zeros((20, 30), np.uint8), check_contrast=False)
    with pytest.raises(InputError) as caught:
        open_outputs(f"made={made}", pairs)
    message = str(caught.value)
    for part in (
        "missing: scene0;",
        "of no scene: scene7.png;",
        "scene1.png (30 x 20 instead of 144 x 112)",
        "2 scenes",
    ):
        assert part in message
    imsave(made / "scene1.bmp", np.zeros((112, 144), np.uint8), check_contrast=False)
    with pytest.raises(InputError, match=r"twice: scene1\.(png|bmp)"):
        open_outputs(f"made={made}", pairs)


def test_invalid_name_and_folder_pairs_are_rejected(root: Path) -> None:
    for text in ("made", "=made", "made="):
        with pytest.raises(InputError, match="NAME=FOLDER"):
            open_outputs(text, [])
    with pytest.raises(MissingFileError, match="nowhere"):
        open_outputs(f"a={root / 'nowhere'}", [])


def test_duplicate_label_is_rejected(root: Path) -> None:
    with pytest.raises(InputError, match="distinct labels"):
        compare(root, ["oracle"], ["gray"], {}, outputs=[f"gray={root / 'made'}"], device="cpu")


def test_coloured_result_is_rejected(root: Path) -> None:
    imsave(root / "made" / "scene0.png", np.random.default_rng(0).integers(0, 255, (112, 144, 3)).astype(np.uint8))
    with pytest.raises(InputError, match=r"scene0\.png"):
        compare(root, ["oracle"], ["gray"], {}, outputs=[f"a={root / 'made'}"], device="cpu")


def holed(path: Path, kind: str) -> None:
    """Cut a hole of 10 x 20 pixels into an image of 16 bits."""
    levels = imread(path)
    if kind == "alpha":
        alpha = np.full(levels.shape, 255, np.uint8)
        alpha[30:40, 50:70] = 0
        Image.fromarray(np.dstack([(levels >> 8).astype(np.uint8), alpha]), "LA").save(path)
        return
    path.unlink()
    unit = (levels / 65535).astype(np.float32)
    unit[30:40, 50:70] = np.nan if kind == "nan" else -1
    profile = {"width": 144, "height": 112, "count": 1, "dtype": "float32", "nodata": None if kind == "nan" else -1}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path.with_suffix(".tif"), "w", "GTiff", **profile) as file:
            file.write(unit, 1)


@pytest.mark.parametrize("kind", ["alpha", "nan", "nodata"])
def test_invalid_pixels_in_a_result_are_reported(root: Path, kind: str) -> None:
    holed(root / "made/scene1.png", kind)
    with pytest.raises(InputError, match=r"holes .*: scene1\.(png|tif) \(1\.2%\): fill them"):
        open_outputs(f"made={root / 'made'}", list_pairs(root))


@pytest.mark.parametrize("kind", ["alpha", "nan", "nodata"])
def test_invalid_pixels_outside_the_valid_area_are_accepted(root: Path, kind: str) -> None:
    for path in (root / "ir").iterdir():
        alpha = np.full((112, 144), 255, np.uint8)
        alpha[28:42, 48:72] = 0
        Image.fromarray(np.dstack([imread(path), alpha]), "LA").save(path)
    pairs = list_pairs(root)
    scene = load_scene(pairs[1])
    assert scene.valid is not None
    whole = open_outputs(f"made={root / 'made'}", pairs).image(scene)
    holed(root / "made/scene1.png", kind)
    found = open_outputs(f"made={root / 'made'}", pairs).image(scene)
    np.testing.assert_allclose(found[scene.valid], whole[scene.valid], atol=5e-3)
    assert bool((found[~scene.valid] - whole[~scene.valid]).abs().max() > 0.01)


def test_fully_transparent_images_are_rejected(root: Path) -> None:
    levels = (imread(root / "made/scene0.png") >> 8).astype(np.uint8)
    hidden = Image.fromarray(np.dstack([levels, np.zeros_like(levels)]), "LA")
    hidden.save(root / "made/scene0.png")
    with pytest.raises(InputError, match=r"scene0\.png \(100\.0%\)"):
        open_outputs(f"made={root / 'made'}", list_pairs(root))
    hidden.save(root / "ir/scene0.png")
    with pytest.raises(InputError, match=r"valid in .*ir/scene0\.png, got alpha or a mask that hides all"):
        read_pair(list_pairs(root)[0])


def test_levels_with_fewer_bits_than_the_file_are_reported(
    root: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A command that ran before may have set both, also --quiet.
    monkeypatch.setattr(logging.getLogger("ir_transfer"), "propagate", True)
    caplog.set_level(logging.WARNING, "ir_transfer")
    for folder in ("made", "ir"):
        for path in (root / folder).iterdir():
            levels = imread(path).astype(np.uint16)
            imsave(path, levels >> 4 if folder == "made" else levels << 4, check_contrast=False)
    pairs = list_pairs(root)
    row = open_outputs(f"made={root / 'made'}", pairs)
    for pair in pairs:
        row.image(load_scene(pair))
    told = {message for message in caplog.messages if "of 16 bits, so that it is dark" in message}
    assert len(told) == 2, "one for each folder"
    assert all("levels are in 0 to 4095 of 16 bits" in message and "white: 4095" in message for message in told)
