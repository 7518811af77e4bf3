"""Object frames from label files: Pascal VOC xml per picture, or one JSON for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from ir_transfer.errors import InputError, MissingFileError
from ir_transfer.evaluation.metrics.object_heat import Box
from ir_transfer.json_files import read_json


def read_boxes(source: Path, stem: str, label: str | None = None) -> list[Box]:
    """Return the boxes of one picture.

    Args:
        source: A folder of ``<stem>.xml`` files (Pascal VOC: counted from 1, last pixels included), or a JSON file:
            COCO's detection layout, or a map from stems to lists of ``{"box": [left, top, right, bottom],
            "label": "Person"}`` (counted from 0, right and bottom excluded).
        stem: Which picture; one without labels has no boxes.
        label: Only objects of this label, in any case.

    Raises:
        MissingFileError: ``source`` does not exist.
        InputError: A file of another layout.
    """
    if not source.exists():
        raise MissingFileError(f"expected a folder of VOC .xml files or a .json file at {source}, found none")
    try:
        found = _from_voc(source / f"{stem}.xml") if source.is_dir() else _from_json(source, stem)
    except (ElementTree.ParseError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"expected boxes of {stem!r} in {source} as VOC xml or JSON, got: {error!r}") from error
    return [box for box in found if label is None or box.label.lower() == label.lower()]


def _from_voc(path: Path) -> list[Box]:
    if not path.exists():
        return []
    boxes = []
    for item in ElementTree.parse(path).getroot().iter("object"):
        frame = item.find("bndbox")
        if frame is None:
            raise InputError(f"expected a bndbox in every object of {path}")
        left, top, right, bottom = (round(float(frame.findtext(s, ""))) for s in ("xmin", "ymin", "xmax", "ymax"))
        # VOC counts pixels from 1 and its last row and column belong to the object.
        boxes.append(Box(left - 1, top - 1, right, bottom, item.findtext("name", "")))
    return boxes


def _from_json(path: Path, stem: str) -> list[Box]:
    boxes = []
    for entry in _entries(path, path.stat().st_mtime_ns).get(stem, ()):
        left, top, right, bottom = (round(side) for side in entry["box"])
        boxes.append(Box(left, top, right, bottom, str(entry.get("label", ""))))
    return boxes


@lru_cache(maxsize=2)
def _entries(path: Path, changed: int) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Return the entries by stem of a file that was last changed then; it may be large and is asked for often."""
    content: dict[str, Any] = read_json(path)
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected boxes by stem or COCO's layout, got another: check the file")
    if not {"images", "annotations", "categories"} <= content.keys():
        return content
    stems = {image["id"]: Path(image["file_name"]).stem for image in content["images"]}
    labels = {category["id"]: category["name"] for category in content["categories"]}
    found: dict[str, list[dict[str, Any]]] = {stem: [] for stem in stems.values()}
    for one in content["annotations"]:
        left, top, width, height = one["bbox"]
        box = [left, top, left + width, top + height]
        if not one.get("iscrowd"):
            found[stems[one["image_id"]]].append({"box": box, "label": labels[one["category_id"]]})
    return found
