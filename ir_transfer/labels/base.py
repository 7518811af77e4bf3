"""Base class of labelled sets: their images, the regions on them, and writing the labels for translated images."""

import errno
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import ClassVar, Literal

from ir_transfer.errors import DecodeError, EncodeError, InputError
from ir_transfer.imaging.header import Header, read_header, upright_size
from ir_transfer.imaging.image_io import write_whole
from ir_transfer.imaging.image_names import is_unread_name
from ir_transfer.labels.frames import LabelEvidence, Orientation, decide_frames, upright_region
from ir_transfer.labels.paths import is_inside, renamed
from ir_transfer.labels.regions import Region, regions_outside
from ir_transfer.labels.side_files import (
    Results,
    check_results,
    find_unread_labels,
    licence_files,
    readme_files,
    side_files,
)
from ir_transfer.labels.text_io import MAX_LABEL_BYTES, printable, read_limited, split_lines, to_text
from ir_transfer.labels.tree import Tree

_NO_SIZE = (1, 1)  # used if only the presence or validity of regions matters; nothing is drawn
Kind = Literal["coco", "yolo", "voc", "kitti", "masks", "classification", "images"]


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """An image of a labelled set.

    Attributes:
        rel_path: Path relative to the root of the set.
        path: Path of the file.
        split: ``train``, ``val`` or ``test``; None if the set states none.
    """

    rel_path: PurePosixPath
    path: Path
    split: str | None = None


@dataclass(frozen=True, order=True)
class Problem:
    """A defect of one label or label file, which does not stop the run.

    Attributes:
        file: Label file relative to the root of the set.
        where: Line or id in the file; empty for the whole file.
        message: The defect, and how the label is handled.
    """

    file: PurePosixPath
    where: str
    message: str


