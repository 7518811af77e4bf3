"""Pascal VOC sets: an XML file for each image, lists under ``ImageSets``, masks of classes and objects."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import PurePosixPath

import numpy as np

from ir_transfer.errors import DecodeError, InputError
from ir_transfer.imaging.image_names import composed
from ir_transfer.imaging.remote import stored_bytes
from ir_transfer.labels.base import LabelledImage, LabelledSet
from ir_transfer.labels.frames import LabelEvidence, extent_of, mask_sizes
from ir_transfer.labels.label_maps.label_map import read_levels
from ir_transfer.labels.paths import renamed, split_from_names, split_of
from ir_transfer.labels.regions import Region, mask_region, size_mismatch
from ir_transfer.labels.side_files import Results
from ir_transfer.labels.stem_lists import rewrite_stem_lists, stem_lists
from ir_transfer.labels.text_io import MAX_XML_BYTES, read_limited
from ir_transfer.labels.tree import Tree
from ir_transfer.labels.voc_file import VocFile
from ir_transfer.regular_files import open_regular

CLASS_MASKS = "SegmentationClass"
OBJECT_MASKS = "SegmentationObject"
_MASKS = (CLASS_MASKS, OBJECT_MASKS)
_IMAGES_FOLDER = "JPEGImages"
_HEAD_BYTES = 4096


def voc_files(tree: Tree) -> list[PurePosixPath]:
    """Return the XML files whose first element is ``annotation``."""
    found = []
    for rel_path in tree.with_suffix(".xml"):
        try:
            with open_regular(tree.root / rel_path) as file:
                start = file.read(_HEAD_BYTES)
        except OSError:
            continue  # reported as a side file
        tag = start.replace(b"\0", b"").partition(b"<annotation")[2][:1]
        if tag in {b">", b" ", b"\n", b"\r", b"\t"}:
            found.append(rel_path)
    return found


class VocSet(LabelledSet):
    """A set of Pascal VOC annotations, in the folders of VOC or any others."""

    kind = "voc"

    def __init__(self, tree: Tree) -> None:
        super().__init__(tree)
        self._labels: dict[PurePosixPath, list[PurePosixPath]] = {}
        candidates = [rel_path for rel_path in tree.images if not set(_MASKS) & set(rel_path.parts)]
        self._by_stem: dict[str, list[PurePosixPath]] = {}
        for rel_path in candidates:
            self._by_stem.setdefault(composed(rel_path.stem), []).append(rel_path)
        rel_paths = voc_files(tree)
        self._claimed.update(rel_paths)
        folders: set[PurePosixPath] = set()
        for rel_path in rel_paths:
            for image in self._images_of(rel_path):
                self._labels.setdefault(image, []).append(rel_path)
                folders.add(image.parent)
        images = [rel_path for rel_path in candidates if rel_path in self._labels or rel_path.parent in folders]
        if not images:
            raise InputError(f"expected Pascal VOC annotations with images in {tree.root}, found none")
        self._masks = {
            (image, kind): mask
            for image in images
            for kind in _MASKS
            if (mask := self._mask_path(image, kind)) is not None
        }
        self._claimed.update(self._masks.values())
        self._lists = stem_lists(tree, lambda _: images, self._report)
        self._claimed.update(one.rel_path for one in self._lists)
        splits: dict[PurePosixPath, str | None] = {rel_path: split_of(rel_path) for rel_path in images}
        for one in self._lists:
            split = split_from_names([one.rel_path.stem])
            for image in one.images if split else ():
                splits[image] = splits[image] or split
        self._set_images(images, splits)
        for rel_path in images:
            if rel_path not in self._labels:
                self._report(rel_path, "", "expected an annotation, found none: it has no labels")
        self._report_left_out({rel_path for rel_path in tree.images if set(_MASKS) & set(rel_path.parts)})

    def _images_of(self, rel_path: PurePosixPath) -> list[PurePosixPath]:
        """Return the images that an annotation belongs to: several if they differ only in the suffix."""
        found = self._by_stem.get(composed(rel_path.stem), [])
        if len(found) == 1:
            return found
        try:
            name = PurePosixPath(self._annotation(rel_path).file_name.replace("\\", "/")).name
        except (InputError, DecodeError):
            name = ""  # reported when its objects are read
        if not found:
            found = list(self._tree.images_named(name)) if name else []
        elif any(composed(one.name) == composed(name) for one in found):
            found = [one for one in found if composed(one.name) == composed(name)]
        best = max((_path_similarity(one, rel_path) for one in found), default=(0, 0))
        found = [one for one in found if _path_similarity(one, rel_path) == best]
        if not found or len({one.parent for one in found}) > 1:
            self._report(rel_path, "", f"expected one image for it, found {len(found)}: left out")
            return []
        if len(found) > 1:
            self._report(
                rel_path, "", f"expected one image for it, found {' and '.join(map(str, found))}: both have it"
            )
        return found

    def _annotation(self, rel_path: PurePosixPath) -> VocFile:
        return VocFile(read_limited(self.root / rel_path, MAX_XML_BYTES))

    def _mask_path(self, image: PurePosixPath, kind: str) -> PurePosixPath | None:
        parts = [kind if part == _IMAGES_FOLDER else part for part in image.parts]
        rel_path = self._tree.find(PurePosixPath(*parts).with_suffix(".png"))
        return None if rel_path == image else rel_path

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Class names of all objects, sorted; the first access reads every annotation."""
        return tuple(sorted({region.name for image in self.images for region in self._all(image.rel_path)}))

    def _all(self, image: PurePosixPath) -> list[Region]:
        return [region for rel_path, file in self._files(image) for region in self._objects(rel_path, file)]

    def _files(self, image: PurePosixPath) -> Iterator[tuple[PurePosixPath, VocFile]]:
        """Yield the readable annotations of an image."""
        for rel_path in self._labels.get(image, ()):
            try:
                yield rel_path, self._annotation(rel_path)
            except (InputError, DecodeError) as error:
                self._report(rel_path, "", f"{error}: no regions")

    def _objects(self, rel_path: PurePosixPath, file: VocFile) -> Iterator[Region]:
        for instance, name, box in file.objects():
            if isinstance(box, InputError):
                self._report(rel_path, f"object {instance} {name}".strip(), f"{box}: kept unchanged")
            else:
                yield Region(name, instance, box)

    def regions(self, image: LabelledImage, height: int, width: int) -> list[Region]:
        """Return the objects and their parts, with masks from ``SegmentationObject`` if it has them."""
        found: list[Region] = []
        for rel_path, file in self._files(image.rel_path):
            found += self._objects(rel_path, file)
            if file.size not in {None, (height, width)}:
                self._report(rel_path, "size", size_mismatch(file.size, height, width))
        mask = self._masks.get((image.rel_path, OBJECT_MASKS))
        if mask is None:
            return found
        try:
            levels = read_levels(self.root / mask).levels
        except (DecodeError, InputError) as error:
            self._report(mask, "", f"{error}: boxes are used")
            return found
        if levels.shape != (height, width):
            self._report(mask, "", f"{size_mismatch(levels.shape, height, width)}: boxes are used")
            return found
        objects = {int(number) for number in np.unique(levels)} - {0}
        return [
            replace(region, draw=mask_region("", "", levels == int(region.instance)).draw)
            if region.instance.isdecimal() and int(region.instance) in objects
            else region
            for region in found
        ]

    def evidence(self, image: LabelledImage) -> LabelEvidence:
        """Return the sizes of annotations and masks, and the extent of the boxes."""
        files = [file for _, file in self._files(image.rel_path)]
        sizes = [file.size for file in files if file.size is not None]
        masks = [mask for kind in _MASKS if (mask := self._masks.get((image.rel_path, kind))) is not None]
        sizes += [size for mask in masks for size in mask_sizes(self.root / mask)]
        boxes = [region.box for region in self._all(image.rel_path)]
        return LabelEvidence(sizes, extent_of(boxes), not boxes and not masks)

    def _check(self) -> None:
        for image in self.images:
            self._all(image.rel_path)

    def _label_files(self, results: Results, origin: Mapping[str, str]) -> Iterator[tuple[PurePosixPath, bytes]]:
        yield from rewrite_stem_lists(self.root, self._lists, results, self._report)
        for image in self.images:
            made = results.get(image.rel_path, ())
            for rel_path in self._labels.get(image.rel_path, ()):
                yield from self._copies(rel_path, image.rel_path, made)
            for kind in _MASKS:
                mask = self._masks.get((image.rel_path, kind))
                if mask is not None:
                    data = stored_bytes(self.root / mask)
                    yield from ((renamed(mask, image.rel_path, result), data) for result in made)

    def _copies(
        self, rel_path: PurePosixPath, image: PurePosixPath, made: Sequence[PurePosixPath]
    ) -> Iterator[tuple[PurePosixPath, bytes]]:
        if (data := self._read(rel_path, MAX_XML_BYTES)) is None:
            return
        try:
            file: VocFile | None = VocFile(data)
        except InputError as error:
            self._report(rel_path, "", f"{error}: copied unchanged")
            file = None
        for result in made:
            yield renamed(rel_path, image, result), data if file is None else file.rewritten(image, result)


def _path_similarity(image: PurePosixPath, label: PurePosixPath) -> tuple[int, int]:
    """Return the number of parent folders in common, from the end and from the start of the paths."""
    one, other = image.parent.parts, label.parent.parts
    tail = next((i for i, (a, b) in enumerate(zip(one[::-1], other[::-1], strict=False)) if a != b), len(one))
    head = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    return head + tail, int(_IMAGES_FOLDER in one)
