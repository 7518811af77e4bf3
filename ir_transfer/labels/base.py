"""What every labelled set is: images, regions on them, and the same labels for the images made from them."""

from __future__ import annotations

import errno
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import ClassVar, Literal

from ir_transfer.errors import DecodeError, EncodeError, InputError
from ir_transfer.imaging.header import Header, read_header, upright_size
from ir_transfer.imaging.image_io import write_whole
from ir_transfer.imaging.image_names import is_unread_name
from ir_transfer.labels.frames import LabelEvidence, Orientation, decide_frames, upright_region
from ir_transfer.labels.paths import is_inside
from ir_transfer.labels.regions import Region, regions_outside, size_mismatch
from ir_transfer.labels.side_files import Results, licence_files, readme_files, side_files
from ir_transfer.labels.text_io import printable
from ir_transfer.labels.tree import Tree
from ir_transfer.labels.unread_labels import find_unread_labels

_NO_SIZE = (1, 1)  # boxes are the same whatever the size, and nothing is drawn
Kind = Literal["coco", "yolo", "voc", "kitti", "masks", "classification", "images"]


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """An image of a set.

    Attributes:
        place: Relative to the root of the set.
        path: The file.
        split: ``train``, ``val`` or ``test``, where the set says so.
    """

    rel_path: PurePosixPath
    path: Path
    split: str | None = None


@dataclass(frozen=True, order=True)
class Problem:
    """Something in the labels that is not as it should be, and that costs no more than itself.

    Attributes:
        file: Relative to the root of the set.
        where: Line or id in the file; empty for the whole file.
        message: What is wrong, and what became of it.
    """

    file: PurePosixPath
    where: str
    message: str


