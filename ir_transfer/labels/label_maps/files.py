"""Finding the label map of an image: one file for all images, a folder that mirrors theirs, or a COCO file."""

import hashlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Protocol

import numpy as np

from ir_transfer.errors import DecodeError, InputError, MissingFileError
from ir_transfer.imaging.image_names import composed, find_below
from ir_transfer.labels.coco_file import CocoFile, Image
from ir_transfer.labels.coco_objects import object_at
from ir_transfer.labels.label_maps.label_map import NO_LABEL, SUFFIXES, LabelMap, read_label_image, resized_labels
from ir_transfer.labels.label_maps.rasterize import Mask
from ir_transfer.labels.text_io import (
    MAX_JSON_BYTES,
    MAX_LABEL_BYTES,
    quoted,
    read_limited,
    split_lines,
    to_bytes,
    to_text,
)
from ir_transfer.labels.yolo_lines import is_out_of_image, parse_line, region_of
from ir_transfer.regular_files import read_regular


class CocoLabels:
    """The instances of a COCO file as label maps: the label of a pixel is its category id.

    Where instances overlap, the smaller one is drawn last.

    Raises:
        MissingFileError: No such file.
        InputError: Not in COCO layout, or a category id below 1; 0 is reserved for unlabelled pixels.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise MissingFileError(f"expected label maps at {path}, found none: check the path")
        try:
            self._file = CocoFile(PurePosixPath(path.name), to_text(read_limited(path, MAX_JSON_BYTES)))
        except (InputError, DecodeError) as error:
            raise InputError(f"{path}: expected COCO's instances, got another layout ({error})") from error
        self._images = {_key(image.file_name): image for image in self._file.images if image.file_name is not None}
        self.names: Mapping[int, str] = {own: name for own, name in self._file.categories.items() if type(own) is int}
        for own, category in zip(self._file.annotation_ids, self._file.category_ids, strict=True):
            if not isinstance(category, int) or category <= NO_LABEL:
                raise InputError(
                    f"{path}: expected category ids from 1, got {category!r} (annotation {own}): number the categories "
                    "from 1, since 0 means no label"
                )

    def fingerprint(self, rel_path: PurePosixPath) -> str:
        """Return the SHA-256 of the entry and the annotations of an image."""
        image = self._image(rel_path)
        hashed = hashlib.sha256(to_bytes(self._file.text[slice(*image.span)]))
        for index in () if image.id is None else self._file.of_image.get(image.id, ()):
            hashed.update(to_bytes(self._file.text_of(index)))
        return hashed.hexdigest()

    def read(self, rel_path: PurePosixPath, height: int, width: int, *, fit: bool = False) -> LabelMap:
        """Return the labels (height, width) of an image; see :class:`~.files.LabelMaps` for the errors."""
        image = self._image(rel_path)
        rows, columns = image.size or (height, width)
        found: list[tuple[Mask, int]] = []
        for index in () if image.id is None else self._file.of_image.get(image.id, ()):
            category = self._file.category_ids[index]
            one = object_at(self._file, index, (rows, columns))
            region = None if one is None else one.region
            if region is None or region.draw is None or not isinstance(category, int):
                got = "; ".join(one.problems) if one is not None and one.problems else "no polygon"
                raise InputError(
                    f"{self.path}: expected a polygon or run lengths for annotation "
                    f"{self._file.annotation_ids[index]}, got: {got}: export instance segmentation"
                )
            found.append((region.mask(rows, columns), category))
        levels = np.full((rows, columns), NO_LABEL, np.int64)
        for inside, label in sorted(found, key=lambda pair: -int(pair[0].sum())):
            levels[inside] = label
        return LabelMap(resized_labels(levels, height, width, f"{self.path} for {rel_path}", fit=fit), names=self.names)

    def _image(self, rel_path: PurePosixPath) -> Image:
        """Return the entry with the same folder and name, or the only entry of that name in any folder."""
        own = PurePosixPath(composed(str(rel_path)))
        if own in self._images:
            return self._images[own]
        alike = [image for name, image in self._images.items() if name.name == own.name]
        if len(alike) != 1:
            raise InputError(
                f"{self.path}: expected one image named {rel_path} among {len(self._images)}, found {len(alike)}: "
                "give it its file_name"
            )
        return alike[0]


def _key(file_name: str) -> PurePosixPath:
    return PurePosixPath(composed(file_name.replace("\\", "/"))).with_suffix("")


POLYGON_SUFFIX = ".txt"
"""Suffix of YOLO segmentation files: a line per object, ``class x y x y ...`` relative to width and height."""
_BOX = 4  # numbers of a line that is a box
_KINDS = f"{', '.join((*SUFFIXES, POLYGON_SUFFIX))} (JPEG changes colours)"


class LabelMaps(Protocol):
    """The label maps of many images.

    Attributes:
        names: Class names by label; empty if the files state none.
    """

    names: Mapping[int, str]

    def fingerprint(self, rel_path: PurePosixPath) -> str:
        """Return a hash of everything that determines the map of an image; raises as :meth:`read`."""

    def read(self, rel_path: PurePosixPath, height: int, width: int, *, fit: bool = False) -> LabelMap:
        """Return the label map of an image.

        Args:
            rel_path: Sub-folder and name of the image, without suffix.
            height: Height of the image in pixels.
            width: Width of the image in pixels.
            fit: Resize a map of another size by nearest neighbour; otherwise it is an error.

        Raises:
            MissingFileError: The image has no map.
            DecodeError: The file is damaged.
            InputError: The file has another layout, or the map another size.
        """


def open_label_maps(path: Path) -> LabelMaps:
    """Return the label maps at a path: a file for all images, a folder that mirrors theirs, or COCO's JSON.

    Raises:
        MissingFileError: Nothing is there.
        InputError: A file type that holds no labels, or a COCO file in another layout.
    """
    if path.suffix.lower() == ".json" and not path.is_dir():
        return CocoLabels(path)
    if not path.exists():
        raise MissingFileError(f"expected label maps at {path}, found none: check the path")
    if path.is_file() and path.suffix.lower() not in {*SUFFIXES, POLYGON_SUFFIX}:
        raise InputError(f"{path}: expected a label map, got {path.suffix or 'no suffix'}: use {_KINDS} or .json")
    return LabelFiles(path)


class LabelFiles:
    """One file for all images, or a folder that holds one for each at the image's sub-folder and name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.names: Mapping[int, str] = {}

    def fingerprint(self, rel_path: PurePosixPath) -> str:
        """Return the SHA-256 of the file for an image.

        Raises:
            DecodeError: It cannot be read.
        """
        path = self._file(rel_path)
        try:
            return hashlib.sha256(read_regular(path)).hexdigest()
        except OSError as error:
            raise DecodeError(f"{path}: expected a readable file, got: {error.strerror}: check it") from error

    def read(self, rel_path: PurePosixPath, height: int, width: int, *, fit: bool = False) -> LabelMap:
        """Return the labels (height, width) of an image; see :class:`LabelMaps` for the errors."""
        path = self._file(rel_path)
        if path.suffix.lower() == POLYGON_SUFFIX:
            return read_polygons(path, height, width)
        found = read_label_image(path)
        return LabelMap(resized_labels(found.levels, height, width, str(path), fit=fit), found.coloured)

    def _file(self, rel_path: PurePosixPath) -> Path:
        if self.path.is_file():
            return self.path
        stem = self.path / rel_path
        rel_paths = (rel_path.with_name(rel_path.name + suffix) for suffix in (*SUFFIXES, POLYGON_SUFFIX))
        found = [file for one in rel_paths if (file := find_below(self.path, one)) is not None and file.is_file()]
        if not found:
            raise MissingFileError(f"expected a label map such as {stem}.png, found none: add one ({_KINDS})")
        if len(found) > 1:
            raise InputError(f"expected one label map for {rel_path}, got {found[0]} and {found[1]}: remove one")
        return found[0]


def read_polygons(path: Path, height: int, width: int) -> LabelMap:
    """Return the label map (height, width) of YOLO polygons: class + 1, later lines drawn over earlier ones.

    Raises:
        DecodeError: The file cannot be read.
        InputError: A line is not a polygon.
    """
    levels = np.full((height, width), NO_LABEL, np.int64)
    for number, (line, _) in enumerate(split_lines(to_text(read_limited(path, MAX_LABEL_BYTES))), start=1):
        if not line.strip():
            continue
        try:
            kind, corners = parse_line(line, 0)
            if len(corners) == _BOX:
                raise InputError("a box")
            region = region_of(corners, str(kind), str(number), height, width)
        except InputError as error:
            raise InputError(
                f"{path}:{number}: expected 'class x y x y ...' with three corners or more, got {quoted(line)} "
                f"({error}): export segments, not boxes"
            ) from error
        if is_out_of_image(corners):
            raise InputError(f"{path}:{number}: expected corners in [0, 1], got {quoted(line)}")
        levels[region.mask(height, width)] = kind + 1
    return LabelMap(levels)
