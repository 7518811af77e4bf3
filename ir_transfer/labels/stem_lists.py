"""Image lists under ``ImageSets`` of Pascal VOC and KITTI: a stem per line, optionally followed by a value."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ir_transfer.errors import DecodeError, InputError
from ir_transfer.imaging.image_names import composed
from ir_transfer.labels.side_files import Results
from ir_transfer.labels.text_io import (
    MAX_LIST_BYTES,
    quoted,
    read_limited,
    read_lines,
    rewrite_lines,
    to_bytes,
    to_text,
)
from ir_transfer.labels.tree import Tree

FOLDER = "ImageSets"

Report = Callable[[PurePosixPath, str, str], None]


class _Line(NamedTuple):
    images: list[PurePosixPath]
    key: str
    rest: str


@dataclass
class StemList:
    """A list of stems.

    Attributes:
        rel_path: Path of the file relative to the root of the set.
        lines: Non-empty lines: their images, the name in the line, and the rest of the line.
    """

    rel_path: PurePosixPath
    lines: list[_Line]

    @property
    def images(self) -> list[PurePosixPath]:
        """All images, in the order of the list."""
        return [image for line in self.lines for image in line.images]

    def rewritten(self, data: bytes, results: Results, report: Report) -> str:
        """Return the text of the list with a line for each result; ``data`` is the content of the file."""
        remaining = iter(self.lines)

        def replace(_: str) -> list[str]:
            line = next(remaining)
            made = [result for image in line.images for result in results.get(image, ())]
            names = [result.name if _has_file_name(line) else result.stem for result in made]
            for name in names:
                if "\n" in name:
                    report(self.rel_path, "", f"expected names without line breaks, got {quoted(name)}: left out")
            return [name + line.rest for name in dict.fromkeys(names) if "\n" not in name]

        return rewrite_lines(to_text(data), replace)


def _has_file_name(line: _Line) -> bool:
    """Return whether a line holds the file name of its images instead of their stem."""
    return any(composed(line.key) == composed(image.name) for image in line.images)


def stem_lists(
    tree: Tree, images_of: Callable[[PurePosixPath], Collection[PurePosixPath]], report: Report
) -> list[StemList]:
    """Return the lists of a set; lines that name no image of it are reported and left out.

    Args:
        tree: Files of the set.
        images_of: Function from the path of a list to the images that it may name.
        report: Called with file, line and message.
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
            lines = read_lines(tree.root / rel_path, MAX_LIST_BYTES)
        except (DecodeError, InputError) as error:
            report(rel_path, "", f"{error}: left out")
            continue
        one = StemList(rel_path, [])
        for number, body in enumerate(lines, start=1):
            if body.strip():
                one.lines.append(line := _line(body, named))
                if not line.images:
                    report(rel_path, str(number), f"expected an image of the set, got {quoted(body)}: left out")
        found.append(one)
    return found


def _line(body: str, named: Mapping[str, list[PurePosixPath]]) -> _Line:
    """Return the images of a line; a stem may contain spaces, so the longest known name is taken."""
    for key in (body, body.strip(), body.strip().rpartition(" ")[0].strip(), body.split(maxsplit=1)[0]):
        if composed(key) in named:
            return _Line(named[composed(key)], key, body.partition(key)[2])
    return _Line([], body, "")


def rewrite_stem_lists(
    root: Path, lists: Iterable[StemList], results: Results, report: Report
) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Yield path and content of each list for the new set; arguments as of :func:`stem_lists`."""
    for one in lists:
        data = read_limited(root / one.rel_path, MAX_LIST_BYTES)
        yield one.rel_path, to_bytes(one.rewritten(data, results, report))