class LabelledSet(ABC):
    """A set of images with labels.

    Attributes:
        kind: Label format.
        root: Root folder of the set.
        images: Images, sorted by path.
        compared: Number of labels of results that were compared with their source by
            :func:`~ir_transfer.labels.comparison.compare_labels`.
        orientation: Frame of the labels of images with an EXIF orientation; set it before any other use.
        page: Page of multi-page files that the labels belong to, from 1; set it before any other use.
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
        """All defects of the labels, sorted; the first access reads every label file."""
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
        """Files and folders that may hold labels of an unknown format, with a message for each."""
        rel_paths = {image.rel_path for image in self.images}
        texts = self.kind in {"images", "classification"}
        return tuple(find_unread_labels(self._tree, self._claimed, rel_paths, texts=texts))

    @property
    @abstractmethod
    def classes(self) -> tuple[str, ...]:
        """Class names, in the order of the set, or sorted if it states none."""

    @cached_property
    def ignored(self) -> Mapping[str, int]:
        """Number of image files that this installation cannot read, by suffix; they get no result."""
        rel_paths = (rel_path for rel_path in self._tree.files if rel_path not in self._claimed)
        return Counter(rel_path.suffix.lower() for rel_path in rel_paths if is_unread_name(Path(rel_path.name)))

    @cached_property
    def licences(self) -> tuple[str, ...]:
        """Licence statements of the set, one line each."""
        return licence_files(self._tree)

    @cached_property
    def info(self) -> Mapping[str, str]:
        """Descriptive fields of the set, such as its readme."""
        return {"readme": ", ".join(map(str, found))} if (found := readme_files(self._tree)) else {}

    @abstractmethod
    def regions(self, image: LabelledImage, height: int, width: int) -> list[Region]:
        """Return the labelled objects of an image, read from its files on each call.

        An invalid label is left out and reported in :attr:`problems`.

        Args:
            image: Image of this set.
            height: Height of the image in the frame of its labels, in pixels.
            width: Width of the image in the frame of its labels, in pixels.
        """

    def evidence(self, image: LabelledImage) -> LabelEvidence:
        """Return the evidence for the frame of the labels of an image."""
        return LabelEvidence(empty=not self.regions(image, *_NO_SIZE))

    def stored_orientation(self, image: LabelledImage) -> int:
        """Return the EXIF orientation of an image whose labels are in the frame of its stored pixels, otherwise 1.

        The result of such an image is written in the stored frame, so that its labels need no change.
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
            DecodeError: The file is damaged or not an image.
        """
        header = read_header(image.path, self.page)
        return header.upright if self.stored_orientation(image) == 1 else header.stored

    def upright_regions(self, image: LabelledImage, height: int, width: int) -> list[Region]:
        """Return the labelled objects of an image in its upright frame.

        Args:
            image: Image of this set.
            height: Height of the upright image in pixels.
            width: Width of the upright image in pixels.
        """
        orientation = self.stored_orientation(image)
        stored = upright_size((height, width), orientation)
        found = self.regions(image, *stored)
        return found if orientation == 1 else [upright_region(region, orientation, stored) for region in found]

    def report_outside(self, image: LabelledImage, regions: Iterable[Region], height: int, width: int) -> None:
        """Report regions of an image that are outside of it in :attr:`problems`."""
        for line in regions_outside(regions, height, width):
            self._report(image.rel_path, "", line)

    def write(
        self,
        out: Path,
        results: Results,
        origin: Mapping[str, str],
        leave_out: Collection[PurePosixPath] = (),
    ) -> list[PurePosixPath]:
        """Write the labels, lists and side files of this set for its results.

        Images without a result lose their labels and their lines in lists, so that no entry names a missing file.

        Args:
            out: Root of the new set.
            results: Paths of the results by path of their image; the first result keeps the ids of its image.
            origin: Provenance (tool, model, style), written if the format has a field for it.
            leave_out: Paths that the caller writes, such as the card of the new set.

        Returns:
            The paths of the written files, relative to ``out``.

        Raises:
            InputError: A result outside of ``out``, the root of this set as ``out``, or two different label files with
                one path because two results have the same stem.
            EncodeError: ``out`` cannot be written, or the disk is full.
        """
        check_results(results)
        if out.resolve() == self.root.resolve():
            raise InputError(f"expected an output folder other than the data set {self.root}: choose one with -o")
        written: dict[PurePosixPath, int] = {}
        for rel_path, data in self._all_files(results, origin):
            if rel_path in leave_out:
                continue
            if not is_inside(rel_path):
                raise InputError(f"expected label files inside the output folder, got {rel_path}: rename the results")
            if written.setdefault(rel_path, hash(data)) != hash(data):
                raise InputError(f"{rel_path}: expected one label file, got two different ones: rename the results")
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
        yield from side_files(self._tree, self._claimed, rel_paths, results, self._report)

    @abstractmethod
    def _label_files(self, results: Results, origin: Mapping[str, str]) -> Iterator[tuple[PurePosixPath, bytes]]:
        """Yield path and content of each label file of the new set."""

    def _check(self) -> None:
        """Read all labels, so that their defects are reported."""
        for image in self.images:
            self.regions(image, *_NO_SIZE)

    def _report(self, file: PurePosixPath, where: str, message: str) -> None:
        # The file is named already, and the card must not publish the folder of the set.
        shortened = message.removeprefix(f"{self.root / file}: ").replace(f"{self.root}/", "")
        self._problems[Problem(file, printable(where), printable(shortened))] = None

    def _read(self, file: PurePosixPath, limit: int = MAX_LABEL_BYTES) -> bytes | None:
        """Return the content of a label file; None if it cannot be read, which is reported."""
        try:
            return read_limited(self.root / file, limit)
        except (DecodeError, InputError) as error:
            self._report(file, "", f"{error}: left out")
            return None

    def _lines(self, file: PurePosixPath, limit: int = MAX_LABEL_BYTES) -> list[str]:
        """Return the lines of a label file; none if it cannot be read, which is reported."""
        data = self._read(file, limit)
        return [] if data is None else [line for line, _ in split_lines(to_text(data))]

    def _copied_labels(
        self,
        labels: Mapping[PurePosixPath, PurePosixPath],
        results: Results,
        new_path: Callable[[PurePosixPath, PurePosixPath, PurePosixPath], PurePosixPath] = renamed,
    ) -> Iterator[tuple[PurePosixPath, bytes]]:
        """Yield an unchanged copy of the label file of each image for each of its results."""
        for image, label in labels.items():
            if (data := self._read(label)) is not None:
                yield from ((new_path(label, image, result), data) for result in results.get(image, ()))

    def _set_images(self, rel_paths: Iterable[PurePosixPath], splits: Mapping[PurePosixPath, str | None]) -> None:
        self.images = tuple(
            LabelledImage(rel_path, self.root / rel_path, splits.get(rel_path))
            for rel_path in sorted(set(rel_paths), key=str)
        )

    def _report_left_out(self, known: Collection[PurePosixPath] = ()) -> None:
        """Report the number of images per folder that are not listed in any label file; they are not converted."""
        taken = {image.rel_path for image in self.images}
        for folder, count in Counter(p.parent for p in self._tree.images if p not in taken and p not in known).items():
            self._report(folder, "", f"expected only labelled images, got {count} that no label file lists: left out")
