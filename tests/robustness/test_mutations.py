from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ir_transfer.cli import main
from tests.conftest import photograph
from tests.robustness.corpus import encoded, flipped, spliced, truncated, write_images

PICTURES = 2000


def lines(out: Path) -> list[dict[str, Any]]:
    text = (out / "manifest.jsonl").read_bytes().decode(errors="surrogateescape")
    return [json.loads(line) for line in text.split("\n")[1:-1]]


def outside(root: Path, out: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path): (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in root.rglob("*")
        if path != out and out not in path.parents and path != root and not path.is_dir()
    }


@pytest.mark.timeout(600)
def test_damaged_images_fail_without_affecting_others(tmp_path: Path, exemplar: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    whole, everything = write_images(folder, PICTURES, seed=5)
    before = outside(tmp_path, out)
    code = main(["convert", str(folder), "--style", str(exemplar), "--model", "histogram", "-o", str(out), "-q"])
    assert code == 1
    assert outside(tmp_path, out) == before
    told = {Path(one["input"]): one for one in lines(out)}
    assert told.keys() >= everything
    assert {told[path]["status"] for path in whole} == {"converted"}
    assert whole
    for path, one in told.items():
        if one["status"] == "converted":
            with Image.open(out / one["output"]) as image:
                assert image.mode == "L"
                assert image.size == (one["width"], one["height"])
        else:
            assert one["error"], path
            assert "expected" in one["error"], one["error"]
            assert one["output"] is None or not (out / one["output"]).exists()
    failed = sum(one["status"] == "failed" for one in told.values())
    assert failed > PICTURES // 3
    kept = {path.relative_to(out) for path in out.rglob("*") if path.is_file()}
    assert kept == {Path(one["output"]) for one in told.values() if one["status"] == "converted"} | {
        Path("manifest.jsonl")
    }


def yolo(root: Path) -> None:
    for number in range(40):
        (root / "labels").mkdir(parents=True, exist_ok=True)
        (root / "images").mkdir(parents=True, exist_ok=True)
        (root / f"images/{number:03}.png").write_bytes(encoded(".png", number % 5))
        (root / f"labels/{number:03}.txt").write_text("0 0.5 0.5 0.25 0.25\n1 0.2 0.3 0.1 0.2 0.4 0.4\n")


def voc(root: Path) -> None:
    for number in range(40):
        (root / "Annotations").mkdir(parents=True, exist_ok=True)
        (root / "JPEGImages").mkdir(parents=True, exist_ok=True)
        (root / f"JPEGImages/{number:03}.jpg").write_bytes(encoded(".jpg", number % 5))
        (root / f"Annotations/{number:03}.xml").write_text(
            f"<annotation><filename>{number:03}.jpg</filename><size><width>32</width><height>24</height></size>"
            "<object><name>car</name><bndbox><xmin>4</xmin><ymin>3</ymin><xmax>20</xmax><ymax>15</ymax></bndbox>"
            "</object></annotation>"
        )


def coco(root: Path) -> None:
    (root / "images").mkdir(parents=True)
    (root / "annotations").mkdir()
    for part in range(8):
        content: dict[str, Any] = {"images": [], "annotations": [], "categories": [{"id": 1, "name": "car"}]}
        for number in range(5 * part, 5 * part + 5):
            (root / f"images/{number:03}.png").write_bytes(encoded(".png", number % 5))
            image = {"id": number, "file_name": f"{number:03}.png", "width": 32, "height": 24}
            content["images"].append(image)
            label = {"id": number, "image_id": number, "category_id": 1, "bbox": [4, 3, 16, 12]}
            content["annotations"].append(label)
        (root / f"annotations/part{part}.json").write_text(json.dumps(content))


@pytest.mark.parametrize(("make", "pattern"), [(yolo, "*.txt"), (voc, "*.xml"), (coco, "*.json")])
@pytest.mark.parametrize("seed", range(3))
def test_damaged_labels_fail_without_affecting_others(
    make: Any, pattern: str, seed: int, tmp_path: Path, exemplar: Path
) -> None:
    root, out = tmp_path / "set", tmp_path / "out"
    make(root)
    draw = np.random.default_rng(seed)
    files = sorted(root.rglob(pattern))
    damaged = [path for number, path in enumerate(files) if number % 4]
    for number, path in enumerate(damaged):
        if number % 8 == 7:  # never lies outside of the root, whatever a label says
            path.write_bytes(path.read_bytes().replace(b"0", b"../../x", 1))
        else:
            path.write_bytes((flipped, truncated, spliced)[int(draw.integers(3))](path.read_bytes(), draw))
    before = outside(tmp_path, out)
    command = ["dataset", str(root), "--style", str(exemplar), "--model", "histogram", "-o", str(out), "-q"]
    code = main([*command, "--labels", {"*.txt": "yolo", "*.xml": "voc", "*.json": "coco"}[pattern]])
    assert code == 0
    assert outside(tmp_path, out) == before
    made = {Path(one["input"]).name for one in lines(out) if one["status"] == "converted"}
    whole = [path for path in files if path not in damaged]
    if pattern == "*.json":
        expected = {image["file_name"] for path in whole for image in json.loads(path.read_text())["images"]}
        assert made >= expected
    else:
        assert {Path(name).stem for name in made} >= {path.stem for path in whole}
    if pattern == "*.txt":  # what is not understood goes along as it is
        for path in root.rglob("labels/*.txt"):
            assert (out / path.relative_to(root)).read_bytes() == path.read_bytes()


def test_labels_never_reference_files_outside_the_set(tmp_path: Path, exemplar: Path) -> None:
    root, out = tmp_path / "deep/set", tmp_path / "deep/er/out"
    coco(root)
    secret = tmp_path / "x.png"
    Image.fromarray(photograph(24, 32, 3)).save(secret)
    path = root / "annotations/part0.json"
    content = json.loads(path.read_text())
    content["images"][0]["file_name"] = "../../../x.png"
    content["images"][1]["file_name"] = str(secret)
    (root / "images/link.png").symlink_to(secret)
    path.write_text(json.dumps(content))
    before = outside(tmp_path, out)
    command = ["dataset", str(root), "--style", str(exemplar), "--model", "histogram", "-o", str(out), "-q"]
    assert main(command) == 0
    assert outside(tmp_path, out) == before
    assert str(secret) not in {one["input"] for one in lines(out)}
