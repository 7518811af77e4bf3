"""COCO: one JSON for many pictures, with boxes, outlines, runs, keypoints, captions or panoptic segments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from ir_transfer.data.label_maps.pictures import read_levels
from ir_transfer.data.label_maps.shapes import Inside, check_runs, inside_runs
from ir_transfer.data.labels.base import LabelledPicture, LabelledSet
from ir_transfer.data.labels.coco_file import CocoFile, Image
from ir_transfer.data.labels.coco_paths import PictureFinder
from ir_transfer.data.labels.coco_values import NewIds, box_of, id_of, numbers, whole_numbers
from ir_transfer.data.labels.places import differ_in_one_folder, inside, relative, renamed, split_named, split_of
from ir_transfer.data.labels.regions import Region, mask_region, outline_region, size_differs
from ir_transfer.data.labels.side_files import Results, licence_files
from ir_transfer.data.labels.texts import MAX_JSON_BYTES, printable, read_limited, shown, to_bytes, to_text
from ir_transfer.data.labels.tree import Tree
from ir_transfer.errors import DecodeError, InputError

_ANY_BOX = (0.0, 0.0, 1.0, 1.0)  # so that runs are checked and not drawn
_MARK = b'"images"'
_ANY_OF = (b'"file_name"', b'"coco_url"', b'"annotations"')


def coco_files(tree: Tree) -> list[PurePosixPath]:
    """Return the JSON files that look like COCO's, broken ones too; those that go with one picture do not."""
    found = []
    for place in tree.with_suffix(".json"):
        beside = (own for own in tree.pictures_of_stem(place.stem) if differ_in_one_folder(own.parent, place.parent))
        if next(beside, None) is None:
            try:
                data = read_limited(tree.root / place, MAX_JSON_BYTES)
            except (DecodeError, InputError):
                continue  # told as a side file
            if _MARK in data and any(mark in data for mark in _ANY_OF):
                found.append(place)
    return found


