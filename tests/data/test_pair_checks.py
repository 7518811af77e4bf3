from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ir_transfer.data.cards import load_card
from ir_transfer.data.pair_checks import check_pairs, check_singles
from ir_transfer.data.pairs import list_pairs
from ir_transfer.errors import InputError
from tests.training.pair_set import render_pairs


def test_pairs_of_unequal_sizes_are_counted(tmp_path: Path) -> None:
    render_pairs(tmp_path, 4)
    check_pairs(list_pairs(tmp_path))
    for name in ("scene_1", "scene_3"):
        Image.new("L", (30, 20)).save(tmp_path / "ir" / f"{name}.png")
    with pytest.raises(InputError, match=r"scene_1\.png \(96, 72\) and .*scene_1\.png \(30, 20\) and 1 more: register"):
        check_pairs(list_pairs(tmp_path))


def test_colour_palettes_are_rejected_but_equal_channels_accepted(tmp_path: Path) -> None:
    render_pairs(tmp_path, 2)
    path = tmp_path / "ir" / "scene_1.png"
    with Image.open(path) as image:
        gray = np.asarray(image)
    Image.fromarray(np.stack([gray] * 3, axis=2)).save(path)
    check_pairs(list_pairs(tmp_path))
    Image.fromarray(np.stack([gray, 255 - gray, gray // 2], axis=2)).save(path)
    with pytest.raises(InputError, match=r"three alike, in the infrared image .*scene_1\.png.*gray image"):
        check_pairs(list_pairs(tmp_path))
    with pytest.raises(InputError, match=r"scene_1\.png"):
        check_singles([pair.alone("ir") for pair in list_pairs(tmp_path)])


def test_file_that_cannot_be_split_is_found_from_its_header(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    for width in (80, 79):
        Image.new("RGB", (width, 40)).save(tmp_path / "train" / "1.png")
        pairs = list_pairs(tmp_path, load_card("generic-ab"))
        if width == 80:
            check_pairs(pairs)
    with pytest.raises(InputError, match="cannot be halved"):
        check_pairs(pairs)


def test_sizes_account_for_orientation(tmp_path: Path) -> None:
    render_pairs(tmp_path, 2)
    path = tmp_path / "rgb" / "scene_1.png"
    exif = Image.Exif()
    exif[274] = 6
    with Image.open(path) as image:
        image.load()
    image.save(path, exif=exif)  # stored as large as its infrared image, and read turned
    with pytest.raises(InputError, match=r"scene_1\.png \(72, 96\) and .*scene_1\.png \(96, 72\): register"):
        check_pairs(list_pairs(tmp_path))
    image.transpose(Image.Transpose.ROTATE_90).save(path, exif=exif)  # the inverse of what orientation 6 asks for
    check_pairs(list_pairs(tmp_path))
