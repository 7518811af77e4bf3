"""Labelled objects from masks: one image for every scene whose pixel values are labels."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from skimage.measure import label as connected
from skimage.measure import regionprops

from ir_transfer.data.cards import Card
from ir_transfer.data.name_patterns import NamePattern
from ir_transfer.errors import InputError, MissingFileError
from ir_transfer.evaluation.scenes import Scene
from ir_transfer.imaging.image_names import composed
from ir_transfer.labels.label_maps.label_map import read_levels, resize_nearest
from ir_transfer.metrics.object_heat import Region
from ir_transfer.yaml_fields import read_mapping

NAMES = "labels.yaml"
"""File in a folder of masks that maps values to names, as in ``1: person``."""
SMALLEST = 12
"""Smallest number of pixels of an object; smaller components are often edges of other objects."""
_NARROWEST = 3  # width of a ring in pixels


@dataclass(frozen=True)
class Masks:
    """The masks of a data set.

    Attributes:
        files: The mask of every scene that has one, by stem in Unicode's composed form.
        names: Names of the values that are objects; other values are ignored.
    """

    files: Mapping[str, Path]
    names: Mapping[int, str]


def open_masks(folder: Path) -> Masks:
    """Return the masks ``<stem>.png`` of a folder, with the names in its file :data:`NAMES`.

    Raises:
        MissingFileError: No such folder, or it has no file of names.
        InputError: The file of names is not a mapping from values to names, or there is no mask.
    """
    if not folder.is_dir():
        raise MissingFileError(f"expected a folder of masks at {folder}, found none: check --masks")
    raw = read_mapping(folder / NAMES, "mapping from levels to names", "write lines such as '1: person'")
    for level, name in raw.items():
        if not isinstance(level, int) or not isinstance(name, str):
            raise InputError(f"expected lines such as '1: person' in {folder / NAMES}, got {level!r}: {name!r}")
    files = {composed(path.stem): path for path in sorted(folder.glob("*.png"))}
    if not files:
        raise InputError(f"expected masks such as scene_1.png in {folder}, got none: check --masks")
    return Masks(files, {int(level): name for level, name in raw.items()})


def masks_of_card(root: Path, card: Card) -> Masks | None:
    """Return the masks that a card names, below its root folder; None if there are none."""
    if card.labels is None:
        return None
    found = {"_".join(key): path for key, path in NamePattern(card.labels.masks).find(root).items()}
    return Masks(found, card.labels.names) if found else None


def read_regions(masks: Masks, scene: Scene, label: str | None = None) -> list[Region]:
    """Return the objects of a scene in its pixels: the connected components of each label.

    The ring of an object extends by half of its shorter side, at least 3 pixels, and excludes pixels of its label.

    Args:
        masks: The masks of the data set; a scene without a mask has no objects.
        scene: The scene.
        label: Only objects of this label, in any case.

    Raises:
        InputError: A mask with colours, or of another size than the scene's files.
        DecodeError: A mask that is not an image.
    """
    path = masks.files.get(composed(scene.stem))
    if path is None:
        return []
    levels = _levels(path, scene)
    found = []
    for level, name in masks.names.items():
        if label is None or label.lower() == name.lower():
            found += _objects(levels == level, name)
    return found


def _objects(mask: NDArray[np.bool_], name: str) -> list[Region]:
    found = ringed_components(mask, mask, SMALLEST, lambda side: max(side // 2, _NARROWEST))
    return [Region(inside, ring, name) for inside, ring in found]


def ringed_components(
    mask: NDArray[np.bool_], excluded: NDArray[np.bool_], smallest: int, reach_of: Callable[[int], float]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield the pixels (N, 2) and the ring (M, 2) of every connected component of a mask, as rows and columns.

    Args:
        mask: The objects (H, W).
        excluded: Pixels (H, W) that belong to no ring.
        smallest: Smallest number of pixels of a component.
        reach_of: Returns the width of a ring in pixels for the shorter side of the component's bounding box.
    """
    for region in regionprops(connected(mask, connectivity=2)):
        if region.area < smallest:
            continue
        top, left, bottom, right = region.bbox
        reach = reach_of(min(bottom - top, right - left))
        pad = math.ceil(reach)
        window = slice(max(top - pad, 0), bottom + pad), slice(max(left - pad, 0), right + pad)
        corner = [window[0].start, window[1].start]
        own = np.zeros(mask[window].shape, bool)
        own[tuple((region.coords - corner).T)] = True
        ring = (distance_transform_edt(~own) <= reach) & ~excluded[window]
        yield region.coords, np.argwhere(ring) + corner


def _levels(path: Path, scene: Scene) -> NDArray[np.int64]:
    found = read_levels(path)
    if found.coloured:
        raise InputError(f"expected one channel of labels in {path}, got colours: export label numbers")
    height, width = scene.ground_truth.shape[-2:]
    size = found.levels.shape[::-1]
    if tuple(round(side * scene.scale) for side in size) != (width, height):
        raise InputError(
            f"expected the mask {path} to have the size of the scene's images, got {size}: "
            "pass the masks of these files"
        )
    return resize_nearest(found.levels, height, width)
