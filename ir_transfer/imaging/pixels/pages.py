"""The page of a TIFF file to read; thumbnails, overviews and masks do not count as pages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from ir_transfer.errors import DecodeError, InputError
from ir_transfer.imaging.pixels.exif import colours_of
from ir_transfer.imaging.pixels.tiff_tags import HEIGHT, SUBFILE, WIDTH, Directory, read_directories
from ir_transfer.regular_files import open_regular

_REDUCED, _MASK = 1, 4  # bits of the tag NewSubfileType
PAGE_ADVICE = "choose with --page N, or use all with --page all"
"""Advice in the note on a file with several images, for files that ``--page`` applies to."""


BAND_ADVICE = "choose with --bands"
"""Advice in the note on guessed bands, for files that ``--bands`` applies to."""


@dataclass(frozen=True)
class Page:
    """A page of a TIFF file.

    Attributes:
        index: Index of its directory in the file, from 0.
        number: Number among the pages, from 1.
        count: Number of pages in the file.
        directory: Its tags.
        is_whole: Whether the chain of directories ends as it should.
        is_adobe_rgb: Whether its EXIF declares Adobe RGB.
        is_uncalibrated: Whether its EXIF declares neither Adobe RGB nor sRGB.
    """

    index: int
    number: int
    count: int
    directory: Directory
    is_whole: bool = True
    is_adobe_rgb: bool = False
    is_uncalibrated: bool = False

    def notes(self, asked: int | None) -> list[str]:
        """Return the notes on a file with other pages than this one."""
        lost = [] if self.is_whole else ["a further page of it cannot be read: the file may be truncated"]
        return page_notes(self.number, self.count, asked) + lost


def choose_page(directories: Sequence[Directory], asked: int | None, name: str) -> Page:
    """Return the page that the user asks for, or the first one of full size.

    A directory that is declared a reduced image or a mask is not a page. Nor is one whose sides are both less than
    half of the largest page's: cameras and scanners put thumbnails first without declaring them.

    Raises:
        InputError: There is no page of this number.
    """
    declared = [i for i, one in enumerate(directories) if not one.integer(SUBFILE, 0) & (_REDUCED | _MASK)]
    sizes = {i: (directories[i].integer(WIDTH, 0), directories[i].integer(HEIGHT, 0)) for i in declared}
    largest = max(sizes.values(), key=lambda size: size[0] * size[1], default=(0, 0))
    pages = [i for i, (width, height) in sizes.items() if 2 * width >= largest[0] or 2 * height >= largest[1]] or [0]
    number = 1 if asked is None else asked
    if not 1 <= number <= len(pages):
        raise InputError(f"{name}: expected --page of 1 to {len(pages)}, got {number}")
    index = pages[number - 1]
    return Page(index, number, len(pages), directories[index], directories[-1].is_last)


def page_notes(number: int, count: int, asked: int | None, what: str = "pages") -> list[str]:
    """Return the notes on a file with several images."""
    if count == 1 or asked is not None:
        return []
    return [f"it has {count} {what}: number {number} is used ({PAGE_ADVICE})"]


def notes_without_options(notes: Iterable[str]) -> list[str]:
    """Return notes on a file that neither ``--page`` nor ``--bands`` applies to, such as an exemplar."""
    advice = "save the desired image as a separate file"
    return [note.replace(PAGE_ADVICE, advice).replace(BAND_ADVICE, advice) for note in notes]


def page_of(file: BinaryIO, asked: int | None, name: str) -> Page:
    """Return the page of an open TIFF file to read; see :func:`choose_page`.

    Raises:
        DecodeError: Not a TIFF.
        InputError: There is no page of this number.
    """
    page = choose_page(read_directories(file), asked, name)
    is_adobe_rgb, is_uncalibrated = colours_of(file, page.directory)
    return replace(page, is_adobe_rgb=is_adobe_rgb, is_uncalibrated=is_uncalibrated)


def open_page(path: str, asked: int | None) -> Page | None:
    """Return the page of a TIFF file to read; None for a path that is not a TIFF file."""
    try:
        with open_regular(Path(path)) as file:
            if file.read(2) not in {b"II", b"MM"}:
                return None
            return page_of(file, asked, path)
    except (OSError, DecodeError):
        return None
