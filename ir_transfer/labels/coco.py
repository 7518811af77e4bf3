"""COCO sets: JSON files with boxes, polygons, run lengths, keypoints, captions or panoptic segments."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from ir_transfer.errors import DecodeError, InputError
from ir_transfer.labels.base import LabelledImage, LabelledSet
from ir_transfer.labels.coco_file import CocoFile, Image
from ir_transfer.labels.coco_objects import (
    CocoObject,
    box_or_none,
    class_name,
    object_at,
    objects_of,
    rle_size,
    unknown_category,
)
from ir_transfer.labels.coco_paths import ImageFinder
from ir_transfer.labels.coco_values import NewIds, id_of
from ir_transfer.labels.frames import LabelEvidence, extent_of, mask_sizes
from ir_transfer.labels.label_maps.label_map import read_levels
from ir_transfer.labels.paths import differ_in_one_folder, inside, relative, renamed, split_from_names, split_of
from ir_transfer.labels.regions import Box, Region, mask_region, size_mismatch
from ir_transfer.labels.side_files import Results, licence_files
from ir_transfer.labels.text_io import MAX_JSON_BYTES, printable, quoted, read_limited, to_bytes, to_text
from ir_transfer.labels.tree import Tree

_IMAGES_KEY = b'"images"'
_OTHER_KEYS = (b'"file_name"', b'"coco_url"', b'"annotations"')


def coco_files(tree: Tree) -> list[PurePosixPath]:
    """Return the JSON files with the keys of COCO, including invalid ones, without per-image files.

    Their content stays in ``tree.loaded``, since reading a file of 1 GiB twice is slow.
    """
    found = []
    for rel_path in tree.with_suffix(".json"):
        beside = (
            own for own in tree.images_of_stem(rel_path.stem) if differ_in_one_folder(own.parent, rel_path.parent)
        )
        if rel_path in tree.loaded:
            found.append(rel_path)
        elif next(beside, None) is None:
            try:
                data = read_limited(tree.root / rel_path, MAX_JSON_BYTES)
            except (DecodeError, InputError):
                continue  # reported as a side file
            if _IMAGES_KEY in data and any(mark in data for mark in _OTHER_KEYS):
                tree.loaded[rel_path] = data
                found.append(rel_path)
    return found


class CocoSet(LabelledSet):
    """A set with labels in COCO JSON files; files of one split share their images.

    Entries whose image is missing are not written, nor are their annotations, since trainers would fail on them.
    """

    kind = "coco"

    def __init__(self, tree: Tree) -> None:
        super().__init__(tree)
        self._files: list[CocoFile] = []
        splits: dict[PurePosixPath, str | None] = {}
        self._entries: dict[PurePosixPath, list[tuple[CocoFile, Image]]] = {}
        self._open_files()
        self._segment_paths = {key: rel_path for file in self._files for key, rel_path in self._segment_images(file)}
        finder = ImageFinder(tree, frozenset(self._segment_paths.values()))
        for file in self._files:
            for where, message in (*file.problems, *finder.find(file)):
                self._report(file.rel_path, where, message)
            named = split_from_names(re.split(r"[-_.]", file.rel_path.stem)[::-1])
            for record in file.images:
                if record.rel_path is not None:
                    self._entries.setdefault(record.rel_path, []).append((file, record))
                    splits[record.rel_path] = splits.get(record.rel_path) or named or split_of(record.rel_path)
        self._set_images(self._entries, splits)
        self._image_ids = NewIds(i.id for file in self._files for i in file.images if i.id is not None)
        self._claimed.update(self._segment_paths.values())
        self._report_left_out(self._claimed)

    def _open_files(self) -> None:
        """Read the JSON files.

        Raises:
            InputError: No file is valid.
        """
        reasons = []
        for rel_path in coco_files(self._tree):
            self._claimed.add(rel_path)
            try:
                self._files.append(CocoFile(rel_path, to_text(self._tree.loaded.pop(rel_path))))
            except InputError as error:
                self._report(rel_path, "", f"{error}: left out")
                reasons.append(f"{rel_path}: {error}")
        if not self._files:
            raise InputError(
                f"expected a JSON file of COCO's layout in {self.root}, got {'; '.join(reasons) or 'none'}: "
                "export COCO, or pass --labels images to convert without labels"
            )

    @property
    def classes(self) -> tuple[str, ...]:
        """Category names, in the order of the files."""
        return tuple(dict.fromkeys(name for file in self._files for name in file.categories.values()))

    @cached_property
    def licences(self) -> tuple[str, ...]:
        """Licence statements of ``licenses`` and licence files, one line each."""
        stated = []
        for file in self._files:
            for one in file.licenses if isinstance(file.licenses, list) else ():
                if isinstance(one, dict) and one.get("name"):
                    stated.append(f"{one['name']} ({one['url']})" if one.get("url") else str(one["name"]))
        return tuple(dict.fromkeys([*map(printable, stated), *licence_files(self._tree)]))

    @cached_property
    def info(self) -> Mapping[str, str]:
        """Fields of ``info``; of several files, the first one wins."""
        stated: dict[str, str] = {}
        for file in self._files:
            for key, value in file.info.items() if isinstance(file.info, dict) else ():
                if isinstance(value, str | int | float) and str(value):
                    stated.setdefault(printable(key), printable(str(value)))
        return stated

    def regions(self, image: LabelledImage, height: int, width: int) -> list[Region]:
        """Return the instances of an image, or its panoptic segments if it has no instances."""
        found: dict[tuple[Any, ...], Region] = {}
        segments: list[Region] = []
        for file, record in self._entries.get(image.rel_path, ()):
            if record.size not in {None, (height, width)}:
                self._report(file.rel_path, f"image {record.id}", size_mismatch(record.size, height, width))
            for one in objects_of(file, record, (height, width)):
                self._report_object(file, one)
                if (region := one.region) is not None:
                    found.setdefault((region.instance, region.name, region.box), region)  # keypoints repeat instances
            for index in [] if record.id is None else file.of_image.get(record.id, ()):
                if index in file.segment_files:
                    segments += self._segments(file, index, height, width)
        return list(found.values()) or segments

    def evidence(self, image: LabelledImage) -> LabelEvidence:
        """Return the sizes of entries, run lengths and segments, and the extent of the boxes."""
        sizes: list[tuple[int, int]] = []
        boxes: list[Box] = []
        empty = True
        for file, record in self._entries.get(image.rel_path, ()):
            sizes += [] if record.size is None else [record.size]
            for index in () if record.id is None else file.of_image.get(record.id, ()):
                entry = file.annotation(index)
                empty &= not ({"bbox", "segmentation", "segments_info", "keypoints"} & entry.keys())
                own = rle_size(entry.get("segmentation"))
                sizes += [] if own is None else [own]
                box = box_or_none(entry)
                boxes += [] if box is None else [box]
                segments = self._segment_paths.get((file.rel_path, index))
                sizes += [] if segments is None else mask_sizes(self.root / segments)
        return LabelEvidence(sizes, extent_of(boxes), empty)

    def _report_object(self, file: CocoFile, one: CocoObject) -> None:
        for problem in one.problems:
            self._report(file.rel_path, f"annotation {file.annotation_ids[one.index]}", problem)

    def _segment_images(self, file: CocoFile) -> Iterator[tuple[tuple[PurePosixPath, int], PurePosixPath]]:
        """Yield the paths of panoptic segments, which are in a folder with the stem of the JSON file."""
        if not file.segment_files:
            return
        bases = [folder for folder in self._tree.folders if folder.name == file.rel_path.stem]
        bases.sort(key=lambda folder: (folder.parent != file.rel_path.parent, str(folder)))
        for index, name in file.segment_files.items():
            rel_paths = (inside(base, name) for base in bases)
            images = (self._tree.find_image(rel_path) for rel_path in rel_paths if rel_path is not None)
            found = next((rel_path for rel_path in images if rel_path is not None), None)
            if found is None:
                message = f"expected the segments {quoted(name)} in a folder {file.rel_path.stem}, found none: left out"
                self._report(file.rel_path, f"annotation {file.annotation_ids[index]}", message)
            else:
                yield (file.rel_path, index), found

    def _segments(self, file: CocoFile, index: int, height: int, width: int) -> list[Region]:
        rel_path = self._segment_paths.get((file.rel_path, index))
        if rel_path is None:
            return []
        try:
            found = read_levels(self.root / rel_path)
        except (DecodeError, InputError) as error:
            self._report(rel_path, "", f"{error}: no regions")
            return []
        levels = found.levels
        if levels.shape != (height, width):
            self._report(rel_path, "", f"{size_mismatch(levels.shape, height, width)}: no regions")
            return []
        if found.coloured:  # red is the least significant byte
            levels = levels >> 16 | (levels & 0xFF00) | (levels & 0xFF) << 16
        regions = []
        for one in file.annotation(index)["segments_info"]:
            own = one.get("id") if isinstance(one, dict) else None
            mask = levels == own if isinstance(own, int) else np.zeros((1, 1), bool)
            if mask.any():
                key = one.get("category_id")
                if id_of(key) not in file.categories:
                    self._report(file.rel_path, f"segment {own}", unknown_category(key))
                regions.append(mask_region(class_name(file, key), str(own), mask))
            else:
                self._report(
                    file.rel_path, f"segment {own}", f"expected its pixels in {rel_path}, found none: kept unchanged"
                )
        return regions

    def _label_files(self, results: Results, origin: Mapping[str, str]) -> Iterator[tuple[PurePosixPath, bytes]]:
        for file in self._files:
            text = file.rewritten(
                self._image_ids,
                partial(_names, results=results),
                partial(self._segment_name, file, results),
                origin,
            )
            yield file.rel_path, to_bytes(text)
            by_id = {image.id: image for image in file.images if image.id is not None}
            for key, indices in file.of_image.items():
                for index in indices:
                    yield from self._segment_copies(file, index, by_id.get(key), results)

    def _segment_copies(
        self, file: CocoFile, index: int, image: Image | None, results: Results
    ) -> Iterator[tuple[PurePosixPath, bytes]]:
        rel_path = self._segment_paths.get((file.rel_path, index))
        if rel_path is None or image is None or image.rel_path is None:
            return
        data = read_limited(self.root / rel_path, MAX_JSON_BYTES)
        for result in results.get(image.rel_path, ()):
            yield renamed(rel_path, image.rel_path, result), data

    def _segment_name(self, file: CocoFile, results: Results, index: int, image: Image, number: int) -> str | None:
        rel_path = self._segment_paths.get((file.rel_path, index))
        if rel_path is None or image.rel_path is None:
            return None
        new = renamed(rel_path, image.rel_path, results[image.rel_path][number])
        return None if new == rel_path else str(PurePosixPath(file.segment_files[index]).with_name(new.name))

    def _check(self) -> None:
        for file in self._files:
            for image in file.images:
                if image.rel_path is not None:
                    self._check_image(file, image)

    def _check_image(self, file: CocoFile, image: Image) -> None:
        for index in () if image.id is None else file.of_image.get(image.id, ()):
            if index in file.segment_files:
                continue
            # Run lengths need the image size, which the entry does not state.
            if image.size is None and isinstance(file.annotation(index).get("segmentation"), dict):
                continue
            if (one := object_at(file, index, image.size or (0, 0))) is not None:
                self._report_object(file, one)


def _names(image: Image, results: Results) -> Sequence[str | None]:
    """Return the file names of the results of an image; none if the image is missing."""
    if image.rel_path is None:
        return []
    return [_name(image, image.rel_path, result) for result in results.get(image.rel_path, ())]


def _name(image: Image, rel_path: PurePosixPath, result: PurePosixPath) -> str | None:
    if image.base is None:  # the name was absolute
        return str(result)
    kept = result == rel_path and (image.url is not None or inside(image.base, str(image.file_name)) == rel_path)
    return None if kept else relative(result, image.base)
