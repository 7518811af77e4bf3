"""Small sets of every label format, and results as a run would write them."""

import json
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from ir_transfer.imaging.image_io import read_image, write_gray
from ir_transfer.labels.base import LabelledSet

SIZE = (64, 48)
"""Width and height."""


def write_image(path: Path, seed: int = 0, size: tuple[int, int] = SIZE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (*size[::-1], 3), np.uint8)).save(path)


def text(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode())


Results = dict[PurePosixPath, Sequence[PurePosixPath]]


def translate(labelled: LabelledSet, out: Path, variants: int = 2) -> Results:
    """Write a gray result for every readable image, named as by a run."""
    results: Results = {}
    for one in labelled.images:
        results[one.rel_path] = []
        try:
            gray = read_image(one.path).gray()[0]
        except OSError:
            continue
        ends = ["", *(f"__v{number}" for number in range(1, variants))]
        results[one.rel_path] = [one.rel_path.with_name(f"{one.rel_path.stem}{end}.png") for end in ends]
        for rel_path in results[one.rel_path]:
            (out / rel_path).parent.mkdir(parents=True, exist_ok=True)
            write_gray(out / rel_path, gray)
    return results


RUNS = {"size": [48, 64], "counts": [10 * 48 + 5, 20, 28, 20, 48 * 64 - (10 * 48 + 5) - 68]}


def coco_content() -> dict[str, Any]:
    return {
        "info": {"description": "Scenes", "year": 2017},
        "licenses": [{"id": 1, "name": "CC BY", "url": "https://example.org/by"}],
        "categories": [
            {"id": 1, "name": "person", "keypoints": ["nose", "tail"], "skeleton": [[1, 2]]},
            {"id": 3, "name": "car"},
        ],
        "images": [
            {"id": 7, "file_name": "a.jpg", "width": 64, "height": 48, "license": 1},
            {"id": 9, "file_name": "b c é.png", "width": 64, "height": 48},
        ],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 1, "bbox": [4, 5, 20.5, 10], "area": 205.0, "iscrowd": 0},
            {
                "id": 2,
                "image_id": 7,
                "category_id": 3,
                "bbox": [10, 10, 30, 20],
                "segmentation": [[10, 10, 40, 10, 40, 30], [10, 20, 14, 20, 14, 24, 10, 24]],
                "keypoints": [12, 12, 2, 30, 25, 1],
                "num_keypoints": 2,
            },
            {"id": 5, "image_id": 9, "category_id": 3, "bbox": [10, 5, 2, 20], "segmentation": RUNS, "iscrowd": 1},
        ],
    }


def coco_set(root: Path) -> None:
    write_image(root / "train2017/a.jpg", 1)
    write_image(root / "train2017/b c é.png", 2)
    write_image(root / "val2017/a.jpg", 3)
    text(root / "annotations/instances_train2017.json", json.dumps(coco_content()))
    captions = {
        "images": coco_content()["images"],
        "annotations": [{"id": 70, "image_id": 7, "caption": "two things"}],
    }
    text(root / "annotations/captions_train2017.json", json.dumps(captions))
    val = coco_content() | {"images": [coco_content()["images"][0]], "annotations": []}
    text(root / "annotations/instances_val2017.json", json.dumps(val, indent=1))
    text(root / "LICENSE", "\nCC BY 4.0\n...")


def yolo_set(root: Path) -> None:
    for number, rel_path in enumerate(("train/a", "train/b c", "val/d")):
        write_image(root / f"images/{rel_path}.jpg", number)
    text(root / "labels/train/a.txt", "0 0.5 0.5 0.25 0.5\n1 0.1 0.1 0.9 0.1 0.5 0.8\r\n")
    text(root / "labels/train/b c.txt", "1 0.1 0.1 0.5 0.1 0.5 0.8 0.1 0.7")
    text(root / "labels/val/d.txt", "")
    text(
        root / "data.yaml",
        "# scenes\npath: /home/someone/scenes  # here\ntrain: images/train\nval:\n  - images/val\nnc: 2\n"
        "names: [person, car]\nlicense: CC BY\n",
    )


def voc_xml(name: str, objects: str = "") -> str:
    return (
        f'<?xml version="1.0"?>\n<annotation >\n\t<folder>VOC2007</folder><filename>{name}</filename>\r\n'
        f"  <path>C:\\sets\\VOC2007\\{name}</path><size><width>64</width><height>48</height></size>"
        f"<object><name>person</name><bndbox><xmin>5</xmin><ymin>6</ymin><xmax>20</xmax><ymax>30.5</ymax></bndbox>"
        "<part><name>head</name><bndbox><xmin>6</xmin><ymin>6</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></part>"
        f"</object>{objects}<!-- filename --></annotation>"
    )


def voc_set(root: Path) -> None:
    base = root / "VOCdevkit/VOC2007"
    for number, stem in enumerate(("000001", "a b&c")):
        write_image(base / f"JPEGImages/{stem}.jpg", number)
        text(base / f"Annotations/{stem}.xml", voc_xml(f"{stem.replace('&', '&amp;')}.jpg"))
    mask = np.zeros(SIZE[::-1], np.uint8)
    mask[7:20, 5:12] = 1
    for kind in ("SegmentationClass", "SegmentationObject"):
        index_mask(base / kind / "000001.png", mask)
    text(base / "ImageSets/Main/train.txt", "000001\n")
    text(base / "ImageSets/Main/val.txt", "a b&c\r\n")
    text(base / "ImageSets/Main/person_trainval.txt", "000001  1\na b&c -1")


def index_mask(path: Path, levels: Any, mode: str = "P") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if mode == "I;16":
        Image.fromarray(levels.astype(np.uint16)).save(path)
        return
    image = Image.fromarray(levels)
    if mode == "P":
        image.putpalette([x for level in range(256) for x in (level, 255 - level, 7)])
    image.save(path)


def masks_set(root: Path) -> None:
    levels = np.zeros(SIZE[::-1], np.uint8)
    levels[4:20, 8:30] = 1
    levels[30:, 40:] = 2
    for number, (stem, mode) in enumerate({"a": "P", "b": "L", "c": "I;16"}.items()):
        write_image(root / f"images/train/{stem}.jpg", number)
        index_mask(root / f"masks/train/{stem}.png", levels, mode)
    text(root / "classes.txt", "background\nperson\ncar\n")


def kitti_set(root: Path) -> None:
    for number in range(2):
        write_image(root / f"training/image_2/{number:06}.png", number)
        text(root / f"training/calib/{number:06}.txt", f"P0: 7.2e+02 {number}\n")
        text(
            root / f"training/label_2/{number:06}.txt",
            "Car 0.00 0 -1.58 10.50 20.25 40.00 44.75 1.65 1.67 3.64 -0.65 1.71 46.70 -1.59\n"
            "DontCare -1 -1 -10 1 1 5 5 -1 -1 -1 -1000 -1000 -1000 -10\n",
        )
    write_image(root / "testing/image_2/000000.png", 9)


def classification_set(root: Path) -> None:
    for number, rel_path in enumerate(("train/cat/1", "train/dog/1", "val/cat/2")):
        write_image(root / f"{rel_path}.jpg", number)


def image_set(root: Path) -> None:
    write_image(root / "a.jpg")
    write_image(root / "day/b.png")


SETS = {
    "coco": coco_set,
    "yolo": yolo_set,
    "voc": voc_set,
    "masks": masks_set,
    "kitti": kitti_set,
    "classification": classification_set,
    "images": image_set,
}