class CocoSet(LabelledSet):
    """A set whose labels are JSON files of COCO's layout; files of one split share their pictures.

    Entries whose picture is missing are left out of what is written, with their annotations: a trainer would stop
    at them.
    """

    kind = "coco"

    def __init__(self, tree: Tree) -> None:
        super().__init__(tree)
        self._files: list[CocoFile] = []
        splits: dict[PurePosixPath, str | None] = {}
        self._entries: dict[PurePosixPath, list[tuple[CocoFile, Image]]] = {}
        self._open_files()
        self._segment_places = {key: place for file in self._files for key, place in self._segment_pictures(file)}
        finder = PictureFinder(tree, frozenset(self._segment_places.values()))
        for file in self._files:
            for where, message in (*file.troubles, *finder.find(file)):
                self._tell(file.place, where, message)
            named = split_named(re.split(r"[-_.]", file.place.stem)[::-1])
            for image in file.images:
                if image.place is not None:
                    self._entries.setdefault(image.place, []).append((file, image))
                    splits[image.place] = splits.get(image.place) or named or split_of(image.place)
        self._take(self._entries, splits)
        self._image_ids = NewIds(i.id for file in self._files for i in file.images if i.id is not None)
        self._claimed.update(self._segment_places.values())
        self._tell_left_out(self._claimed)

    def _open_files(self) -> None:
        """Read the files.

        Raises:
            InputError: None can be read.
        """
        reasons = []
        for place in coco_files(self._tree):
            self._claimed.add(place)
            try:
                self._files.append(CocoFile(place, to_text(read_limited(self.root / place, MAX_JSON_BYTES))))
            except (InputError, DecodeError) as error:
                self._tell(place, "", f"{error}: left out")
                reasons.append(f"{place}: {error}")
        if not self._files:
            raise InputError(
                f"expected a JSON file of COCO's layout in {self.root}, got {'; '.join(reasons) or 'none'}"
            )

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the categories, in the order of the files."""
        return tuple(dict.fromkeys(name for file in self._files for name in file.categories.values()))

    @cached_property
    def licences(self) -> tuple[str, ...]:
        """What ``licenses`` and licence files state, a line each."""
        stated = []
        for file in self._files:
            for one in file.licenses if isinstance(file.licenses, list) else ():
                if isinstance(one, dict) and one.get("name"):
                    stated.append(f"{one['name']} ({one['url']})" if one.get("url") else str(one["name"]))
        return tuple(dict.fromkeys([*map(printable, stated), *licence_files(self._tree)]))

    @cached_property
    def info(self) -> Mapping[str, str]:
        """What ``info`` states, the first file first."""
        stated: dict[str, str] = {}
        for file in self._files:
            for key, value in file.info.items() if isinstance(file.info, dict) else ():
                if isinstance(value, str | int | float) and str(value):
                    stated.setdefault(printable(key), printable(str(value)))
        return stated

    def regions(self, picture: LabelledPicture, height: int, width: int) -> list[Region]:
        """Return instances, or the panoptic segments of a picture that has none."""
        found: dict[tuple[Any, ...], Region] = {}
        segments: list[Region] = []
        for file, image in self._entries.get(picture.place, ()):
            if image.size not in {None, (height, width)}:
                self._tell(file.place, f"image {image.id}", size_differs(image.size, height, width))
            for index in [] if image.id is None else file.of_image.get(image.id, ()):
                if index in file.segment_files:
                    segments += self._segments(file, index, height, width)
                elif (region := self._region(file, index, height, width)) is not None:
                    found.setdefault((region.instance, region.name, region.box), region)  # keypoints repeat instances
        return list(found.values()) or segments

    def _region(self, file: CocoFile, index: int, height: int, width: int) -> Region | None:
        entry = file.annotation(index)
        segmentation = entry.get("segmentation")
        if "bbox" not in entry and not segmentation:
            return None  # a caption
        where = f"annotation {file.annotation_ids[index]}"
        name = self._class_name(file, entry, where)
        instance = str(file.annotation_ids[index])
        box = box_of(entry) if _has_box(entry) else None
        try:
            return _outlined(name, instance, segmentation, box, (height, width))
        except InputError as error:
            self._tell(file.place, where, f"{error}: {'its box is used' if box else 'no region'}")
        return None if box is None else Region(name, instance, box)

    def _class_name(self, file: CocoFile, entry: dict[str, Any], where: str) -> str:
        key = entry.get("category_id")
        own = id_of(key)
        if own is not None and own in file.categories:
            return file.categories[own]
        self._tell(file.place, where, f"expected a category of the file, got category_id {shown(key)}: kept as it is")
        return printable(f"category {shown(key)}")

    def _segment_pictures(self, file: CocoFile) -> Iterator[tuple[tuple[PurePosixPath, int], PurePosixPath]]:
        """Yield where the segments of annotations lie: in a folder that has the name of the file."""
        if not file.segment_files:
            return
        bases = [folder for folder in self._tree.folders if folder.name == file.place.stem]
        bases.sort(key=lambda folder: (folder.parent != file.place.parent, str(folder)))
        for index, name in file.segment_files.items():
            places = (inside(base, name) for base in bases)
            pictures = (self._tree.find_picture(place) for place in places if place is not None)
            found = next((place for place in pictures if place is not None), None)
            if found is None:
                message = f"expected the segments {shown(name)} in a folder {file.place.stem}, found none: left out"
                self._tell(file.place, f"annotation {file.annotation_ids[index]}", message)
            else:
                yield (file.place, index), found

    def _segments(self, file: CocoFile, index: int, height: int, width: int) -> list[Region]:
        place = self._segment_places.get((file.place, index))
        if place is None:
            return []
        try:
            found = read_levels(self.root / place)
        except (DecodeError, InputError) as error:
            self._tell(place, "", f"{error}: no regions")
            return []
        levels = found.levels
        if levels.shape != (height, width):
            self._tell(place, "", f"{size_differs(levels.shape, height, width)}: no regions")
            return []
        if found.coloured:  # red counts least
            levels = levels >> 16 | (levels & 0xFF00) | (levels & 0xFF) << 16
        regions = []
        for one in file.annotation(index)["segments_info"]:
            own = one.get("id") if isinstance(one, dict) else None
            mask = levels == own if isinstance(own, int) else np.zeros((1, 1), bool)
            if mask.any():
                regions.append(mask_region(self._class_name(file, one, f"segment {own}"), str(own), mask))
            else:
                self._tell(file.place, f"segment {own}", f"expected its pixels in {place}, found none: kept as it is")
        return regions

    def _label_files(self, results: Results, origin: Mapping[str, str]) -> Iterator[tuple[PurePosixPath, bytes]]:
        for file in self._files:
            text = file.multiplied(
                self._image_ids,
                partial(_names, results=results),
                partial(self._segment_name, file, results),
                origin,
            )
            yield file.place, to_bytes(text)
            by_id = {image.id: image for image in file.images if image.id is not None}
            for key, indices in file.of_image.items():
                for index in indices:
                    yield from self._segment_copies(file, index, by_id.get(key), results)

    def _segment_copies(
        self, file: CocoFile, index: int, image: Image | None, results: Results
    ) -> Iterator[tuple[PurePosixPath, bytes]]:
        place = self._segment_places.get((file.place, index))
        if place is None or image is None or image.place is None:
            return
        data = read_limited(self.root / place, MAX_JSON_BYTES)
        for result in results.get(image.place, ()):
            yield renamed(place, image.place, result), data

    def _segment_name(self, file: CocoFile, results: Results, index: int, image: Image, number: int) -> str | None:
        place = self._segment_places.get((file.place, index))
        if place is None or image.place is None:
            return None
        new = renamed(place, image.place, results[image.place][number])
        return None if new == place else str(PurePosixPath(file.segment_files[index]).with_name(new.name))

    def _check(self) -> None:
        for file in self._files:
            for image in file.images:
                if image.place is not None and image.id is not None:
                    for index in file.of_image.get(image.id, ()):
                        self._check_one(file, image, index)

    def _check_one(self, file: CocoFile, image: Image, index: int) -> None:
        entry, where = file.annotation(index), f"annotation {file.annotation_ids[index]}"
        segmentation = entry.get("segmentation")
        if index in file.segment_files or ("bbox" not in entry and not segmentation):
            return
        self._class_name(file, entry, where)
        if not isinstance(segmentation, dict) or image.size is not None:
            try:
                _outlined("", "", segmentation, _ANY_BOX, image.size or (0, 0))
            except InputError as error:
                self._tell(file.place, where, f"{error}: {'its box is used' if _has_box(entry) else 'no region'}")


def _has_box(entry: dict[str, Any]) -> bool:
    """Return whether ``bbox`` can be used; what is wrong with it was told when the file was opened."""
    try:
        box_of(entry)
    except InputError:
        return False
    return True


def _names(image: Image, results: Results) -> Sequence[str | None]:
    """Return the file names of the pictures made from one; none for a picture that is missing."""
    if image.place is None:
        return []
    return [_name(image, image.place, result) for result in results.get(image.place, ())]


def _name(image: Image, place: PurePosixPath, result: PurePosixPath) -> str | None:
    if image.base is None:  # it was absolute
        return str(result)
    kept = result == place and (image.url is not None or inside(image.base, str(image.file_name)) == place)
    return None if kept else relative(result, image.base)


def _inside_runs(counts: Sequence[int] | str, size: tuple[int, int], height: int, width: int) -> Inside:
    if (height, width) != size:
        raise InputError(f"expected to draw runs of {size[::-1]} pixels, got a picture of {(width, height)}")
    return inside_runs(counts, height, width)


def _outlined(
    name: str, instance: str, segmentation: Any, box: tuple[float, float, float, float] | None, size: tuple[int, int]
) -> Region | None:
    """Return the region of ``segmentation``, or of the box alone where there is no other.

    Raises:
        InputError: It is neither outlines nor runs that fill a picture of this size.
    """
    if not segmentation:
        return None if box is None else Region(name, instance, box)
    if isinstance(segmentation, dict):
        counts = segmentation.get("counts")
        if numbers(segmentation.get("size")) != list(size):
            raise InputError(
                f"expected runs of a picture of {list(size)} pixels, got {shown(segmentation.get('size'))}"
            )
        if not isinstance(counts, str):
            counts = whole_numbers(counts)
        if not check_runs(counts, *size)[1::2].any():
            raise InputError("expected runs that hold pixels, got none")
        if box is None:
            return mask_region(name, instance, inside_runs(counts, *size))
        return Region(name, instance, box, partial(_inside_runs, counts, size))
    if not isinstance(segmentation, list):
        raise InputError(f"expected outlines or runs, got {shown(segmentation)}")
    flat = not isinstance(segmentation[0], list)
    return outline_region(name, instance, [numbers(one) for one in ([segmentation] if flat else segmentation)], box)
