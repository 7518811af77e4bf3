from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ir_transfer.data.pairs import list_pairs, load_pair
from ir_transfer.errors import DecodeError, InputError, MissingFileError
from tests.training.pair_set import render_pairs


def test_pairs_are_matched_by_stem_whatever_the_suffix(tmp_path: Path) -> None:
    render_pairs(tmp_path, 2)
    with Image.open(tmp_path / "rgb" / "scene_1.png") as picture:
        picture.save(tmp_path / "rgb" / "scene_1.jpg")
    (tmp_path / "rgb" / "scene_1.png").unlink()
    (tmp_path / "ir" / "lonely.png").write_bytes(b"")
    assert [(p.stem, p.rgb.suffix) for p in list_pairs(tmp_path)] == [("scene_0", ".png"), ("scene_1", ".jpg")]


def test_load_shrinks_both_alike(tmp_path: Path) -> None:
    render_pairs(tmp_path, 1, size=(60, 80))
    rgb, ir = load_pair(list_pairs(tmp_path)[0], max_width=40)
    assert rgb.shape == (30, 40, 3)
    assert ir.shape == (30, 40)


def test_sixteen_bits_and_orientation_are_read_as_the_command_reads_them(tmp_path: Path) -> None:
    for side in ("rgb", "ir"):
        (tmp_path / side).mkdir()
    ramp = np.linspace(0, 65535, 20 * 30).astype(np.uint16).reshape(20, 30)
    Image.fromarray(ramp).save(tmp_path / "ir" / "a.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.zeros((30, 20, 3), np.uint8)).save(tmp_path / "rgb" / "a.jpg", exif=exif)
    rgb, ir = load_pair(list_pairs(tmp_path)[0])
    assert rgb.shape == (20, 30, 3)
    np.testing.assert_array_equal(ir, np.round(ramp / 257).astype(np.uint8))
    (tmp_path / "ir" / "a.png").write_bytes(b"damage")
    with pytest.raises(DecodeError, match=r"a\.png"):
        load_pair(list_pairs(tmp_path)[0])


def test_missing_folder_no_partner_and_other_size(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="rgb/ and ir/"):
        list_pairs(tmp_path)
    for side in ("rgb", "ir"):
        (tmp_path / side).mkdir()
    with pytest.raises(InputError, match="none in common"):
        list_pairs(tmp_path)
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(tmp_path / "rgb" / "a.png")
    Image.fromarray(np.zeros((20, 31), np.uint8)).save(tmp_path / "ir" / "a.png")
    with pytest.raises(InputError, match="register"):
        load_pair(list_pairs(tmp_path)[0])
