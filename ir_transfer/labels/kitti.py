"""KITTI: images under image_2, lines of objects under label_2, and what else has the stem of the image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import PurePosixPath

from ir_transfer.errors import DecodeError, InputError
from ir_transfer.labels.base import LabelledImage, LabelledSet
from ir_transfer.labels.frames import LabelEvidence, extent_of
from ir_transfer.labels.paths import renamed, split_from_names, split_of
from ir_transfer.labels.regions import Region, check_box
from ir_transfer.labels.side_files import Results
from ir_transfer.labels.stem_lists import stem_lists
from ir_transfer.labels.text_io import (
    MAX_LABEL_BYTES,
    MAX_LIST_BYTES,
    printable,
    quoted,
    read_limited,
    split_lines,
    to_bytes,
    to_text,
)
from ir_transfer.labels.tree import Tree

IMAGES, LABELS = "image_2", "label_2"
UNLABELLED = "DontCare"
"""Name of areas that were not labelled."""
_MIN_FIELDS = 8
_TEST = "test"


def kitti_labels(tree: Tree) -> dict[PurePosixPath, PurePosixPath]:
    """Return the images under image_2 with their files under label_2."""
    found = {}
    for image in tree.images:
        if IMAGES in image.parts:
            label = PurePosixPath(*(LABELS if part == IMAGES else part for part in image.parts))
            if (own := tree.find(label.with_suffix(".txt"))) is not None:
                found[image] = own
    return found


class KittiSet(LabelledSet):
    """A set of KITTI boxes; calibration and whatever else has the stem of an image goes along unchanged."""

    kind = "kitti"

    def __init__(self, tree: Tree) -> None:
        super().__init__(tree)
        self._labels = kitti_labels(tree)
        images = [rel_path for rel_path in tree.images if IMAGES in rel_path.parts]
        if not images:
            raise InputError(f"expected images under {IMAGES} in {tree.root}, found none: check the folder")
        # Both folders count from 000000.
        unlabelled = [rel_path for rel_path in images if rel_path not in self._labels]
        self._lists = stem_lists(
            tree,
            lambda file: unlabelled if split_from_names([file.stem]) == _TEST and unlabelled else list(self._labels),
            self._report,
        )
        splits: dict[PurePosixPath, str | None] = {}
        for one in self._lists:
            for image in one.images:
                splits.setdefault(image, split_from_names([one.rel_path.stem]))
        self._set_images(images, {rel_path: splits.get(rel_path) or split_of(rel_path) for rel_path in images})
        self._claimed.update(self._labels.values(), (one.rel_path for one in self._lists))
        for rel_path in images:
            if rel_path not in self._labels and split_of(rel_path) != _TEST:
                self._report(rel_path, "", f"expected labels under {LABELS}, found none: it has no labels")
        for rel_path in tree.with_suffix(".txt"):
            if LABELS in rel_path.parts and rel_path not in self._claimed:
                self._claimed.add(rel_path)
                self._report(rel_path, "", "expected the image of these labels, found none: left out")
        self._report_left_out()

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Names of all objects, sorted; reads every label file once."""
        return tuple(sorted({region.name for image in self.images for region in self.regions(image, 0, 0)}))

    def regions(self, image: LabelledImage, height: int, width: int) -> list[Region]:
        """Return the objects, without areas that were not labelled (``DontCare``)."""
        label = self._labels.get(image.rel_path)
        if label is None:
            return []
        try:
            lines = split_lines(to_text(read_limited(self.root / label, MAX_LABEL_BYTES)))
        except (DecodeError, InputError) as error:
            self._report(label, "", f"{error}: left out")
            return []
        found = []
        for number, (body, _) in enumerate(lines, start=1):
            fields = body.split()
            if not fields or fields[0] == UNLABELLED:
                continue
            try:
                found.append(Region(printable(fields[0]), str(number), _box(fields)))
            except InputError as error:
                self._report(label, str(number), f"{error}: kept as it is")
        return found

    def evidence(self, image: LabelledImage) -> LabelEvidence:
        """Return where the boxes end; KITTI states no size."""
        boxes = [region.box for region in self.regions(image, 0, 0)]
        return LabelEvidence(extent=extent_of(boxes), empty=not boxes)

    def _check(self) -> None:
        for image in self.images:
            self.regions(image, 0, 0)

    def _label_files(self, results: Results, origin: Mapping[str, str]) -> Iterator[tuple[PurePosixPath, bytes]]:
        for one in self._lists:
            data = read_limited(self.root / one.rel_path, MAX_LIST_BYTES)
            yield one.rel_path, to_bytes(one.rewritten(data, results, self._report))
        for image, label in self._labels.items():
            try:
                data = read_limited(self.root / label, MAX_LABEL_BYTES)
            except (DecodeError, InputError) as error:
                self._report(label, "", f"{error}: left out")
                continue
            for result in results.get(image, ()):
                yield renamed(label, image, result), data


def _box(fields: list[str]) -> tuple[float, float, float, float]:
    """Return the box of a line: type, truncation, occlusion, angle, then left, top, right, bottom in pixels from 0.

    Raises:
        InputError: Too few fields, or no box.
    """
    if len(fields) < _MIN_FIELDS:
        raise InputError(f"expected at least {_MIN_FIELDS} fields, got {quoted(' '.join(fields))}")
    try:
        return check_box([float(field) for field in fields[4:8]])
    except ValueError as error:  # also InputError
        raise InputError(f"{error} in {quoted(' '.join(fields))}") from error
