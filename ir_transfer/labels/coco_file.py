"""A JSON file in COCO layout: positions of its images and annotations in the text, and the text for results."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from ir_transfer.errors import InputError
from ir_transfer.labels.coco_values import Id, NewIds, box_of, id_of
from ir_transfer.labels.json_text import (
    Value,
    for_each_element,
    join_items,
    key_at,
    next_item,
    open_bracket,
    replace_values,
    skip_space,
    syntax_error,
    value_at,
    with_key,
)
from ir_transfer.labels.text_io import BYTE_ORDER_MARK, printable, quoted

ORIGIN_KEY = "ir_transfer"
REMARK = "(translated to infrared with ir-transfer)"

Span = tuple[int, int]


@dataclass
class Image:
    """An entry of ``images``.

    Attributes:
        span: Start and end of its text.
        id: Id; None without a valid one.
        file_name: File name as written; in LVIS, the last two components of ``coco_url``.
        size: Height and width in pixels; None if they are not stated.
        rel_path: Path of the image relative to the root of the set; None if it was not found.
        base: Folder of the set that ``file_name`` is relative to; None for an absolute path.
        url: ``coco_url`` of an entry without ``file_name``.
    """

    span: Span
    id: Id | None
    file_name: str | None
    size: tuple[int, int] | None
    rel_path: PurePosixPath | None = None
    base: PurePosixPath | None = None
    url: str | None = None


class CocoFile:
    """A file of instances, keypoints, captions, panoptic segments, or images alone.

    Args:
        rel_path: Path of the file relative to the root of the set.
        text: Content of the file.

    Attributes:
        images: Entries of ``images`` in the order of the file.
        categories: Category names by id.
        info: Value of ``info``; None without it.
        licenses: Value of ``licenses``; None without it.
        segment_files: File names of panoptic segments by index of their annotation.
        category_ids: Category ids of the annotations; None where an annotation has none.
        of_image: Indices of the annotations by image id.
        problems: (where, message) for each invalid entry.

    Raises:
        InputError: Not JSON, or another layout.
    """

    def __init__(self, rel_path: PurePosixPath, text: str) -> None:
        self.rel_path = rel_path
        self.text = text
        self.start = skip_space(text, len(BYTE_ORDER_MARK) if text.startswith(BYTE_ORDER_MARK) else 0)
        self.images: list[Image] = []
        self.categories: dict[Id, str] = {}
        self.info: Any = None
        self.licenses: Any = None
        self.of_image: dict[Id, list[int]] = {}
        self.problems: list[tuple[str, str]] = []
        self.segment_files: dict[int, str] = {}
        self._spans: list[Span] = []
        self.annotation_ids: list[Id | None] = []
        self.category_ids: list[Id | None] = []
        self._image_ids: list[Id | None] = []
        self._info_span: Span = (0, 0)
        self._last_end = 0
        self._read()

    def annotation(self, index: int) -> dict[str, Any]:
        """Return an annotation, parsed from the text on each call."""
        value: dict[str, Any] = value_at(self.text, self._spans[index][0]).value
        return value

    def text_of(self, index: int) -> str:
        """Return the text of an annotation."""
        return self.text[slice(*self._spans[index])]

    def _read(self) -> None:
        text = self.text
        at = open_bracket(text, self.start, "{")
        seen: set[str] = set()
        handlers: dict[str, Callable[[Value], None]] = {"images": self._image, "annotations": self._annotation}
        while text[at : at + 1] != "}":
            key, at = key_at(text, at)
            if key in seen and key in handlers:
                raise InputError(f"expected one {key!r}, got two")
            seen.add(key)
            if key in handlers:
                end = for_each_element(text, at, handlers[key])
            else:
                value = value_at(text, at)
                end = value.end
                if key == "categories":
                    self._categories(value.value)
                elif key == "info":
                    self.info, self._info_span = value.value, (value.start, value.end)
                elif key == "licenses":
                    self.licenses = value.value
            self._last_end = end
            at = next_item(text, end, "}")
        if skip_space(text, at + 1) != len(text):
            raise syntax_error(text, skip_space(text, at + 1))
        if "images" not in seen:
            raise InputError("expected COCO's layout, got no 'images'")
        if self.images and all(image.file_name is None for image in self.images):
            raise InputError("expected file_name or coco_url in the entries of 'images', got neither in any")
        self._check_ids()

    def _image(self, item: Value) -> None:
        entry = item.value if isinstance(item.value, dict) else {}
        own, name = id_of(entry.get("id")), entry.get("file_name")
        sides = [side for key in ("height", "width") if isinstance(side := entry.get(key), int)]
        known = (sides[0], sides[1]) if len(sides) == 2 and min(sides) > 0 and max(sides) < 2**31 else None
        name = name if isinstance(name, str) else None
        url = entry.get("coco_url") if name is None else None
        url = url if isinstance(url, str) and url.count("/") > 1 else None
        if url is not None:
            name = "/".join(url.split("/")[-2:])
        if name is None:
            self.problems.append((f"image {own}", "expected a file_name or coco_url, got none: kept unchanged"))
        self.images.append(Image((item.start, item.end), own, name, known, url=url))

    def _annotation(self, item: Value) -> None:
        entry = item.value if isinstance(item.value, dict) else {}
        own, image = id_of(entry.get("id")), id_of(entry.get("image_id"))
        if image is None:
            self.problems.append((f"annotation {own}", "expected an image_id, got none: kept unchanged"))
        else:
            self.of_image.setdefault(image, []).append(len(self._spans))
        if "bbox" in entry:
            try:
                box_of(entry)
            except InputError as error:
                self.problems.append((f"annotation {own}", f"{error}: kept unchanged"))
        if isinstance(entry.get("segments_info"), list) and isinstance(entry.get("file_name"), str):
            self.segment_files[len(self._spans)] = entry["file_name"]
        self._spans.append((item.start, item.end))
        self.annotation_ids.append(own)
        self.category_ids.append(id_of(entry.get("category_id")))
        self._image_ids.append(image)

    def _categories(self, value: Any) -> None:
        for entry in value if isinstance(value, list) else ():
            own = id_of(entry.get("id")) if isinstance(entry, dict) else None
            name = entry.get("name") if isinstance(entry, dict) else None
            if own is None or not isinstance(name, str):
                self.problems.append(
                    (f"category {own}", "expected an id and a name, got another layout: kept unchanged")
                )
            else:
                self.categories[own] = printable(name)

    def _check_ids(self) -> None:
        for kind, ids in (("image", [one.id for one in self.images]), ("annotation", self.annotation_ids)):
            seen: set[Id] = set()
            for own in ids:
                if own is not None and own in seen:
                    self.problems.append((f"{kind} {own}", "expected one entry of this id, got two: both are kept"))
                if own is not None:
                    seen.add(own)
        known = {one.id for one in self.images}
        for own, image in zip(self.annotation_ids, self._image_ids, strict=True):
            if image is not None and image not in known:
                self.problems.append(
                    (f"annotation {own}", f"expected an image for image_id {quoted(image)}, got none: kept unchanged")
                )

    def rewritten(
        self,
        image_ids: NewIds,
        names: Callable[[Image], Sequence[str | None]],
        segment_name: Callable[[int, Image, int], str | None],
        origin: Mapping[str, str],
    ) -> str:
        """Return the text with an entry for each result.

        Args:
            image_ids: Ids of copies, shared by all files of the set, so that captions and instances match.
            names: Function from an entry to the file names of its copies; None keeps the name.
            segment_name: Function from annotation index, image and number of the copy to the new name of its file of
                segments; None keeps the name.
            origin: Provenance, written into ``info``.
        """
        names_of = {id(image): [None] if image.file_name is None else names(image) for image in self.images}
        images = [self._copies(image, names_of[id(image)], image_ids) for image in self.images]
        by_id = {image.id: image for image in self.images if image.id is not None}
        own_ids = NewIds(one for one in self.annotation_ids if one is not None)
        annotations: list[list[str]] = []
        for index, key in enumerate(self._image_ids):
            own, old = self.text[slice(*self._spans[index])], self.annotation_ids[index]
            image = by_id.get(key) if key is not None else None
            found: list[str] = []
            for number in range(1 if image is None else len(names_of[id(image)])):
                values: dict[str, Any] = {}
                if image is not None and index in self.segment_files:
                    name = segment_name(index, image, number)
                    values |= {} if name is None else {"file_name": name}
                if number and key is not None:
                    values |= {"image_id": image_ids.copy(key, number)}
                    values |= {} if old is None else {"id": own_ids.copy(old, number)}
                found.append(replace_values(own, values) if values else own)
            annotations.append(found)
        edits = [
            (spans[0][0], spans[-1][1], join_items(self.text, spans, items))
            for spans, items in (([one.span for one in self.images], images), (self._spans, annotations))
            if spans
        ]
        return self._edited([*edits, *self._info_edits(origin)])

    def _copies(self, image: Image, names: Sequence[str | None], ids: NewIds) -> list[str]:
        own = self.text[slice(*image.span)]
        found = []
        for number, name in enumerate(names):
            values: dict[str, Any] = {} if name is None else {"file_name": name}
            if name is not None and image.url is not None:
                # LVIS readers take the last two components of the URL as the path; others need a file_name.
                values["coco_url"] = f"{image.url.rsplit('/', 2)[0]}/{'/'.join(name.split('/')[-2:])}"
            if number and image.id is not None:
                values["id"] = ids.copy(image.id, number)
            text = replace_values(own, values) if values else own
            found.append(text if name is None or image.url is None else with_key(text, "file_name", name))
        return found

    def _info_edits(self, origin: Mapping[str, str]) -> list[tuple[int, int, list[str]]]:
        """Return the edit that writes the provenance into ``info``."""
        if not origin:
            return []
        start, end = self._info_span
        if isinstance(self.info, dict):
            own = with_key(self.text[start:end], ORIGIN_KEY, dict(origin))
            described = self.info.get("description")
            if isinstance(described, str) and not described.endswith(REMARK):
                own = replace_values(own, {"description": f"{described} {REMARK}".lstrip()})
            return [(start, end, [own])]
        key, value = ("info", {"description": REMARK, ORIGIN_KEY: dict(origin)})
        if end:  # an info that is a string or a list is kept
            key, value = ORIGIN_KEY, dict(origin)
        return [(self._last_end, self._last_end, [f", {json.dumps(key)}: {json.dumps(value)}"])]

    def _edited(self, edits: list[tuple[int, int, list[str]]]) -> str:
        pieces: list[str] = []
        at = 0
        for start, end, new in sorted(edits, key=lambda edit: edit[:2]):
            pieces += [self.text[at:start], *new]
            at = end
        return "".join([*pieces, self.text[at:]])
