"""Labels from COCO's instances: outlines and runs of all pictures in one JSON."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from ir_transfer.data.label_maps.label_map import NO_LABEL, LabelMap, fitted
from ir_transfer.data.label_maps.shapes import Inside, inside_polygon, inside_runs
from ir_transfer.errors import InputError, MissingFileError


class CocoLabels:
    """The instances of a COCO file as label maps: a pixel's label is the id of its category.

    Where instances overlap, the smaller one lies on top.

    Args:
        path: The JSON file.

    Raises:
        MissingFileError: No such file.
        InputError: Another layout, or an instance of category 0, which means no label here.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise MissingFileError(f"expected label maps at {path}, found none: check the path")
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            self.images: dict[PurePosixPath, dict[str, Any]] = {
                PurePosixPath(image["file_name"]).with_suffix(""): image for image in content["images"]
            }
            self.names: Mapping[int, str] = {int(c["id"]): str(c["name"]) for c in content["categories"]}
            self._of_image: dict[Any, list[dict[str, Any]]] = defaultdict(list)
            for one in content["annotations"]:
                self._of_image[one["image_id"]].append(one)
            zeros = [one.get("id") for one in content["annotations"] if int(one["category_id"]) == NO_LABEL]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InputError(f"{path}: expected COCO's instances, got another layout ({error!r})") from error
        if zeros:
            raise InputError(
                f"{path}: expected category ids from 1, got 0 (annotation {zeros[0]}): number the categories from 1, "
                "since 0 means no label"
            )

    def fingerprint(self, place: PurePosixPath) -> str:
        """Return a hash of all that decides the map of a picture."""
        image = self._image(place)
        text = json.dumps([image, self._of_image[image["id"]]], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def read(self, place: PurePosixPath, height: int, width: int, *, fit: bool = False) -> LabelMap:
        """Return the labels (height, width) of a picture; see :class:`~.files.LabelMaps` for the errors."""
        image = self._image(place)
        rows, columns = int(image.get("height", height)), int(image.get("width", width))
        found: list[tuple[Inside, int]] = []
        for one in self._of_image[image["id"]]:
            try:
                found.append((_inside(one["segmentation"], rows, columns), int(one["category_id"])))
            except (InputError, ValueError, KeyError, TypeError) as error:
                raise InputError(
                    f"{self.path}: expected an outline or runs for annotation {one.get('id')}, got: {error}: "
                    "export instance segmentation"
                ) from error
        levels = np.full((rows, columns), NO_LABEL, np.int64)
        for inside, label in sorted(found, key=lambda pair: -int(pair[0].sum())):
            levels[inside] = label
        return LabelMap(fitted(levels, height, width, f"{self.path} for {place}", fit=fit), names=self.names)

    def _image(self, place: PurePosixPath) -> dict[str, Any]:
        """Return the entry of the same folder and name, else the only one of that name in any folder."""
        if place in self.images:
            return self.images[place]
        alike = [image for name, image in self.images.items() if name.name == place.name]
        if len(alike) != 1:
            raise InputError(
                f"{self.path}: expected one picture named {place} among {len(self.images)}, found {len(alike)}: "
                "give it its file_name"
            )
        return alike[0]


def _inside(segmentation: Any, height: int, width: int) -> Inside:
    if isinstance(segmentation, dict):
        if list(segmentation["size"]) != [height, width]:
            raise InputError(f"runs of size {segmentation['size']} in a picture of {[height, width]}")
        return inside_runs(segmentation["counts"], height, width)
    if not segmentation:
        raise InputError("a box alone")
    parts = [inside_polygon(corners, height, width) for corners in segmentation]
    inside: Inside = np.logical_or.reduce(parts)
    return inside
