"""Which image of a TIFF file is meant: thumbnails, overviews and masks are none of its pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ir_transfer.errors import InputError
from ir_transfer.imaging.pixels.tiff_tags import HEIGHT, SUBFILE, WIDTH, Directory

_REDUCED, _MASK = 1, 4  # bits of the tag NewSubfileType


@dataclass(frozen=True)
class Page:
    """A page of a TIFF file.

    Attributes:
        index: Of its directory, from 0.
        number: Among the pages, from 1.
        count: Of the pages.
        directory: Its tags.
    """

    index: int
    number: int
    count: int
    directory: Directory


def choose_page(directories: Sequence[Directory], asked: int | None, name: str) -> Page:
    """Return the page that is asked for, or the first one of full size.

    A directory is no page if it is declared as a reduced image or a mask, or if both of its sides are less than half
    of the largest page's: cameras and scanners put thumbnails first without declaring them.

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
    return Page(index, number, len(pages), directories[index])


def page_notes(number: int, count: int, asked: int | None, what: str = "pages") -> list[str]:
    """Return what to report of a file with several images."""
    if count == 1 or asked is not None:
        return []
    return [f"it has {count} {what}: number {number} is taken (choose with --page N, or take them with --page all)"]
