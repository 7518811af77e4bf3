"""Label maps from COCO instances: polygons and run lengths (RLE) of all images in one JSON file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import numpy as np

from ir_transfer.errors import DecodeError, InputError, MissingFileError
from ir_transfer.imaging.image_names import composed
from ir_transfer.labels.coco_file import CocoFile, Image
from ir_transfer.labels.coco_objects import object_at
from ir_transfer.labels.label_maps.label_map import NO_LABEL, LabelMap, resized_labels
from ir_transfer.labels.label_maps.rasterize import Mask
from ir_transfer.labels.text_io import MAX_JSON_BYTES, read_limited, to_bytes, to_text


class CocoLabels:
    """The instances of a COCO file as label maps: the label of a pixel is its category id.

    Where instances overlap, the smaller one is drawn last.

    Args:
        path: The JSON file.

    Raises:
        MissingFileError: No such file.
        InputError: No COCO layout, or a category id below 1; 0 is reserved for unlabelled pixels.
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
