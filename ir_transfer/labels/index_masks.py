"""Sets of index masks: a mask for each image, in a sibling folder or with a suffix."""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import PurePosixPath

import numpy as np

from ir_transfer.errors import DecodeError, InputError
from ir_transfer.imaging.image_names import composed
from ir_transfer.imaging.remote import stored_bytes
from ir_transfer.labels.base import LabelledImage, LabelledSet
from ir_transfer.labels.frames import LabelEvidence, mask_sizes
from ir_transfer.labels.label_maps.label_map import NO_LABEL, SUFFIXES, LabelMap, read_label_image
from ir_transfer.labels.paths import renamed, split_of
from ir_transfer.labels.regions import Region, mask_region, size_mismatch
from ir_transfer.labels.side_files import Results, read_class_names
from ir_transfer.labels.tree import Tree

IMAGE_FOLDERS = ("images", "imgs", "img", "image", "rgb", "JPEGImages", "leftImg8bit", "input", "inputs")
MASK_FOLDERS = (
    "masks", "mask", "labels", "label", "annotations", "annotation", "gt", "gtFine", "gtCoarse", "segmentation",
    "segmentations", "segmaps", "SegmentationClass", "SegmentationObject", "index_masks", "targets",
)  # fmt: skip
# A suffix that distinguishes an image and its mask is at the end of the stem, or before the number of a variant.
_STEM_END = r"(?=$|__)"
_IMAGE_SUFFIX = re.compile(rf"_(leftImg8bit|image|img|rgb){_STEM_END}")
_MASK_SUFFIX = re.compile(
    r"(_gt(Fine|Coarse)_(labelIds|instanceIds|labelTrainIds|color)"
    rf"|_(masks?|labels?|gt|seg|segmentation|annotation|target|index)){_STEM_END}"
)
_LESS_PREFERRED = re.compile(rf"_(color|instanceIds|labelTrainIds){_STEM_END}")
_NAME_FILES = ("classes.txt", "labels.txt", "class_names.txt")


def mask_files(tree: Tree) -> dict[PurePosixPath, list[PurePosixPath]]:
    """Return the images that have masks, with their masks; regions come from the first one."""
    masks = {rel_path: key for rel_path in tree.images if (key := _mask_key(rel_path)) is not None}
    images: dict[tuple[str, ...], list[PurePosixPath]] = {}
    for rel_path in tree.images:
        if not set(rel_path.parent.parts) & set(MASK_FOLDERS):
            for key in _image_keys(rel_path):
                images.setdefault(key, []).append(rel_path)
    found: dict[PurePosixPath, list[PurePosixPath]] = {}
    for mask, key in masks.items():
        for image in images.get(key, ()):
            if image != mask:
                found.setdefault(image, []).append(mask)
    for own in found.values():
        own.sort(key=lambda rel_path: (_LESS_PREFERRED.search(rel_path.stem) is not None, str(rel_path)))
    taken = {mask for own in found.values() for mask in own}
    return {image: own for image, own in found.items() if image not in taken}


def _mask_key(rel_path: PurePosixPath) -> tuple[str, ...] | None:
    """Return the key that a mask shares with its image: stem and folders, without what distinguishes them."""
    if rel_path.suffix.lower() not in SUFFIXES:
        return None
    stem, count = _MASK_SUFFIX.subn("", rel_path.stem, count=1)
    folders = [part for part in rel_path.parent.parts if part not in MASK_FOLDERS]
    if not count and len(folders) == len(rel_path.parent.parts):
        return None
    return tuple(map(composed, (*folders, stem)))


def _image_keys(rel_path: PurePosixPath) -> set[tuple[str, ...]]:
    folders = [composed(part) for part in rel_path.parent.parts if part not in IMAGE_FOLDERS]
    stem = composed(rel_path.stem)
    return {(*folders, stem), (*folders, _IMAGE_SUFFIX.sub("", stem, count=1))}


class MaskSet(LabelledSet):
    """A set of index masks; each level above 0, or each colour, is a class."""

    kind = "masks"

    def __init__(self, tree: Tree) -> None:
        super().__init__(tree)
        self._masks = mask_files(tree)
        masks = {mask for own in self._masks.values() for mask in own}
        folders = {image.parent for image in self._masks}
        images = [p for p in tree.images if p in self._masks or (p.parent in folders and p not in masks)]
        if not images:
            raise InputError(f"expected images with masks of the same stem in {tree.root}, found none")
        self._claimed.update(masks)
        self._set_images(images, {rel_path: split_of(rel_path) for rel_path in images})
        self._names = read_class_names(tree, _NAME_FILES)
        for rel_path in images:
            if rel_path not in self._masks:
                self._report(rel_path, "", "expected a mask of the same stem, found none: it has no labels")
        self._report_left_out(masks)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Names of the levels above 0; without a names file all levels that occur, which reads every mask."""
        if self._names:
            return tuple(name for level, name in sorted(self._names.items()) if level != NO_LABEL)
        levels = {
            (label, found.describe(label))
            for image in self.images
            if (found := self._map(image)) is not None
            for label in found.labels - {NO_LABEL}
        }
        return tuple(name for _, name in sorted(levels))

    def _map(self, image: LabelledImage) -> LabelMap | None:
        masks = self._masks.get(image.rel_path)
        if not masks:
            return None
        try:
            return read_label_image(self.root / masks[0])
        except (DecodeError, InputError) as error:
            self._report(masks[0], "", f"{error}: copied unchanged")
            return None

    def regions(self, image: LabelledImage, height: int, width: int) -> list[Region]:
        """Return a region for each level above 0 of the mask of an image."""
        found = self._map(image)
        if found is None:
            return []
        if found.levels.shape != (height, width):
            message = f"{size_mismatch(found.levels.shape, height, width)}: no regions"
            self._report(self._masks[image.rel_path][0], "", message)
            return []
        return [
            mask_region(self._names.get(label, found.describe(label)), str(label), np.equal(found.levels, label))
            for label in sorted(found.labels - {NO_LABEL})
        ]

    def evidence(self, image: LabelledImage) -> LabelEvidence:
        """Return the sizes of the masks."""
        masks = self._masks.get(image.rel_path, ())
        return LabelEvidence([size for mask in masks for size in mask_sizes(self.root / mask)], empty=not masks)

    def _check(self) -> None:
        for image in self.images:
            self._map(image)

    def _label_files(self, results: Results, origin: Mapping[str, str]) -> Iterator[tuple[PurePosixPath, bytes]]:
        for image, masks in self._masks.items():
            for mask in masks:
                made = results.get(image, ())
                data = stored_bytes(self.root / mask) if made else b""
                yield from ((renamed(mask, image, result), data) for result in made)
