import json
import unicodedata
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ir_transfer.errors import DecodeError, InputError, IrTransferError, MissingFileError
from ir_transfer.labels.label_maps.files import open_label_maps
from ir_transfer.labels.label_maps.label_map import read_label_image, resize_nearest
from ir_transfer.labels.label_maps.rasterize import polygon_mask, rle_mask

A = PurePosixPath("a")


def levels(height: int = 6, width: int = 8) -> NDArray[np.uint8]:
    image = np.zeros((height, width), np.uint8)
    image[2:, 3:] = 7
    image[4:, 5:] = 200
    return image


def coco(path: Path, **changes: Any) -> Path:
    content = {
        "images": [
            {"id": 5, "file_name": "a.jpg", "height": 6, "width": 8},
            {"id": 6, "file_name": "sub/a.jpg", "height": 6, "width": 8},
        ],
        "categories": [{"id": 1, "name": "person"}, {"id": 3, "name": "car"}],
        "annotations": [
            {"id": 1, "image_id": 5, "category_id": 1, "segmentation": [[2, 1, 4, 1, 4, 3, 2, 3]]},
            {"id": 2, "image_id": 5, "category_id": 3, "segmentation": [[1, 0, 7, 0, 7, 5, 1, 5]]},
        ],
    }
    path.write_text(json.dumps({**content, **changes}))
    return path


@pytest.mark.parametrize("kind", ["gray", "gray16", "palette"])
def test_index_images_contain_class_numbers(tmp_path: Path, kind: str) -> None:
    image = Image.fromarray(levels() if kind != "gray16" else levels().astype(np.uint16) * 300)
    if kind == "palette":
        image.putpalette([x for index in range(256) for x in (255 - index, index, 3)])
    image.save(tmp_path / "a.png")
    found = read_label_image(tmp_path / "a.png")
    assert not found.coloured
    np.testing.assert_array_equal(found.levels, levels().astype(int) * (300 if kind == "gray16" else 1))


def test_colours_are_labels(tmp_path: Path) -> None:
    colours = np.zeros((4, 5, 4), np.uint8)
    colours[1, 2] = (255, 128, 0, 255)
    colours[0, 0] = (9, 9, 9, 0)  # invisible
    colours[3, 4] = (0, 0, 255, 128)
    Image.fromarray(colours).save(tmp_path / "a.png")
    found = read_label_image(tmp_path / "a.png")
    assert found.coloured
    assert found.levels[1, 2] == 0xFF8000
    assert sorted(map(found.describe, found.labels)) == ["#000000", "#0000ff", "#ff8000"]


def test_images_without_labels_are_rejected(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((4, 4), np.float32)).save(tmp_path / "float.tif")
    with pytest.raises(InputError, match=r"float\.tif: expected 8 or 16 bit levels"):
        read_label_image(tmp_path / "float.tif")
    (tmp_path / "cut.png").write_bytes(b"\x89PNG")
    with pytest.raises(DecodeError, match=r"cut\.png: .* damaged"):
        read_label_image(tmp_path / "cut.png")
    noise = np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "smooth.png")
    with pytest.raises(InputError, match="at most 256 labels, got 1"):
        read_label_image(tmp_path / "smooth.png")


def test_nearest_resize_takes_the_label_at_the_centre() -> None:
    small = np.array([[1, 2], [3, 4]])
    np.testing.assert_array_equal(resize_nearest(small, 4, 4), small.repeat(2, 0).repeat(2, 1))
    np.testing.assert_array_equal(resize_nearest(resize_nearest(small, 6, 10), 2, 2), small)
    large = np.random.default_rng(0).integers(0, 9, (37, 53))
    by_pillow = Image.fromarray(large.astype(np.int32)).resize((20, 90), Image.Resampling.NEAREST)
    np.testing.assert_array_equal(resize_nearest(large, 90, 20), np.asarray(by_pillow))


def test_polygon_contains_pixels_whose_centres_are_inside() -> None:
    inside = polygon_mask([1, 2, 5, 2, 5, 4, 1, 4], 6, 8)
    expected = np.zeros((6, 8), bool)
    expected[2:4, 1:5] = True
    np.testing.assert_array_equal(inside, expected)
    assert polygon_mask([-9, -9, 99, -9, 99, 99, -9, 99], 6, 8).all()


@pytest.mark.parametrize("seed", range(4))
def test_run_length_decoding_agrees_with_pycocotools(seed: int) -> None:
    coco_mask = pytest.importorskip("pycocotools.mask", reason="no pycocotools: install the extra detect")
    random = np.random.default_rng(seed)
    mask = resize_nearest((random.random((5, 7)) < 0.5).astype(np.int64), 100 + seed, 130).astype(bool)
    mask |= random.random(mask.shape) < 0.02
    packed = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()
    np.testing.assert_array_equal(rle_mask(packed, *mask.shape), mask)
    flat = mask.T.ravel()
    edges = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff([0, *edges, len(flat)]).tolist()
    np.testing.assert_array_equal(rle_mask([0, *runs] if flat[0] else runs, *mask.shape), mask)


def test_smaller_coco_instances_are_on_top(tmp_path: Path) -> None:
    found = open_label_maps(coco(tmp_path / "labels.json")).read(A, 6, 8)
    expected = np.zeros((6, 8), int)
    expected[0:5, 1:7] = 3
    expected[1:3, 2:4] = 1
    np.testing.assert_array_equal(found.levels, expected)
    assert sorted(map(found.describe, found.labels)) == ["0", "1 (person)", "3 (car)"]


