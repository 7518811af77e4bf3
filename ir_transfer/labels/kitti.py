"""KITTI sets: images under ``image_2``, label files under ``label_2``, side files of the same stem."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import PurePosixPath

from ir_transfer.errors import InputError
from ir_transfer.labels.base import LabelledImage, LabelledSet
from ir_transfer.labels.frames import LabelEvidence, extent_of
from ir_transfer.labels.paths import split_from_names, split_of
from ir_transfer.labels.regions import Region, check_box
from ir_transfer.labels.side_files import Results
from ir_transfer.labels.stem_lists import rewrite_stem_lists, stem_lists
from ir_transfer.labels.text_io import (
    printable,
    quoted,
)
from ir_transfer.labels.tree import Tree

IMAGES, LABELS = "image_2", "label_2"
UNLABELLED = "DontCare"
"""Class name of regions that were not labelled."""
_MIN_FIELDS = 8
_TEST = "test"


def kitti_labels(tree: Tree) -> dict[PurePosixPath, PurePosixPath]:
    """Return the images under ``image_2`` with their label files under ``label_2``."""
    found = {}
    for image in tree.images:
        if IMAGES in image.parts:
            label = PurePosixPath(*(LABELS if part == IMAGES else part for part in image.parts))
            if (own := tree.find(label.with_suffix(".txt"))) is not None:
                found[image] = own
    return found


class KittiSet(LabelledSet):
    """A set of KITTI boxes; calibration and other side files are copied unchanged."""

    kind = "kitti"

    def __init__(self, tree: Tree) -> None:
        super().__init__(tree)
        self._labels = kitti_labels(tree)
        images = [rel_path for rel_path in tree.images if IMAGES in rel_path.parts]
        if not images:
            raise InputError(f"expected images under {IMAGES} in {tree.root}, found none: check the folder")
        # Training and test images are both numbered from 000000.
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
        """Class names of all objects, sorted; the first access reads every label file."""
        return tuple(sorted({region.name for image in self.images for region in self.regions(image, 0, 0)}))

    def regions(self, image: LabelledImage, height: int, width: int) -> list[Region]:
        """Return the objects, without ``DontCare`` regions."""
        label = self._labels.get(image.rel_path)
        if label is None:
            return []
        found = []
        for number, body in enumerate(self._lines(label), start=1):
            fields = body.split()
            if not fields or fields[0] == UNLABELLED:
                continue
            try:
                found.append(Region(printable(fields[0]), str(number), _box(fields)))
            except InputError as error:
                self._report(label, str(number), f"{error}: kept unchanged")
        return found

    def evidence(self, image: LabelledImage) -> LabelEvidence:
        """Return the extent of the boxes; KITTI states no image size."""
        boxes = [region.box for region in self.regions(image, 0, 0)]
        return LabelEvidence(extent=extent_of(boxes), empty=not boxes)

    def _label_files(self, results: Results, origin: Mapping[str, str]) -> Iterator[tuple[PurePosixPath, bytes]]:
        yield from rewrite_stem_lists(self.root, self._lists, results, self._report)
        yield from self._copied_labels(self._labels, results)


def _box(fields: list[str]) -> tuple[float, float, float, float]:
    """Return the box of a line: type, truncation, occlusion, angle, then left, top, right, bottom in pixels from 0.

    Raises:
        InputError: Too few fields, or an invalid box.
    """
    if len(fields) < _MIN_FIELDS:
        raise InputError(f"expected at least {_MIN_FIELDS} fields, got {quoted(' '.join(fields))}")
    try:
        return check_box([float(field) for field in fields[4:8]])
    except ValueError as error:  # also InputError
        raise InputError(f"{error} in {quoted(' '.join(fields))}") from error
