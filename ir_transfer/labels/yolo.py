"""YOLO sets: a label file for each image, whose path has ``labels`` in place of the last ``images``."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import PurePosixPath

from ir_transfer.errors import DecodeError, InputError
from ir_transfer.imaging.image_names import SUFFIXES
from ir_transfer.labels.base import LabelledImage, LabelledSet
from ir_transfer.labels.paths import (
    find_by_suffix,
    inside,
    is_absolute,
    path_variants,
    relative,
    split_from_names,
    split_of,
)
from ir_transfer.labels.regions import Region
from ir_transfer.labels.side_files import Results, read_class_names
from ir_transfer.labels.text_io import (
    MAX_LIST_BYTES,
    quoted,
    read_limited,
    read_lines,
    rewrite_lines,
    split_lines,
    to_bytes,
    to_text,
)
from ir_transfer.labels.tree import Tree
from ir_transfer.labels.yolo_lines import is_out_of_image, parse_line, region_of
from ir_transfer.labels.yolo_yaml import DataYaml, data_yamls

_NAME_FILES = ("classes.txt", "obj.names", "names.txt")
_SUFFIX = ".txt"


def label_path(image: PurePosixPath) -> PurePosixPath:
    """Return the path where trainers look for the labels of an image."""
    before, images, after = f"/{image}".rpartition("/images/")
    return PurePosixPath(f"{before}/labels/{after}"[1:] if images else image).with_suffix(_SUFFIX)


def yolo_labels(tree: Tree) -> dict[PurePosixPath, PurePosixPath]:
    """Return the images with a label file where trainers look for it, and that file."""
    found = {}
    for image in tree.images:
        label = tree.find(label_path(image))
        if label is not None and (label.parent != image.parent or looks_like_labels(tree, label)):
            found[image] = label
    return found


def looks_like_labels(tree: Tree, rel_path: PurePosixPath) -> bool:
    """Return whether a text file is empty or its first non-empty line is a label."""
    try:
        for body in read_lines(tree.root / rel_path):
            if body.strip():
                parse_line(body, 0)
                return True
    except (InputError, DecodeError):
        return False
    return True


class YoloSet(LabelledSet):
    """A set of YOLO labels, with or without a ``data.yaml``."""

    kind = "yolo"

    def __init__(self, tree: Tree) -> None:
        super().__init__(tree)
        self._yamls, broken = data_yamls(tree)
        for rel_path, reason in broken:
            self._report(rel_path, "", f"{reason}: copied unchanged")
        self._labels = yolo_labels(tree)
        self._lists: dict[PurePosixPath, list[PurePosixPath | None]] = {}
        self._claimed.update(yaml.rel_path for yaml in self._yamls)
        splits: dict[PurePosixPath, str | None] = {}
        for yaml in self._yamls:
            for key, rel_path in self._split_images(yaml):
                splits.setdefault(rel_path, split_from_names([key]) or key)
        self._find_lists(splits)
        if not splits:
            folders = {image.parent for image in self._labels}
            splits = {p: None for p in tree.images if p in self._labels or "images" in p.parts or p.parent in folders}
        if not splits:
            raise InputError(f"expected images with YOLO labels in {tree.root}, found none: check the folder")
        self._set_images(splits, {rel_path: split or split_of(rel_path) for rel_path, split in splits.items()})
        self._names = next((y.names for y in self._yamls if y.names), {}) or read_class_names(tree, _NAME_FILES)
        self._find_labels()
        self._report_left_out()

    def _split_images(self, yaml: DataYaml) -> Iterator[tuple[str, PurePosixPath]]:
        for entry in yaml.entries:
            if entry.rel_path is None:
                self._report(
                    yaml.rel_path, entry.key, f"expected {quoted(entry.text)} in the set, found none: left out"
                )
            elif entry.rel_path in self._tree.folders:
                for image in self._tree.images:
                    if entry.rel_path in image.parents:
                        yield entry.key, image
            else:
                yield from ((entry.key, rel_path) for rel_path in self._read_list(entry.rel_path, yaml.bases))

    def _read_list(self, rel_path: PurePosixPath, bases: Sequence[PurePosixPath] = ()) -> list[PurePosixPath]:
        if rel_path not in self._lists:
            self._lists[rel_path] = []
            self._claimed.add(rel_path)
            for number, body in enumerate(self._lines(rel_path, MAX_LIST_BYTES), start=1):
                found = self._listed(body.strip(), rel_path, bases) if body.strip() else None
                self._lists[rel_path].append(found)
                if found is None and body.strip():
                    self._report(rel_path, str(number), f"expected an image of the set, got {quoted(body)}: left out")
        return [found for found in self._lists[rel_path] if found is not None]

    def _listed(self, text: str, file: PurePosixPath, bases: Iterable[PurePosixPath]) -> PurePosixPath | None:
        if is_absolute(text):
            return find_by_suffix(text, self._tree.find_image)
        for way in path_variants(text):
            for base in (file.parent, *bases, PurePosixPath()):
                rel_path = inside(base, way)
                if rel_path is not None and (found := self._tree.find_image(rel_path)) is not None:
                    return found
        return None

    def _find_lists(self, splits: dict[PurePosixPath, str | None]) -> None:
        """Read image lists that no ``data.yaml`` names; without any ``data.yaml`` they define the images."""
        for rel_path in self._tree.with_suffix(_SUFFIX):
            if len(rel_path.parts) > 2 or rel_path in self._lists or rel_path in self._labels.values():
                continue
            try:
                lines = read_lines(self.root / rel_path, MAX_LIST_BYTES)
            except (DecodeError, InputError):
                continue  # reported as a side file
            first = next((line.strip() for line in lines if line.strip()), "")
            if PurePosixPath(first.replace("\\", "/")).suffix.lower() in SUFFIXES and self._listed(first, rel_path, ()):
                for image in self._read_list(rel_path):
                    if not self._yamls:
                        splits.setdefault(image, split_from_names(rel_path.stem.split("_")[::-1]))

    def _find_labels(self) -> None:
        taken = {image.rel_path for image in self.images}
        self._labels = {image: label for image, label in self._labels.items() if image in taken}
        owners: dict[PurePosixPath, PurePosixPath] = {}
        for image in self.images:
            label = self._labels.get(image.rel_path)
            if label is None:
                where = label_path(image.rel_path)
                self._report(image.rel_path, "", f"expected labels at {where}, found none: the image has no objects")
            elif owners.setdefault(label, image.rel_path) != image.rel_path:
                self._report(label, "", f"expected one image, got {owners[label]} and {image.rel_path}: both have it")
        self._claimed.update(owners)
        folders = {label.parent for label in owners}
        for rel_path in self._tree.with_suffix(_SUFFIX):
            known = rel_path in self._claimed or rel_path.name.lower() in _NAME_FILES
            if rel_path.parent in folders and not known and looks_like_labels(self._tree, rel_path):
                self._claimed.add(rel_path)
                self._report(rel_path, "", "expected the image of these labels, found none: left out")

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Class names, or class numbers if the set has no names."""
        if self._names:
            return tuple(name for _, name in sorted(self._names.items()))
        return tuple(map(str, sorted({kind for p in self.images for _, kind, _ in self._parsed(p)})))

    @cached_property
    def info(self) -> Mapping[str, str]:
        """Descriptive fields of ``data.yaml``, and the readme."""
        stated = dict(super().info)
        for yaml in self._yamls[::-1]:
            stated |= yaml.info
        return stated

    @cached_property
    def licences(self) -> tuple[str, ...]:
        """Licence statements of ``data.yaml`` and licence files, one line each."""
        stated = [yaml.info["license"] for yaml in self._yamls if "license" in yaml.info]
        return tuple(dict.fromkeys([*stated, *super().licences]))

    def regions(self, image: LabelledImage, height: int, width: int) -> list[Region]:
        """Return a region for each valid line."""
        found = []
        for number, kind, numbers in self._parsed(image):
            name = self._names.get(kind, str(kind))
            if self._names and kind not in self._names:
                self._report_line(image, number, f"expected a class of {len(self._names)}, got {kind}: kept unchanged")
            if is_out_of_image(numbers):
                self._report_line(image, number, f"expected numbers in [0, 1], got {quoted(numbers)}: kept unchanged")
            try:
                found.append(region_of(numbers, name, str(number), height, width))
            except InputError as error:
                self._report_line(image, number, f"{error}: kept unchanged")
        return found

    def _parsed(self, image: LabelledImage) -> Iterator[tuple[int, int, list[float]]]:
        """Yield line number, class and numbers of each valid line."""
        label = self._labels.get(image.rel_path)
        if label is None:
            return
        keypoints = max((yaml.keypoint_numbers for yaml in self._yamls), default=0)
        for number, body in enumerate(self._lines(label), start=1):
            if body.strip():
                try:
                    yield number, *parse_line(body, keypoints)
                except InputError as error:
                    self._report(label, str(number), f"{error}: kept unchanged")

    def _report_line(self, image: LabelledImage, number: int, message: str) -> None:
        self._report(self._labels[image.rel_path], str(number), message)

    def _label_files(self, results: Results, origin: Mapping[str, str]) -> Iterator[tuple[PurePosixPath, bytes]]:
        for yaml in self._yamls:
            yield yaml.rel_path, to_bytes(yaml.rewritten(origin))
        for rel_path, images in self._lists.items():
            if images:
                yield rel_path, to_bytes(self._rewrite_list(rel_path, images, results))
        yield from self._copied_labels(self._labels, results, lambda _label, _image, result: label_path(result))

    def _rewrite_list(self, rel_path: PurePosixPath, images: list[PurePosixPath | None], results: Results) -> str:
        text = to_text(read_limited(self.root / rel_path, MAX_LIST_BYTES))
        remaining = iter([found for (line, _), found in zip(split_lines(text), images, strict=True) if line.strip()])

        def replace(_: str) -> list[str]:
            image = next(remaining)
            named = [relative(result, rel_path.parent) for result in (results.get(image, ()) if image else ())]
            for name in named:
                if "\n" in name:
                    self._report(rel_path, "", f"expected names without line breaks, got {quoted(name)}: left out")
            return [name if name.startswith("../") else f"./{name}" for name in named if "\n" not in name]

        return rewrite_lines(text, replace)
