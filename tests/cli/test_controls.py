from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from kornia.color import rgb_to_grayscale
from numpy.typing import NDArray
from PIL import Image

from ir_transfer import create_model
from ir_transfer.cli import main
from ir_transfer.imaging.image_io import read_image
from tests.conftest import photograph, thermal
from tests.models.small_thermal import SMALL_THERMAL, small_thermal


@pytest.fixture
def looks(tmp_path: Path) -> list[Path]:
    """Two dark and two bright exemplars."""
    folder = tmp_path / "looks"
    folder.mkdir()
    for index in range(4):
        Image.fromarray(thermal(40, 50, index) // 2 + 120 * (index % 2)).save(folder / f"{index}.png")
    return sorted(folder.iterdir())


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(photograph(48, 64, 3)).save(path)
    return path


@pytest.fixture
def wct2(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "wct2.safetensors"
    create_model("wct2", weights=None, **SMALL_THERMAL).save(path)
    return path


def call(photos: Path, looks: list[Path], out: Path, *extra: object, model: str = "histogram") -> int:
    styles = [text for look in looks for text in ("--style", str(look))]
    named = ["--weights", model] if model.endswith(".safetensors") else ["--model", model]
    return main(["convert", str(photos), *styles, *named, "-o", str(out), "-q", *map(str, extra)])


def levels(path: Path) -> NDArray[Any]:
    image: NDArray[Any] = read_image(path).levels[0].astype(int)
    return image


def header(out: Path) -> dict[str, Any]:
    look: dict[str, Any] = json.loads((out / "manifest.jsonl").read_text().splitlines()[0])["look"]
    return look


def halves(folder: Path, height: int = 48, width: int = 64) -> list[Path]:
    folder.mkdir(exist_ok=True)
    left = np.zeros((height, width), np.uint8)
    left[:, : width // 2] = 255
    for name, mask in (("left", left), ("right", 255 - left)):
        Image.fromarray(mask).save(folder / f"{name}.png")
    return [folder / "left.png", folder / "right.png"]


def both(masks: list[Path]) -> list[str]:
    return [text for mask in masks for text in ("--style-mask", str(mask))]


def test_each_style_applies_where_its_mask_is_white(photo: Path, looks: list[Path], tmp_path: Path) -> None:
    masks = halves(tmp_path / "masks")
    assert call(photo, looks[:2], tmp_path / "out", *both(masks)) == 0
    for index in range(2):
        assert call(photo, looks[index : index + 1], tmp_path / f"{index}") == 0
    output, first, second = (levels(tmp_path / name / "photo.png") for name in ("out", "0", "1"))
    assert np.array_equal(output[:, :32], first[:, :32])
    assert np.array_equal(output[:, 32:], second[:, 32:])
    assert header(tmp_path / "out")["controls"] == {"style_masks": 2}
    assert "controls" not in header(tmp_path / "0")


def test_mask_folder_has_one_mask_per_image(photos: Path, looks: list[Path], tmp_path: Path) -> None:
    folders = [tmp_path / "first", tmp_path / "second"]
    for source in photos.rglob("*.*"):
        image = read_image(source)
        left = np.zeros((image.height, image.width), np.uint8)
        left[:, :20] = 255
        for folder, mask in zip(folders, (left, 255 - left), strict=True):
            path = (folder / source.relative_to(photos)).with_suffix(".png")
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(mask).save(path)
    out = tmp_path / "out"
    assert call(photos, looks[:2], out, *both(folders)) == 0
    assert call(photos, looks[:1], tmp_path / "alone") == 0
    assert np.array_equal(levels(out / "sub" / "a.png")[:, :20], levels(tmp_path / "alone" / "sub" / "a.png")[:, :20])
    # A mask that was changed is made again by --resume, and nothing else is.
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}
    Image.new("L", (64, 48), 255).save(folders[0] / "b.png")
    assert call(photos, looks[:2], out, *both(folders), "--resume") == 0
    assert [path.name for path, time in before.items() if path.stat().st_mtime_ns != time] == ["b.png"]
    (folders[1] / "c.png").unlink()
    assert call(photos, looks[:2], out, *both(folders), "--resume") == 1
    assert call(photos, looks[:2], tmp_path / "dry", *both(folders), "--dry-run") == 1
    assert not (tmp_path / "dry").exists()


def test_masks_of_another_size_need_fit_masks(
    photos: Path, looks: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    masks = halves(tmp_path / "masks")
    assert call(photos, looks[:2], tmp_path / "out", *both(masks)) == 1
    assert "left.png: expected the size of its image, 57 x 41, got 64 x 48: " in capsys.readouterr().err
    assert call(photos, looks[:2], tmp_path / "fit", *both(masks), "--fit-masks") == 0
    assert call(photos, looks[:2], tmp_path / "fit", *both(masks), "--resume") == 2
    assert "results of one set of options" in capsys.readouterr().err


def test_masks_must_cover_every_pixel(
    photo: Path, looks: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left, _ = halves(tmp_path / "masks")
    assert call(photo, looks[:2], tmp_path / "out", *both([left, left])) == 1
    assert "none at 1536 pixels (first: row 0, column 32)" in capsys.readouterr().err


@pytest.mark.parametrize("polarity", ["white-hot", "black-hot"])
def test_keep_tone_keeps_the_tone(photo: Path, looks: list[Path], tmp_path: Path, polarity: str) -> None:
    tiny = tmp_path / "fda.png"
    Image.fromarray(thermal(40, 50, 8)).save(tiny)
    plain, kept = tmp_path / "plain", tmp_path / "kept"
    for out, extra in ((plain, []), (kept, ["--keep-tone"])):
        assert call(photo, [tiny], out, "--bit-depth", 16, "--polarity", polarity, *extra, model="fda") == 0
    luma = rgb_to_grayscale(torch.from_numpy(read_image(photo).rgb())).numpy().ravel()
    output = levels(kept / "photo.png").ravel()
    order = np.argsort(luma, kind="stable")
    steps = np.diff(output[order])
    assert (steps >= 0).all() if polarity == "white-hot" else (steps <= 0).all()
    expected = np.sort(levels(plain / "photo.png").ravel())
    assert np.abs(np.sort(output) - expected).mean() < 200  # of 65535: ties of an 8-bit luma share their middle
    assert not np.array_equal(levels(plain / "photo.png").ravel(), output)
    assert header(kept)["controls"] == {"keep_tone": True}
    assert call(photo, [tiny], kept, "--bit-depth", 16, "--polarity", polarity, "--resume", model="fda") == 2


@pytest.mark.parametrize("count", [2, 4])
def test_style_grid_interpolates_between_styles(photo: Path, looks: list[Path], tmp_path: Path, count: int) -> None:
    assert call(photo, looks[:count], tmp_path / "out", "--style-grid", 3) == 0
    assert [path.name for path in (tmp_path / "out").glob("*.png")] == ["photo_grid.png"]
    grid = levels(tmp_path / "out" / "photo_grid.png")
    rows = 1 if count == 2 else 3
    assert grid.shape == (48 * rows, 64 * 3)
    corners = [(0, 0), (0, 2), (2, 0), (2, 2)][:count]
    for look, (row, column) in zip(looks, corners, strict=False):
        assert call(photo, [look], tmp_path / look.stem) == 0
        cell = grid[48 * row :, 64 * column :][:48, :64]
        assert np.abs(cell - levels(tmp_path / look.stem / "photo.png")).max() <= 1
    middle = [extra for look in looks[:count] for extra in ("--style", str(look))]
    assert main(["convert", str(photo), *middle, "--model", "histogram", "-o", str(tmp_path / "middle"), "-q"]) == 0
    centre = grid[48 * (rows // 2) :, 64:][:48, :64]
    assert np.abs(centre - levels(tmp_path / "middle" / "photo.png")).max() <= 1
    assert call(photo, looks[:count], tmp_path / "out", "--style-grid", 3, "--resume") == 0
    assert call(photo, looks[:count], tmp_path / "out", "--style-grid", 4, "--resume") == 2
    assert call(photo, looks[count - 1 :: -1], tmp_path / "out", "--style-grid", 3, "--resume") == 2


def test_grid_beyond_max_pixels_fails_only_that_image(
    photo: Path, looks: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pixels = 64 * 48 * 9
    for limit, code in ((pixels - 1, 1), (pixels, 0)):
        extra = ("--style-grid", 3, "--max-pixels", limit)
        assert call(photo, looks, tmp_path / str(limit), *extra) == code
    assert "got 9 times 64 x 48: use a smaller --style-grid" in capsys.readouterr().err


def regions(path: Path, kind: str, height: int = 48, width: int = 64) -> Path:
    """A label map: left half 1 (red), right half 2 (blue), lowest rows unlabelled."""
    map_ = np.zeros((height, width), np.uint8)
    map_[: height - 4, : width // 2] = 1
    map_[: height - 4, width // 2 :] = 2
    if kind == "index":
        Image.fromarray(map_).save(path.with_suffix(".png"))
        return path.with_suffix(".png")
    if kind == "colour":
        colours = np.array([[0, 0, 0], [255, 0, 0], [0, 0, 255]], np.uint8)
        Image.fromarray(colours[map_]).save(path.with_suffix(".png"))
        return path.with_suffix(".png")
    bottom = (height - 4) / height
    corners = [f"{x} 0 {x + 0.5} 0 {x + 0.5} {bottom} {x} {bottom}" for x in (0, 0.5)]
    if kind == "yolo":
        path.with_suffix(".txt").write_text("\n".join(f"{n} {text}" for n, text in enumerate(corners)))
        return path.with_suffix(".txt")
    scaled = [[float(n) * side for n, side in zip(c.split(), (width, height) * 4, strict=True)] for c in corners]
    content = {
        "images": [{"id": 1, "file_name": f"{path.stem}.jpg", "width": width, "height": height}],
        "categories": [{"id": 1, "name": "left"}, {"id": 2, "name": "right"}],
        "annotations": [
            {"id": n, "image_id": 1, "category_id": n, "segmentation": [corner]}
            for n, corner in enumerate(scaled, start=1)
        ],
    }
    path.with_suffix(".json").write_text(json.dumps(content))
    return path.with_suffix(".json")


def label_maps(folder: Path, kind: str) -> list[str]:
    folder.mkdir()
    ours = regions(folder / "photo", kind)
    theirs = regions(folder / "0", kind, 40, 50)
    return ["--content-masks", str(ours), "--exemplar-masks", str(theirs)]


def test_all_label_map_formats_give_the_same_result(photo: Path, looks: list[Path], wct2: Path, tmp_path: Path) -> None:
    made = {}
    for kind in ("index", "colour", "yolo", "coco"):
        masks = label_maps(tmp_path / kind, kind)
        assert call(photo, looks[:1], tmp_path / f"{kind}_ir", *masks, model=str(wct2)) == 0
        made[kind] = levels(tmp_path / f"{kind}_ir" / "photo.png")
    assert all(np.array_equal(made["index"], other) for other in made.values())
    assert call(photo, looks[:1], tmp_path / "plain", model=str(wct2)) == 0
    assert not np.array_equal(made["index"], levels(tmp_path / "plain" / "photo.png"))
    look = header(tmp_path / "coco_ir")
    assert look["controls"] == {"label_maps": True}
    assert look["style"] != header(tmp_path / "plain")["style"]
    masks = ["--content-masks", str(tmp_path / "index"), "--exemplar-masks", str(tmp_path / "index")]
    assert call(photo, looks[:1], tmp_path / "folder", *masks, model=str(wct2)) == 0
    assert np.array_equal(made["index"], levels(tmp_path / "folder" / "photo.png"))


def test_labels_missing_from_all_exemplars_are_rejected(
    photo: Path, looks: list[Path], wct2: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    masks = label_maps(tmp_path / "maps", "colour")
    colours = np.zeros((48, 64, 3), np.uint8)
    colours[:20, :20] = (0, 255, 0)
    colours[30:, 30:] = (255, 0, 0)
    Image.fromarray(colours).save(tmp_path / "maps" / "photo.png")
    assert call(photo, looks[:1], tmp_path / "out", *masks, model=str(wct2)) == 1
    error = capsys.readouterr().err
    assert "photo.png, map of photo: expected labels of --exemplar-masks (#000000, #0000ff, #ff0000)" in error
    assert "got #00ff00: add them to the map of an exemplar, or change them to #000000" in error
    regions(tmp_path / "maps" / "photo", "index")
    assert call(photo, looks[:1], tmp_path / "out", *masks, "--overwrite", model=str(wct2)) == 1
    assert "expected colours as in --exemplar-masks, got numbers" in capsys.readouterr().err


def test_category_ids_must_have_the_same_name_in_both_label_maps(
    photo: Path, looks: list[Path], wct2: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    masks = label_maps(tmp_path / "maps", "coco")
    path = tmp_path / "maps" / "0.json"
    path.write_text(path.read_text().replace('"right"', '"upper"'))
    assert call(photo, looks[:1], tmp_path / "out", *masks, "--dry-run", model=str(wct2)) == 2
    assert "expected one name for category 2, got 'right' in --content-masks" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("styles", "extra", "message"),
    [
        (2, ["--style-mask", "MASK"], "--style-mask for each of 2 styles, got 1"),
        (1, ["--style-mask", "none.png"], "none.png"),
        (2, ["--style-mask", "MASK", "--style-mask", "MASK", "--style-weights", "1,0"], "got both: omit one"),
        (2, ["--style-mask", "MASK", "--style-mask", "MASK", "--style-grid", "3"], "--style-mask and --style-grid"),
        (1, ["--content-masks", "MASK"], "--content-masks and --exemplar-masks together"),
        (1, ["--content-masks", "MASK", "--exemplar-masks", "MASK"], "no masks for model 'histogram'"),
        (
            1,
            ["--content-masks", "MASK", "--exemplar-masks", "none", "--model", "wct2"],
            "masks of --exemplar-masks at none",
        ),
        (
            1,
            ["--content-masks", "MASK", "--exemplar-masks", "MASK", "--model", "wct2"],
            "image, 50 x 40, got 64 x 48",
        ),
        (1, ["--fit-masks"], "masks with --fit-masks"),
        (3, ["--style-grid", "3"], "2 styles (a row) or 4"),
        (2, ["--style-grid", "3", "--style-weights", "0.5,0.5"], "--style-grid or --style-weights"),
        (2, ["--style-grid", "1"], "--style-grid"),
        (2, ["--style-weights", "7,3"], "pass --style-weights 0.7,0.3"),
    ],
)
@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_incompatible_controls_are_rejected(
    photo: Path,
    looks: list[Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    styles: int,
    extra: list[str],
    message: str,
    dry: list[str],
) -> None:
    mask = str(halves(tmp_path / "masks")[0])
    given = [mask if text == "MASK" else text for text in extra]
    assert call(photo, looks[:styles], tmp_path / "out", *given, *dry) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_exemplar_masks_require_images_instead_of_saved_styles(
    photo: Path, wct2: Path, looks: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = tmp_path / "0.safetensors"
    assert main(["styles", "build", str(looks[0]), "--weights", str(wct2), "-o", str(saved), "-q"]) == 0
    assert call(photo, [saved], tmp_path / "out", *label_maps(tmp_path / "maps", "index"), model=str(wct2)) == 2
    assert "expected images with --exemplar-masks, got the style '0'" in capsys.readouterr().err


@pytest.fixture
def sliders(tmp_path: Path) -> str:
    small_thermal("adjustable", hidden=8).save(tmp_path / "adjustable.safetensors")
    return str(tmp_path / "adjustable.safetensors")


def test_sliders_of_the_loss_layers(photo: Path, looks: list[Path], sliders: str, tmp_path: Path) -> None:
    def made(name: str, *extra: str) -> NDArray[Any]:
        assert call(photo, looks[:1], tmp_path / name, *extra, model=sliders) == 0
        return levels(tmp_path / name / "photo.png")

    plain = made("plain")
    assert np.array_equal(made("ones", "--layer-weights", "relu2_1=1"), plain)
    assert not np.array_equal(made("less", "--layer-weights", "relu2_1=0.1,content.relu4_1=0"), plain)
    assert header(tmp_path / "less")["controls"] == {"layer_weights": {"relu2_1": 0.1, "content.relu4_1": 0.0}}
    first, second = (made(f"random{seed}", "--layer-weights", "random", "--seed", str(seed)) for seed in (1, 2))
    assert not np.array_equal(first, second)
    assert np.array_equal(made("again", "--layer-weights", "random", "--seed", "1"), first)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ("relu2_1=1.5", "weight of layer relu2_1 in [0, 1], got 1.5"),
        ("relu9_1=1", "unknown layer 'relu9_1'"),
        ("relu2_1", "expected LAYER=WEIGHT, comma-separated, or random"),
    ],
)
def test_rejects_invalid_layer_weights(
    photo: Path, looks: list[Path], sliders: str, tmp_path: Path, capfd: pytest.CaptureFixture[str],
    weights: str, message: str,
) -> None:  # fmt: skip
    assert call(photo, looks[:1], tmp_path / "out", "--layer-weights", weights, model=sliders) == 2
    assert message in " ".join(capfd.readouterr().err.split())
    assert not list(tmp_path.glob("out/*.png"))


def test_rejects_layer_weights_for_models_without_sliders(
    photo: Path, looks: list[Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert call(photo, looks[:1], tmp_path / "out", "--layer-weights", "relu2_1=1") == 2
    assert "no layer weights for model 'histogram'" in capfd.readouterr().err
