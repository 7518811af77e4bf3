"""YOLO: a text file for each image, found by putting ``labels`` for the last ``images`` of its path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import PurePosixPath

from ir_transfer.errors import DecodeError, InputError
from ir_transfer.imaging.image_names import SUFFIXES
from ir_transfer.labels.base import LabelledImage, LabelledSet
from ir_transfer.labels.lists import lines_of, relisted
from ir_transfer.labels.places import (
    inside,
    is_absolute,
    longest_tail,
    relative,
    spellings,
    split_named,
    split_of,
)
from ir_transfer.labels.regions import Region
from ir_transfer.labels.side_files import Results
from ir_transfer.labels.texts import (
    MAX_LABEL_BYTES,
    MAX_LIST_BYTES,
    printable,
    read_limited,
    shown,
    to_bytes,
    to_text,
)
from ir_transfer.labels.tree import Tree
from ir_transfer.labels.yolo_lines import is_out_of_image, parse_line, region_of
from ir_transfer.labels.yolo_yaml import DataYaml, data_yamls

_NAME_FILES = ("classes.txt", "obj.names", "names.txt")
_SUFFIX = ".txt"


def label_place(image: PurePosixPath) -> PurePosixPath:
    """Return where trainers look for the labels of an image."""
    before, images, after = f"/{image}".rpartition("/images/")
    return PurePosixPath(f"{before}/labels/{after}"[1:] if images else image).with_suffix(_SUFFIX)


def yolo_labels(tree: Tree) -> dict[PurePosixPath, PurePosixPath]:
    """Return the images that have a file of numbers where trainers look for it, with that file."""
    found = {}
    for image in tree.images:
        label = tree.find(label_place(image))
        if label is not None and (label.parent != image.parent or looks_like_labels(tree, label)):
            found[image] = label
    return found


def looks_like_labels(tree: Tree, place: PurePosixPath) -> bool:
    """Return whether the first line of a text file is one of labels, or there is none."""
    try:
        for body, _ in lines_of(to_text(read_limited(tree.root / place, MAX_LABEL_BYTES))):
            if body.strip():
                parse_line(body, 0)
                return True
    except (InputError, DecodeError):
        return False
    return True


class YoloSet(LabelledSet):
    """A set of YOLO labels, with a ``data.yaml`` or without."""

    kind = "yolo"

    def __init__(self, tree: Tree) -> None:
        super().__init__(tree)
        self._yamls, broken = data_yamls(tree)
        for place, reason in broken:
            self._tell(place, "", f"{reason}: copied as it is")
        self._labels = yolo_labels(tree)
        self._lists: dict[PurePosixPath, list[PurePosixPath | None]] = {}
        self._claimed.update(yaml.place for yaml in self._yamls)
        splits: dict[PurePosixPath, str | None] = {}
        for yaml in self._yamls:
            for key, place in self._split_images(yaml):
                splits.setdefault(place, split_named([key]) or key)
        self._find_lists(splits)
        if not splits:
            folders = {image.parent for image in self._labels}
            splits = {p: None for p in tree.images if p in self._labels or "images" in p.parts or p.parent in folders}
        if not splits:
            raise InputError(f"expected images with YOLO labels in {tree.root}, found none: check the folder")
        self._take(splits, {place: split or split_of(place) for place, split in splits.items()})
        self._names = self._class_names()
        self._find_labels()
        self._tell_left_out()

    def _split_images(self, yaml: DataYaml) -> Iterator[tuple[str, PurePosixPath]]:
        for entry in yaml.entries:
            if entry.place is None:
                self._tell(yaml.place, entry.key, f"expected {shown(entry.text)} in the set, found none: left out")
            elif entry.place in self._tree.folders:
                for image in self._tree.images:
                    if entry.place in image.parents:
                        yield entry.key, image
            else:
                yield from ((entry.key, place) for place in self._read_list(entry.place, yaml.bases))

    def _read_list(self, place: PurePosixPath, bases: Sequence[PurePosixPath] = ()) -> list[PurePosixPath]:
        if place not in self._lists:
            self._lists[place] = []
            self._claimed.add(place)
            try:
                lines = lines_of(to_text(read_limited(self.root / place, MAX_LIST_BYTES)))
            except (DecodeError, InputError) as error:
                self._tell(place, "", f"{error}: left out")
                return []
            for number, (body, _) in enumerate(lines, start=1):
                found = self._listed(body.strip(), place, bases) if body.strip() else None
                self._lists[place].append(found)
                if found is None and body.strip():
                    self._tell(place, str(number), f"expected an image of the set, got {shown(body)}: left out")
        return [found for found in self._lists[place] if found is not None]

    def _listed(self, text: str, file: PurePosixPath, bases: Iterable[PurePosixPath]) -> PurePosixPath | None:
        if is_absolute(text):
            return longest_tail(text, self._tree.find_image)
        for way in spellings(text):
            for base in (file.parent, *bases, PurePosixPath()):
                place = inside(base, way)
                if place is not None and (found := self._tree.find_image(place)) is not None:
                    return found
        return None

    def _find_lists(self, splits: dict[PurePosixPath, str | None]) -> None:
        """Read lists that no ``data.yaml`` names; the images of one without it."""
        for place in self._tree.with_suffix(_SUFFIX):
            if len(place.parts) > 2 or place in self._lists or place in self._labels.values():
                continue
            try:
                lines = lines_of(to_text(read_limited(self.root / place, MAX_LIST_BYTES)))
            except (DecodeError, InputError):
                continue  # told as a side file
            first = next((body.strip() for body, _ in lines if body.strip()), "")
            if PurePosixPath(first.replace("\\", "/")).suffix.lower() in SUFFIXES and self._listed(first, place, ()):
                for image in self._read_list(place):
                    if not self._yamls:
                        splits.setdefault(image, split_named(place.stem.split("_")[::-1]))

    def _class_names(self) -> dict[int, str]:
        for yaml in self._yamls:
            if yaml.names:
                return yaml.names
        files = [place for place in self._tree.files if place.name.lower() in _NAME_FILES]
        for place in sorted(files, key=lambda file: (len(file.parts), str(file))):
            try:
                lines = lines_of(to_text(read_limited(self.root / place, MAX_LABEL_BYTES)))
            except (DecodeError, InputError):
                continue  # told as a side file
            return {number: printable(body.strip()) for number, (body, _) in enumerate(lines) if body.strip()}
        return {}

    def _find_labels(self) -> None:
        taken = {image.place for image in self.images}
        self._labels = {image: label for image, label in self._labels.items() if image in taken}
        owners: dict[PurePosixPath, PurePosixPath] = {}
        for image in self.images:
            label = self._labels.get(image.place)
            if label is None:
                where = label_place(image.place)
                self._tell(image.place, "", f"expected labels at {where}, found none: it counts as empty")
            elif owners.setdefault(label, image.place) != image.place:
                self._tell(label, "", f"expected one image, got {owners[label]} and {image.place}: both have it")
        self._claimed.update(owners)
        folders = {label.parent for label in owners}
        for place in self._tree.with_suffix(_SUFFIX):
            known = place in self._claimed or place.name.lower() in _NAME_FILES
            if place.parent in folders and not known and looks_like_labels(self._tree, place):
                self._claimed.add(place)
                self._tell(place, "", "expected the image of these labels, found none: left out")

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes; their numbers where the set has no names."""
        if self._names:
            return tuple(name for _, name in sorted(self._names.items()))
        return tuple(map(str, sorted({kind for p in self.images for _, kind, _ in self._lines(p)})))

    @cached_property
    def info(self) -> Mapping[str, str]:
        """What ``data.yaml`` and the readme state."""
        stated = dict(super().info)
        for yaml in self._yamls[::-1]:
            stated |= yaml.info
        return stated

    @cached_property
    def licences(self) -> tuple[str, ...]:
        """What ``data.yaml`` and licence files state, a line each."""
        stated = [yaml.info["license"] for yaml in self._yamls if "license" in yaml.info]
        return tuple(dict.fromkeys([*stated, *super().licences]))

    def regions(self, image: LabelledImage, height: int, width: int) -> list[Region]:
        """Return a region for every line that can be understood."""
        found = []
        for number, kind, numbers in self._lines(image):
            name = self._names.get(kind, str(kind))
            if self._names and kind not in self._names:
                self._tell_line(image, number, f"expected a class of {len(self._names)}, got {kind}: kept as it is")
            if is_out_of_image(numbers):
                self._tell_line(image, number, f"expected numbers in [0, 1], got {shown(numbers)}: kept as it is")
            try:
                found.append(region_of(numbers, name, str(number), height, width))
            except InputError as error:
                self._tell_line(image, number, f"{error}: kept as it is")
        return found

    def _lines(self, image: LabelledImage) -> Iterator[tuple[int, int, list[float]]]:
        """Yield number, class and numbers of the lines that can be understood."""
        label = self._labels.get(image.place)
        if label is None:
            return
        try:
            lines = lines_of(to_text(read_limited(self.root / label, MAX_LABEL_BYTES)))
        except (DecodeError, InputError) as error:
            self._tell(label, "", f"{error}: left out")
            return
        keypoints = max((yaml.keypoint_numbers for yaml in self._yamls), default=0)
        for number, (body, _) in enumerate(lines, start=1):
            if body.strip():
                try:
                    yield number, *parse_line(body, keypoints)
                except InputError as error:
                    self._tell(label, str(number), f"{error}: kept as it is")

    def _tell_line(self, image: LabelledImage, number: int, message: str) -> None:
        self._tell(self._labels[image.place], str(number), message)

    def _check(self) -> None:
        for image in self.images:
            self.regions(image, 1, 1)

    def _label_files(self, results: Results, origin: Mapping[str, str]) -> Iterator[tuple[PurePosixPath, bytes]]:
        for yaml in self._yamls:
            yield yaml.place, to_bytes(yaml.rewritten(origin))
        for place, images in self._lists.items():
            if images:
                yield place, to_bytes(self._relisted(place, images, results))
        for image, label in self._labels.items():
            try:
                data = read_limited(self.root / label, MAX_LABEL_BYTES)
            except (DecodeError, InputError) as error:
                self._tell(label, "", f"{error}: left out")
                continue
            for result in results.get(image, ()):
                yield label_place(result), data

    def _relisted(self, place: PurePosixPath, images: list[PurePosixPath | None], results: Results) -> str:
        text = to_text(read_limited(self.root / place, MAX_LIST_BYTES))
        waiting = iter([found for (body, _), found in zip(lines_of(text), images, strict=True) if body.strip()])

        def replace(_: str) -> list[str]:
            image = next(waiting)
            named = [relative(result, place.parent) for result in (results.get(image, ()) if image else ())]
            for name in named:
                if "\n" in name:
                    self._tell(place, "", f"expected names without line breaks, got {shown(name)}: left out")
            return [name if name.startswith("../") else f"./{name}" for name in named if "\n" not in name]

        return relisted(text, replace)