def test_coco_with_rle_folders_and_other_sizes(tmp_path: Path) -> None:
    runs = {"counts": [0, 6, 42], "size": [6, 8]}
    crowd = {"id": 9, "image_id": 6, "category_id": 1, "iscrowd": 1, "segmentation": runs}
    maps = open_label_maps(coco(tmp_path / "labels.json", annotations=[crowd]))
    assert not maps.read(A, 6, 8).levels.any()
    nested = maps.read(PurePosixPath("sub/a"), 6, 8).levels
    np.testing.assert_array_equal(nested[:, 0], 1)
    assert not nested[:, 1:].any()
    assert maps.read(PurePosixPath("sub/a"), 12, 16, fit=True).levels[:, :2].all()
    assert maps.fingerprint(A) != maps.fingerprint(PurePosixPath("sub/a"))
    with pytest.raises(InputError, match=r"labels\.json for a: expected the size .* 16 x 12, got 8 x 6"):
        maps.read(A, 12, 16)
    with pytest.raises(InputError, match="one image named other/a among 2, found 2"):
        maps.read(PurePosixPath("other/a"), 6, 8)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": 3}, "COCO's instances"),
        ({"annotations": [{"id": 4, "image_id": 5, "category_id": 0, "segmentation": []}]}, r"ids from 1, got 0 .*4"),
        (
            {"annotations": [{"id": 4, "image_id": 5, "category_id": 1, "segmentation": []}]},
            "annotation 4, got: no polygon",
        ),
        ({"annotations": [{"id": 4, "image_id": 5, "category_id": 1}]}, "annotation 4, got: no polygon"),
        (
            {"annotations": [{"id": 4, "image_id": 5, "category_id": 1, "segmentation": [[1, 2, 3]]}]},
            "annotation 4, got: .*polygon of 3 to",
        ),
        (
            {
                "annotations": [
                    {"id": 4, "image_id": 5, "category_id": 1, "segmentation": {"counts": "04", "size": [6, 8]}}
                ]
            },
            "annotation 4, got: .* run lengths that fill 8 x 6 pixels, got 4",
        ),
    ],
)
def test_invalid_coco_files_are_rejected(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        open_label_maps(coco(tmp_path / "labels.json", **changes)).read(A, 6, 8)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_match_in_any_unicode_form_and_with_backslashes(tmp_path: Path, form: Literal["NFC", "NFD"]) -> None:
    other_form: Literal["NFC", "NFD"] = "NFD" if form == "NFC" else "NFC"
    name, other = (unicodedata.normalize(one, "é/é") for one in (form, other_form))
    image = {"id": 5, "file_name": f"{name}.jpg".replace("/", "\\"), "height": 6, "width": 8}
    maps = open_label_maps(coco(tmp_path / "labels.json", images=[image]))
    assert maps.read(PurePosixPath(other), 6, 8).levels.any()
    (tmp_path / "maps" / name).parent.mkdir(parents=True)
    Image.fromarray(levels()).save(tmp_path / "maps" / f"{name}.png")
    assert open_label_maps(tmp_path / "maps").read(PurePosixPath(other), 6, 8).levels.any()


def test_deeply_nested_json_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text('{"images": [], "annotations": ' + "[" * 100_000)
    with pytest.raises(InputError, match=r"labels\.json: expected COCO's instances"):
        open_label_maps(tmp_path / "labels.json")


def test_yolo_polygons(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("0 0.25 0.5 0.75 0.5 0.75 1 0.25 1\n\n2 0.5 0.5 1 0.5 1 1 0.5 1\n")
    maps = open_label_maps(tmp_path)
    expected = np.zeros((6, 8), int)
    expected[3:, 2:6] = 1
    expected[3:, 4:] = 3
    np.testing.assert_array_equal(maps.read(A, 6, 8).levels, expected)
    np.testing.assert_array_equal(
        open_label_maps(tmp_path / "a.txt").read(A, 12, 16).levels, resize_nearest(expected, 12, 16)
    )


@pytest.mark.parametrize(
    "line", ["0 0.5 0.5 0.2 0.2", "x 0 0 1 0 1 1", "0 0 0 1 0 1", "0 0 0 9 0 1 1", "-1 0 0 1 0 1 1"]
)
def test_invalid_polygons_are_rejected(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.txt").write_text(f"\n{line}\n")
    with pytest.raises(InputError, match=rf"a\.txt:2: .*{line[:5]}"):
        open_label_maps(tmp_path).read(A, 6, 8)


def test_label_folder_mirrors_the_image_folder(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    Image.fromarray(levels()).save(tmp_path / "a.png")
    Image.fromarray(levels() // 7).save(tmp_path / "sub" / "a.tif")
    maps = open_label_maps(tmp_path)
    nested = PurePosixPath("sub/a")
    np.testing.assert_array_equal(maps.read(A, 6, 8).levels, levels())
    np.testing.assert_array_equal(maps.read(nested, 6, 8).levels, levels() // 7)
    assert maps.fingerprint(A) != maps.fingerprint(nested)
    with pytest.raises(InputError, match=r"a\.png: expected the size of its image, 16 x 6, got 8 x 6: .*--fit-masks"):
        maps.read(A, 6, 16)
    assert maps.read(A, 6, 16, fit=True).levels.shape == (6, 16)
    with pytest.raises(MissingFileError, match=r"label map such as .*b\.png"):
        maps.read(PurePosixPath("b"), 6, 8)
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(InputError, match="one label map for a"):
        maps.fingerprint(A)


def test_paths_without_labels_are_rejected(tmp_path: Path) -> None:
    for name, error in (("none", MissingFileError), ("none.json", MissingFileError), ("a.jpg", InputError)):
        if name == "a.jpg":
            (tmp_path / name).write_bytes(b"")
        with pytest.raises(IrTransferError, match=name) as caught:
            open_label_maps(tmp_path / name)
        assert caught.type is error
