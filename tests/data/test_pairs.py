from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from PIL import Image

from ir_transfer.data.cards import load_card
from ir_transfer.data.pair_files import load_pair, read_pair
from ir_transfer.data.pairs import list_pairs, scan_pairs
from ir_transfer.errors import DecodeError, InputError, MissingFileError
from tests.training.pair_set import render_pairs


def test_pairs_are_matched_by_stem_regardless_of_suffix(tmp_path: Path) -> None:
    render_pairs(tmp_path, 2)
    with Image.open(tmp_path / "rgb" / "scene_1.png") as image:
        image.save(tmp_path / "rgb" / "scene_1.jpg")
    (tmp_path / "rgb" / "scene_1.png").unlink()
    (tmp_path / "ir" / "unpaired.png").write_bytes(b"")
    assert [(p.stem, p.rgb.suffix) for p in list_pairs(tmp_path)] == [("scene_0", ".png"), ("scene_1", ".jpg")]


def test_both_images_are_reduced_equally(tmp_path: Path) -> None:
    render_pairs(tmp_path, 1, size=(60, 80))
    rgb, ir, _ = load_pair(list_pairs(tmp_path)[0], max_width=40)
    assert rgb.shape == (30, 40, 3)
    assert ir.shape == (30, 40)


def test_16_bits_and_orientation_are_read_as_in_convert(tmp_path: Path) -> None:
    for side in ("rgb", "ir"):
        (tmp_path / side).mkdir()
    ramp = np.linspace(0, 65535, 20 * 30).astype(np.uint16).reshape(20, 30)
    Image.fromarray(ramp).save(tmp_path / "ir" / "a.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.zeros((30, 20, 3), np.uint8)).save(tmp_path / "rgb" / "a.jpg", exif=exif)
    rgb, ir, _ = load_pair(list_pairs(tmp_path)[0])
    assert rgb.shape == (20, 30, 3)
    np.testing.assert_array_equal(ir, ramp)
    (tmp_path / "ir" / "a.png").write_bytes(b"damage")
    with pytest.raises(DecodeError, match=r"a\.png"):
        load_pair(list_pairs(tmp_path)[0])


def test_missing_folders_unpaired_files_and_unequal_sizes_are_errors(tmp_path: Path) -> None:
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


def save(path: Path, levels: NDArray[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(levels).save(path)


def test_halves_of_one_file(tmp_path: Path) -> None:
    both = np.zeros((40, 80, 3), np.uint8)
    both[:, :40] = (200, 100, 50)
    both[:, 40:] = 30
    save(tmp_path / "train" / "1.png", both)
    (pair,) = list_pairs(tmp_path, load_card("generic-ab"))
    rgb, ir, _ = load_pair(pair)
    assert (pair.stem, pair.part, rgb.shape, ir.shape) == ("train_1", "train", (40, 40, 3), (40, 40))
    assert (rgb == (200, 100, 50)).all()
    assert (ir == 30).all()
    save(tmp_path / "train" / "1.png", both[:, :79])
    with pytest.raises(InputError, match="cannot be halved"):
        load_pair(pair)


def test_bands_of_one_file_keep_all_bits(tmp_path: Path) -> None:
    with rasterio.open(tmp_path / "T31TCJ_1.tif", "w", driver="GTiff", count=4, height=8, width=9, dtype="uint16") as f:
        f.write(np.stack([np.full((8, 9), level, np.uint16) for level in (100, 200, 9000, 1001)]))
    (pair,) = list_pairs(tmp_path, load_card("sentinel2"))
    rgb, ir, _ = read_pair(pair)
    assert pair.scene == "T31TCJ"
    np.testing.assert_allclose(rgb[:, 0, 0], [100 / 4000, 200 / 4000, 1])
    np.testing.assert_allclose(ir, 1001 / 4000)
    with rasterio.open(tmp_path / "T31TCJ_1.tif", "w", driver="GTiff", count=3, height=8, width=9, dtype="uint16") as f:
        f.write(np.zeros((3, 8, 9), np.uint16))
    with pytest.raises(InputError, match=r"expected bands of 1 to 3, got \(1, 2, 3, 4\): correct the card"):
        read_pair(pair)


def test_16_bit_infrared_is_not_clipped(tmp_path: Path) -> None:
    save(tmp_path / "rgb" / "a.png", np.zeros((4, 5, 3), np.uint8))
    save(tmp_path / "ir" / "a.png", np.full((4, 5), 32896, np.uint16))
    (pair,) = list_pairs(tmp_path)
    assert (load_pair(pair)[1] == 32896).all()
    np.testing.assert_allclose(read_pair(pair)[1], 32896 / 65535)


def test_list_files_give_pairs_and_report_missing_files(tmp_path: Path) -> None:
    (tmp_path / "align_train.txt").write_text("FLIR_1_PreviewData\nFLIR_2_PreviewData\n")
    for name in ("FLIR_1_RGB.jpg", "FLIR_1_PreviewData.jpeg", "FLIR_2_RGB.jpg"):
        save(tmp_path / "JPEGImages" / name, np.zeros((8, 8), np.uint8))
    listing = scan_pairs(tmp_path, load_card("flir-aligned"))
    assert [(p.stem, p.part) for p in listing.pairs] == [("train_FLIR_1", "train")]
    assert "FLIR_2_PreviewData.jpeg, which is missing" in listing.unpaired["rgb"][0]
    (tmp_path / "align_train.txt").write_text("FLIR_1\n")
    with pytest.raises(InputError, match=r"line 1 of .*align_train\.txt"):
        scan_pairs(tmp_path, load_card("flir-aligned"))


def test_two_column_lists(tmp_path: Path) -> None:
    save(tmp_path / "a b" / "1.png", np.zeros((8, 8), np.uint8))
    save(tmp_path / "c.png", np.zeros((8, 8), np.uint8))
    (tmp_path / "pairs.txt").write_text("# photograph, infrared\n\na b/1.png\tc.png\n")
    (pair,) = list_pairs(tmp_path, load_card("generic-list"))
    assert (pair.stem, pair.ir) == ("a b_1", tmp_path / "c.png")


def test_mismatched_card_is_reported(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="crop_LR_visible"):
        list_pairs(tmp_path, load_card("roadscene"))
    with pytest.raises(InputError, match="show llvip"):
        (tmp_path / "visible").mkdir()
        (tmp_path / "infrared").mkdir()
        list_pairs(tmp_path, load_card("llvip"))
    with pytest.raises(InputError, match="which is unpaired"):
        list_pairs(tmp_path, load_card("flir-adas-v2"))
    with pytest.raises(MissingFileError, match="nowhere"):
        list_pairs(tmp_path / "nowhere", load_card("naip"))
    save(tmp_path / "train" / "trainimg" / "1.jpg", np.zeros((90, 90), np.uint8))
    save(tmp_path / "train" / "trainimgr" / "1.jpg", np.zeros((90, 90), np.uint8))
    with pytest.raises(InputError, match="border of 100"):
        load_pair(list_pairs(tmp_path, load_card("dronevehicle"))[0])
