"""Pascal VOC: an XML file for each image, lists of stems under ImageSets, and masks of classes and objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import PurePosixPath

import numpy as np

from ir_transfer.errors import DecodeError, InputError
from ir_transfer.imaging.image_names import composed
from ir_transfer.imaging.remote import stored_bytes
from ir_transfer.labels.base import LabelledImage, LabelledSet
from ir_transfer.labels.frames import LabelEvidence, extent_of, size_of_levels
from ir_transfer.labels.label_maps.images import read_levels
from ir_transfer.labels.places import renamed, split_named, split_of
from ir_transfer.labels.regions import Region, mask_region, size_differs
from ir_transfer.labels.side_files import Results
from ir_transfer.labels.stem_lists import stem_lists
from ir_transfer.labels.texts import MAX_LIST_BYTES, MAX_XML_BYTES, read_limited, to_bytes
from ir_transfer.labels.tree import Tree
from ir_transfer.labels.voc_file import VocFile
from ir_transfer.regular_files import open_regular

CLASS_MASKS = "SegmentationClass"
OBJECT_MASKS = "SegmentationObject"
_MASKS = (CLASS_MASKS, OBJECT_MASKS)
_PICTURES = "JPEGImages"
_START = 4096


def voc_files(tree: Tree) -> list[PurePosixPath]:
    """Return the XML files that start like an annotation."""
    found = []
    for place in tree.with_suffix(".xml"):
        try:
            with open_regular(tree.root / place) as file:
                start = file.read(_START)
        except OSError:
            continue  # told as a side file
        tag = start.replace(b"\0", b"").partition(b"<annotation")[2][:1]
        if tag in {b">", b" ", b"\n", b"\r", b"\t"}:
            found.append(place)
    return found


class VocSet(LabelledSet):
    """A set of Pascal VOC annotations, in its own folders or in any others."""

    kind = "voc"

    def __init__(self, tree: Tree) -> None:
        super().__init__(tree)
        self._labels: dict[PurePosixPath, list[PurePosixPath]] = {}
        candidates = [place for place in tree.images if not set(_MASKS) & set(place.parts)]
        self._by_stem: dict[str, list[PurePosixPath]] = {}
        for place in candidates:
            self._by_stem.setdefault(composed(place.stem), []).append(place)
        places = voc_files(tree)
        self._claimed.update(places)
        folders: set[PurePosixPath] = set()
        for place in places:
            for image in self._images_of(place):
                self._labels.setdefault(image, []).append(place)
                folders.add(image.parent)
        images = [place for place in candidates if place in self._labels or place.parent in folders]
        if not images:
            raise InputError(f"expected Pascal VOC annotations with images in {tree.root}, found none")
        self._masks = {
            (image, kind): mask
            for image in images
            for kind in _MASKS
            if (mask := self._mask_place(image, kind)) is not None
        }
        self._claimed.update(self._masks.values())
        self._lists = stem_lists(tree, lambda _: images, self._tell)
        self._claimed.update(one.place for one in self._lists)
        splits: dict[PurePosixPath, str | None] = {place: split_of(place) for place in images}
        for one in self._lists:
            split = split_named([one.place.stem])
            for image in one.images if split else ():
                splits[image] = splits[image] or split
        self._take(images, splits)
        for place in images:
            if place not in self._labels:
                self._tell(place, "", "expected an annotation, found none: it has no labels")
        self._tell_left_out({place for place in tree.images if set(_MASKS) & set(place.parts)})

    def _images_of(self, place: PurePosixPath) -> list[PurePosixPath]:
        """Return the images that an annotation belongs to: several if only the suffix tells them apart."""
        found = self._by_stem.get(composed(place.stem), [])
        if len(found) == 1:
            return found
        try:
            name = PurePosixPath(self._read(place).file_name.replace("\\", "/")).name
        except (InputError, DecodeError):
            name = ""  # told when it is read for its objects
        if not found:
            found = list(self._tree.images_named(name)) if name else []
        elif any(composed(one.name) == composed(name) for one in found):
            found = [one for one in found if composed(one.name) == composed(name)]
        best = max((_nearness(one, place) for one in found), default=(0, 0))
        found = [one for one in found if _nearness(one, place) == best]
        if not found or len({one.parent for one in found}) > 1:
            self._tell(place, "", f"expected one image for it, found {len(found)}: left out")
            return []
        if len(found) > 1:
            self._tell(place, "", f"expected one image for it, found {' and '.join(map(str, found))}: both have it")
        return found

    def _read(self, place: PurePosixPath) -> VocFile:
        return VocFile(read_limited(self.root / place, MAX_XML_BYTES))

    def _mask_place(self, image: PurePosixPath, kind: str) -> PurePosixPath | None:
        parts = [kind if part == _PICTURES else part for part in image.parts]
        place = self._tree.find(PurePosixPath(*parts).with_suffix(".png"))
        return None if place == image else place

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Names of all objects, sorted; reads every annotation once."""
        return tuple(sorted({region.name for image in self.images for region in self._all(image.place)}))

    def _all(self, image: PurePosixPath) -> list[Region]:
        return [region for place, file in self._files(image) for region in self._objects(place, file)]

    def _files(self, image: PurePosixPath) -> Iterator[tuple[PurePosixPath, VocFile]]:
        """Yield the annotations of an image that can be read."""
        for place in self._labels.get(image, ()):
            try:
                yield place, self._read(place)
            except (InputError, DecodeError) as error:
                self._tell(place, "", f"{error}: no regions")

    def _objects(self, place: PurePosixPath, file: VocFile) -> Iterator[Region]:
        for instance, name, box in file.objects():
            if isinstance(box, InputError):
                self._tell(place, f"object {instance} {name}".strip(), f"{box}: kept as it is")
            else:
                yield Region(name, instance, box)

    def regions(self, image: LabelledImage, height: int, width: int) -> list[Region]:
        """Return the objects and their parts; an object has its own pixels where SegmentationObject shows them."""
        found: list[Region] = []
        for place, file in self._files(image.place):
            found += self._objects(place, file)
            if file.size not in {None, (height, width)}:
                self._tell(place, "size", size_differs(file.size, height, width))
        mask = self._masks.get((image.place, OBJECT_MASKS))
        if mask is None:
            return found
        try:
            levels = read_levels(self.root / mask).levels
        except (DecodeError, InputError) as error:
            self._tell(mask, "", f"{error}: boxes are used")
            return found
        if levels.shape != (height, width):
            self._tell(mask, "", f"{size_differs(levels.shape, height, width)}: boxes are used")
            return found
        objects = {int(number) for number in np.unique(levels)} - {0}
        return [
            replace(region, draw=mask_region("", "", levels == int(region.instance)).draw)
            if region.instance.isdecimal() and int(region.instance) in objects
            else region
            for region in found
        ]

    def evidence(self, image: LabelledImage) -> LabelEvidence:
        """Return the sizes of annotations and masks, or else where the boxes end."""
        files = [file for _, file in self._files(image.place)]
        sizes = [file.size for file in files if file.size is not None]
        masks = [mask for kind in _MASKS if (mask := self._masks.get((image.place, kind))) is not None]
        sizes += [size for mask in masks for size in size_of_levels(self.root / mask)]
        boxes = [region.box for region in self._all(image.place)]
        return LabelEvidence(sizes, extent_of(boxes), not boxes and not masks)

    def _check(self) -> None:
        for image in self.images:
            self._all(image.place)

    def _label_files(self, results: Results, origin: Mapping[str, str]) -> Iterator[tuple[PurePosixPath, bytes]]:
        for one in self._lists:
            text = one.multiplied(read_limited(self.root / one.place, MAX_LIST_BYTES), results, self._tell)
            yield one.place, to_bytes(text)
        for image in self.images:
            made = results.get(image.place, ())
            for place in self._labels.get(image.place, ()):
                yield from self._copies(place, image.place, made)
            for kind in _MASKS:
                mask = self._masks.get((image.place, kind))
                if mask is not None:
                    data = stored_bytes(self.root / mask)
                    yield from ((renamed(mask, image.place, result), data) for result in made)

    def _copies(
        self, place: PurePosixPath, image: PurePosixPath, made: Sequence[PurePosixPath]
    ) -> Iterator[tuple[PurePosixPath, bytes]]:
        try:
            data = read_limited(self.root / place, MAX_XML_BYTES)
        except (InputError, DecodeError) as error:
            self._tell(place, "", f"{error}: left out")
            return
        try:
            file: VocFile | None = VocFile(data)
        except InputError as error:
            self._tell(place, "", f"{error}: copied as it is")
            file = None
        for result in made:
            yield renamed(place, image, result), data if file is None else file.rewritten(image, result)


def _nearness(image: PurePosixPath, label: PurePosixPath) -> tuple[int, int]:
    """Return how much of the path above the two have in common, from its end and from its start."""
    one, other = image.parent.parts, label.parent.parts
    tail = next((i for i, (a, b) in enumerate(zip(one[::-1], other[::-1], strict=False)) if a != b), len(one))
    head = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    return head + tail, int(_PICTURES in one)
