"""Which frame the labels of an image that EXIF turns are in: that of its stored pixels, or that of the upright image.

Annotation tools and trainers disagree about it, and label files do not say. A stated size tells the two apart where
orientation swaps width and height, and so does a box that has room in one frame only; nothing does for the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ir_transfer.errors import DecodeError, UnknownNameError
from ir_transfer.imaging.header import Header, Size, read_header, upright_size
from ir_transfer.imaging.pixels.stage import upright
from ir_transfer.labels.regions import Box, Region

Frame = Literal["stored", "upright"]
Orientation = Literal["auto", "stored", "upright"]

_INVERSE = {6: 8, 8: 6}
_ADVICE = "pass --orientation stored or upright if you know it"
_CHECK_OPTION = "check --orientation"
_SLACK = 2.0  # pixels by which a box may leave its image


def to_upright(stored: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return pixels (H, W) of the stored frame in the upright one."""
    turned: NDArray[Any] = upright(stored[None], orientation)[0]
    return turned


def to_stored(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return pixels (H, W) of the upright frame in the stored one: the inverse of :func:`to_upright`."""
    turned: NDArray[Any] = upright(pixels[None], _INVERSE.get(orientation, orientation))[0]
    return turned


def upright_region(region: Region, orientation: int, stored: Size) -> Region:
    """Return a region of the stored frame in the upright one.

    Args:
        region: In pixels of the stored frame.
        orientation: Of EXIF.
        stored: Height and width of the stored pixels.
    """

    def draw(height: int, width: int) -> NDArray[np.bool_]:
        own = upright_size((height, width), orientation)
        turned: NDArray[np.bool_] = to_upright(region.mask(*own), orientation)
        return turned

    box = _upright_box(region.box, orientation, stored)
    return Region(region.name, region.instance, box, None if region.draw is None else draw, region.rectangular)


def _upright_box(box: Box, orientation: int, stored: Size) -> Box:
    left, top, right, bottom = box
    height, width = stored
    if upright_size((0, 1), orientation) == (1, 0):
        left, top, right, bottom = top, left, bottom, right
        height, width = width, height
    if orientation in {3, 4, 7, 8}:
        top, bottom = height - bottom, height - top
    if orientation in {2, 3, 6, 7}:
        left, right = width - right, width - left
    return left, top, right, bottom


@dataclass(frozen=True)
class LabelEvidence:
    """What the labels of an image say about their frame.

    Attributes:
        sizes: Heights and widths that its label files state.
        extent: Lower and right end of its boxes; None without boxes in pixels.
        empty: Whether it has no labels that could be misplaced.
    """

    sizes: Sequence[Size] = ()
    extent: tuple[float, float] | None = None
    empty: bool = False


def extent_of(boxes: Sequence[Box]) -> tuple[float, float] | None:
    """Return the lower and right end of boxes; None without any."""
    return (max(box[3] for box in boxes), max(box[2] for box in boxes)) if boxes else None


def mask_sizes(path: Path) -> list[Size]:
    """Return height and width of a mask; nothing if it cannot be read, which is reported where it is read."""
    try:
        return [read_header(path).stored]
    except DecodeError:
        return []


def check_orientation(asked: str) -> None:
    """Raise :class:`~ir_transfer.errors.UnknownNameError` for a frame that there is not."""
    if asked not in get_args(Orientation):
        raise UnknownNameError.among("frame of labels", asked, get_args(Orientation))


def frames_by_evidence(header: Header, evidence: LabelEvidence) -> set[Frame]:
    """Return the frames for which the labels of an image speak: one, none, or both where they contradict each other."""
    if header.stored == header.upright:
        return set()
    frames: dict[Size, Frame] = {header.stored: "stored", header.upright: "upright"}
    found = {frames[size] for size in evidence.sizes if size in frames}
    if found or evidence.extent is None:
        return found
    room = [
        name
        for size, name in frames.items()
        if all(e <= s + _SLACK for e, s in zip(evidence.extent, size, strict=True))
    ]
    return set(room) if len(room) == 1 else set()


def decide_frames(
    headers: Mapping[Any, Header], evidence: Mapping[Any, LabelEvidence], asked: Orientation
) -> tuple[dict[Any, Frame], list[tuple[Any, str]]]:
    """Return the frame of the labels of every image that EXIF turns.

    Where no evidence tells, the others of the set count if all of them agree, since one tool made the labels; else
    upright is assumed, as annotation tools of today show images so. Both are reported for each image.

    Args:
        headers: Of the images that EXIF turns, by any key.
        evidence: Of their labels, by the same.
        asked: What the user says.

    Returns:
        The frames, and for each image about which something is to be reported, its key and the message.
    """
    by_evidence = {key: frames_by_evidence(header, evidence[key]) for key, header in headers.items()}
    known = [next(iter(found)) for found in by_evidence.values() if len(found) == 1]
    default: Frame = known[0] if len(set(known)) == 1 else "upright"
    why = f"as the labels of {len(known)} others are" if len(set(known)) == 1 else "by default"
    frames: dict[Any, Frame] = {}
    messages = []
    for key, found in by_evidence.items():
        frames[key] = asked if asked != "auto" else next(iter(found)) if len(found) == 1 else default
        said = None
        if asked != "auto":
            said = f"sizes of the other frame: {_CHECK_OPTION}" if found - {asked} else None
        elif len(found) > 1:
            said = f"sizes of both frames: taken as {default}, {_ADVICE}"
        elif not found and not evidence[key].empty:
            said = f"none that tell it: taken as {default}, {why}: {_ADVICE}"
        if said is not None:
            wanted = "one known" if asked == "auto" else asked
            own = f"EXIF orientation {headers[key].orientation}"
            messages.append((key, f"expected labels in {wanted} frame of {own}, got {said}"))
    return frames, messages
