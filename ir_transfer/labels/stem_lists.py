"""Lists of stems under ImageSets, as Pascal VOC and KITTI have them: a stem, then perhaps what is said of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NamedTuple

from ir_transfer.errors import DecodeError, InputError
from ir_transfer.imaging.image_names import composed
from ir_transfer.labels.side_files import Results
from ir_transfer.labels.text_io import MAX_LIST_BYTES, quoted, read_limited, rewrite_lines, split_lines, to_text
from ir_transfer.labels.tree import Tree

FOLDER = "ImageSets"

Report = Callable[[PurePosixPath, str, str], None]


class _Line(NamedTuple):
    images: list[PurePosixPath]
    key: str
    rest: str


@dataclass
class StemList:
    """A list.

    Attributes:
        place: Of the file.
        lines: Those that are not empty: the images, what names them, and what follows.
    """

    rel_path: PurePosixPath
    lines: list[_Line]

    @property
    def images(self) -> list[PurePosixPath]:
        """All images, in the order of the list."""
        return [image for line in self.lines for image in line.images]

    def rewritten(self, data: bytes, results: Results, report: Report) -> str:
        """Return the list with a line for every image that was made; ``data`` is the file."""
        remaining = iter(self.lines)

        def replace(_: str) -> list[str]:
            line = next(remaining)
            made = [result for image in line.images for result in results.get(image, ())]
            names = [result.name if image_named(line) else result.stem for result in made]
            for name in names:
                if "\n" in name:
                    report(self.rel_path, "", f"expected names without line breaks, got {quoted(name)}: left out")
            return [name + line.rest for name in dict.fromkeys(names) if "\n" not in name]

        return rewrite_lines(to_text(data), replace)


def image_named(line: _Line) -> bool:
    """Return whether a line has the file name of its images, not their stem."""
    return any(composed(line.key) == composed(image.name) for image in line.images)


def stem_lists(
    tree: Tree, images_of: Callable[[PurePosixPath], Collection[PurePosixPath]], report: Report
) -> list[StemList]:
    """Return the lists of a set; lines that name no image of it are reported and left out.

    Args:
        tree: The set.
        images_of: For the place of a list, the images that it can name.
        tell: Called with file, line and message.
    """
    found = []
    for rel_path in tree.with_suffix(".txt"):
        if FOLDER not in rel_path.parts:
            continue
        above = PurePosixPath(*rel_path.parts[: rel_path.parts.index(FOLDER)])
        named: dict[str, list[PurePosixPath]] = {}
        for image in images_of(rel_path):
            if above in image.parents:
                named.setdefault(composed(image.stem), []).append(image)
                named.setdefault(composed(image.name), []).append(image)
        try:
            lines = split_lines(to_text(read_limited(tree.root / rel_path, MAX_LIST_BYTES)))
        except (DecodeError, InputError) as error:
            report(rel_path, "", f"{error}: left out")
            continue
        one = StemList(rel_path, [])
        for number, (body, _) in enumerate(lines, start=1):
            if body.strip():
                one.lines.append(line := _line(body, named))
                if not line.images:
                    report(rel_path, str(number), f"expected an image of the set, got {quoted(body)}: left out")
        found.append(one)
    return found


def _line(body: str, named: Mapping[str, list[PurePosixPath]]) -> _Line:
    """Return what a line names; a stem may hold spaces, so that the longest that is known counts."""
    for key in (body, body.strip(), body.strip().rpartition(" ")[0].strip(), body.split(maxsplit=1)[0]):
        if composed(key) in named:
            return _Line(named[composed(key)], key, body.partition(key)[2])
    return _Line([], body, "")
