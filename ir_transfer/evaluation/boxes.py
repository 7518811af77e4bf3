"""Bounding boxes of objects from label files: Pascal VOC XML by image, COCO JSON, or a JSON map from stems to boxes.

Uses this package's COCO and VOC readers, which limit the size of a file and report invalid entries; pycocotools does
neither, is an optional dependency, and does not support VOC.
"""

import logging
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from ir_transfer.errors import InputError, IrTransferError, MissingFileError
from ir_transfer.imaging.image_names import composed, find_below
from ir_transfer.labels.coco_file import CocoFile, Image
from ir_transfer.labels.coco_objects import box_or_none, class_name, unknown_category
from ir_transfer.labels.json_text import skip_space, value_at
from ir_transfer.labels.text_io import BYTE_ORDER_MARK, MAX_JSON_BYTES, MAX_XML_BYTES, read_limited, to_text
from ir_transfer.labels.voc_file import VocFile
from ir_transfer.metrics.object_heat import Box

logger = logging.getLogger(__name__)

_SHOWN = 3


def read_boxes(source: Path, stem: str, label: str | None = None) -> list[Box]:
    """Return the boxes of one image.

    Args:
        source: A folder of ``<stem>.xml`` files (Pascal VOC: counted from 1, last pixels included), or a JSON file:
            COCO's detection layout, or a map from stems to lists of ``{"box": [left, top, right, bottom],
            "label": "Person"}`` (counted from 0, right and bottom excluded).
        stem: Stem of the image's name; an image without labels has no boxes.
        label: Only objects of this label, in any case.

    Raises:
        MissingFileError: ``source`` does not exist.
        InputError: A file of another layout, or two images of this stem.
    """
    if not source.exists():
        raise MissingFileError(f"expected a folder of VOC .xml files or a .json file at {source}, found none")
    try:
        found = _from_voc(source, stem) if source.is_dir() else _from_json(source, stem)
    except (IrTransferError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = error.line if isinstance(error, IrTransferError) else repr(error)
        raise InputError(f"expected boxes of {stem!r} in {source} as VOC xml or JSON, got: {reason}") from error
    return [box for box in found if label is None or box.label.lower() == label.lower()]


def _from_voc(folder: Path, stem: str) -> list[Box]:
    path = find_below(folder, PurePosixPath(f"{stem}.xml"))
    if path is None:
        return []
    boxes = []
    for instance, name, box in VocFile(read_limited(path, MAX_XML_BYTES)).objects():
        if isinstance(box, InputError):
            raise InputError(f"{path}: object {instance} {name}: {box}")
        if "." not in instance:  # parts of objects are ignored
            boxes.append(_rounded(box, name))
    return boxes


def _from_json(path: Path, stem: str) -> Sequence[Box]:
    found = _boxes(path, path.stat().st_mtime_ns).get(composed(stem), ())
    if found is None:
        raise InputError(f"two images named {stem} in different folders: give images of one label file unique names")
    return found


@lru_cache(maxsize=2)
def _boxes(path: Path, changed: int) -> Mapping[str, Sequence[Box] | None]:
    """Return the boxes of a file by stem; None for a stem of two images.

    Cached by the time of the last change, as the file may be large and is read for every scene.
    """
    text = to_text(read_limited(path, MAX_JSON_BYTES))
    if '"images"' in text and '"annotations"' in text:
        return _coco_boxes(CocoFile(PurePosixPath(path.name), text), path)
    start = skip_space(text, len(BYTE_ORDER_MARK) if text.startswith(BYTE_ORDER_MARK) else 0)
    content = value_at(text, start).value
    return {composed(stem): [_plain_box(entry) for entry in entries] for stem, entries in content.items()}


def _plain_box(entry: Mapping[str, Any]) -> Box:
    left, top, right, bottom = (round(side) for side in entry["box"])
    return Box(left, top, right, bottom, str(entry.get("label", "")))


def _coco_boxes(file: CocoFile, path: Path) -> Mapping[str, Sequence[Box] | None]:
    found: dict[str, Sequence[Box] | None] = {}
    for image in file.images:
        if image.file_name is not None:
            stem = composed(PurePosixPath(image.file_name.replace("\\", "/")).stem)
            found[stem] = None if stem in found else _image_boxes(file, image)
    if file.problems:
        shown = "; ".join(f"{where}: {message}" for where, message in file.problems[:_SHOWN])
        logger.warning("%s: ignored %d invalid boxes: %s", path, len(file.problems), shown)
    return found


def _image_boxes(file: CocoFile, image: Image) -> list[Box]:
    boxes = []
    for index in () if image.id is None else file.of_image.get(image.id, ()):
        entry = file.annotation(index)
        box = box_or_none(entry)
        if box is None or entry.get("iscrowd"):
            continue
        if file.category_ids[index] not in file.categories:
            raise InputError(unknown_category(entry.get("category_id")))
        boxes.append(_rounded(box, class_name(file, entry.get("category_id"))))
    return boxes


def _rounded(box: tuple[float, float, float, float], label: str) -> Box:
    left, top, right, bottom = (round(side) for side in box)
    return Box(left, top, right, bottom, label)