class LabelledSet(ABC):
    """A set of images with labels.

    Attributes:
        kind: The format.
        root: Its folder.
        images: Sorted by place.
        compared: How many labels of results were compared with their own; see
            :func:`~ir_transfer.labels.comparison.check_round_trip`.
        orientation: Frame of the labels of images that EXIF turns, as the user says; set before anything is asked.
        page: Which image of files with several the labels belong to, from 1; set likewise.
    """

    kind: ClassVar[Kind]

    def __init__(self, tree: Tree) -> None:
        self.root = tree.root
        self.orientation: Orientation = "auto"
        self.page: int | None = None
        self.compared = 0
        self._tree = tree
        self._problems: dict[Problem, None] = {}
        self.images: tuple[LabelledImage, ...] = ()
        self._claimed: set[PurePosixPath] = set()
        for rel_path, reason in tree.problems:
            self._report(rel_path, "", f"expected a readable file or folder, got {reason}: left out")

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All that is wrong with the labels, sorted; asking reads every label file once."""
        self._checked  # noqa: B018
        return tuple(sorted(self._problems, key=lambda one: (str(one.file), one.where, one.message)))

    @cached_property
    def _checked(self) -> bool:
        self._check()
        for rel_path, message in self.unread:
            self._report(rel_path, "", message)
        return True

    @cached_property
    def unread(self) -> tuple[tuple[PurePosixPath, str], ...]:
        """Files and folders that may hold labels of a form that is not read, with the message about each."""
        rel_paths = {image.rel_path for image in self.images}
        texts = self.kind in {"images", "classification"}
        return tuple(find_unread_labels(self._tree, self._claimed, rel_paths, texts=texts))

    @property
    @abstractmethod
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the set; sorted where it has none."""

    @cached_property
    def ignored(self) -> Mapping[str, int]:
        """Number of image files of kinds that this installation does not read, by suffix; no result has them."""
        rel_paths = (rel_path for rel_path in self._tree.files if rel_path not in self._claimed)
        return Counter(rel_path.suffix.lower() for rel_path in rel_paths if is_unread_name(Path(rel_path.name)))

    @cached_property
    def licences(self) -> tuple[str, ...]:
        """What the set states about its licence, a line each."""
        return licence_files(self._tree)

    @cached_property
    def info(self) -> Mapping[str, str]:
        """What the set states about itself."""
        return {"readme": ", ".join(map(str, found))} if (found := readme_files(self._tree)) else {}

    @abstractmethod
    def regions(self, image: LabelledImage, height: int, width: int) -> list[Region]:
        """Return the labelled objects of an image, read from its files now.

        A label that cannot be understood is left out and told in :attr:`problems`.

        Args:
            image: Of this set.
            height: Of the decoded image.
            width: Of the decoded image.
        """

    def evidence(self, image: LabelledImage) -> LabelEvidence:
        """Return what the labels of an image say about the frame that they are in."""
        return LabelEvidence(empty=not self.regions(image, *_NO_SIZE))

    def turn(self, image: LabelledImage) -> int:
        """Return the EXIF orientation of an image whose labels are in the frame of its stored pixels; 1 if upright.

        The result of such an image has the frame of its labels, so that these stay as they are.
        """
        return self._stored_orientations.get(image.rel_path, 1)

    @cached_property
    def _stored_orientations(self) -> dict[PurePosixPath, int]:
        headers: dict[PurePosixPath, Header] = {}
        evidence: dict[PurePosixPath, LabelEvidence] = {}
        for image in self.images:
            try:
                header = read_header(image.path, self.page)
            except DecodeError:
                continue  # reported when it is converted
            if header.orientation != 1:
                headers[image.rel_path], evidence[image.rel_path] = header, self.evidence(image)
        frames, messages = decide_frames(headers, evidence, self.orientation)
        for rel_path, message in messages:
            self._report(rel_path, "", message)
        return {rel_path: headers[rel_path].orientation for rel_path, frame in frames.items() if frame == "stored"}

    def frame_size(self, image: LabelledImage) -> tuple[int, int]:
        """Return height and width of an image in the frame of its labels, from its header.

        Raises:
            DecodeError: No image.
        """
        header = read_header(image.path, self.page)
        return header.upright if self.turn(image) == 1 else header.stored

    def upright_regions(self, image: LabelledImage, height: int, width: int) -> list[Region]:
        """Return the labelled objects of an image in its upright frame.

        Args:
            image: Of this set.
            height: Of the upright image.
            width: Of the upright image.
        """
        turn = self.turn(image)
        stored = upright_size((height, width), turn)
        found = self.regions(image, *stored)
        return found if turn == 1 else [upright_region(region, turn, stored) for region in found]

    def mismatches(self, image: LabelledImage, height: int, width: int) -> list[str]:
        """Return where the labels of an image do not fit its pixels, a line each.

        Args:
            image: Of this set.
            height: Of its pixels, in the frame of the labels.
            width: Of its pixels, in the frame of the labels.
        """
        sizes = dict.fromkeys(self.evidence(image).sizes)
        found = [size_mismatch(size, height, width) for size in sizes if size != (height, width)]
        return found + regions_outside(self.regions(image, height, width), height, width)

    def report_outside(self, image: LabelledImage, regions: Iterable[Region], height: int, width: int) -> None:
        """Add the regions of an image that are outside of its pixels to :attr:`problems`."""
        for line in regions_outside(regions, height, width):
            self._report(image.rel_path, "", line)

    def write(
        self,
        out: Path,
        results: Results,
        origin: Mapping[str, str],
        leave_out: Collection[PurePosixPath] = (),
    ) -> list[PurePosixPath]:
        """Write the labels, lists and side files of this set for the images that were made from it.

        Images without a result lose their labels and their lines in lists, so that nothing points at a missing file.

        Args:
            out: Root of the new set.
            results: From an image's place to the places of those made from it; the first keeps the original's ids.
            origin: What made them; written where the format has room for it.
            leave_out: Places that the caller writes itself, such as the card of the new set.

        Returns:
            The places of the files that were written.

        Raises:
            InputError: A result outside of ``out``, the root of this set as ``out``, or two different labels at one
                place because two results have one stem.
            EncodeError: ``out`` cannot be written, or the disk is full.
        """
        _check_results(results)
        if out.resolve() == self.root.resolve():
            raise InputError(f"expected another folder than the set {self.root} for the results: choose one with -o")
        written: dict[PurePosixPath, int] = {}
        for rel_path, data in self._all_files(results, origin):
            if rel_path in leave_out:
                continue
            if not is_inside(rel_path):
                raise InputError(
                    f"expected label files inside of the output folder, got {rel_path}: rename the results"
                )
            if written.setdefault(rel_path, hash(data)) != hash(data):
                raise InputError(
                    f"{rel_path}: expected one label file, got two that differ: give results different stems"
                )
            try:
                write_whole(out / rel_path, data)
            except EncodeError as error:
                if error.errno != errno.ENAMETOOLONG:
                    raise
                self._report(rel_path, "", f"left out: {error}")
        return list(written)

    def _all_files(self, results: Results, origin: Mapping[str, str]) -> Iterator[tuple[PurePosixPath, bytes]]:
        yield from self._label_files(results, origin)
        rel_paths = {image.rel_path for image in self.images}
        yield from side_files(
            self._tree, self._claimed, rel_paths, results, lambda rel_path, why: self._report(rel_path, "", why)
        )

    @abstractmethod
    def _label_files(self, results: Results, origin: Mapping[str, str]) -> Iterator[tuple[PurePosixPath, bytes]]:
        """Yield the label files of the new set: places and contents."""

    @abstractmethod
    def _check(self) -> None:
        """Read all labels for their problems."""

    def _report(self, file: PurePosixPath, where: str, message: str) -> None:
        # The file is named already, and where the set lies is nobody's business.
        said = message.removeprefix(f"{self.root / file}: ").replace(f"{self.root}/", "")
        self._problems[Problem(file, printable(where), printable(said))] = None

    def _set_images(self, rel_paths: Iterable[PurePosixPath], splits: Mapping[PurePosixPath, str | None]) -> None:
        self.images = tuple(
            LabelledImage(rel_path, self.root / rel_path, splits.get(rel_path))
            for rel_path in sorted(set(rel_paths), key=str)
        )

    def _report_left_out(self, known: Collection[PurePosixPath] = ()) -> None:
        """Tell how many images of each folder belong to no label and are not converted."""
        taken = {image.rel_path for image in self.images}
        counts: dict[PurePosixPath, int] = {}
        for rel_path in self._tree.images:
            if rel_path not in taken and rel_path not in known:
                counts[rel_path.parent] = counts.get(rel_path.parent, 0) + 1
        for folder, count in counts.items():
            self._report(folder, "", f"expected only labelled images, got {count} that no label file names: left out")


def _check_results(results: Results) -> None:
    seen: set[PurePosixPath] = set()
    for rel_paths in results.values():
        for rel_path in rel_paths:
            if not is_inside(rel_path):
                raise InputError(
                    f"expected results inside of the output folder, got {rel_path}: give them a place in it"
                )
            if rel_path in seen:
                raise InputError(f"expected one source for every result, got two for {rel_path}: rename one")
            seen.add(rel_path)


def by_rel_path(images: Sequence[LabelledImage]) -> dict[PurePosixPath, LabelledImage]:
    """Return images by their places."""
    return {image.rel_path: image for image in images}
