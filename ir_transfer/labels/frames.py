"""The frame of labels of an image with an EXIF orientation: its stored pixels, or the upright image.

Annotation tools and trainers disagree about it, and label files do not state it. Where the orientation swaps width
and height, a stated size decides, or a box that fits into only one of the frames; otherwise there is no evidence.
"""

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
_ADVICE = "pass --orientation stored or upright if known"
_CHECK_OPTION = "check --orientation"
_SLACK = 2.0  # pixels by which a box may exceed its image


def to_upright(stored: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return stored pixels (H, W) turned upright: (H, W) or (W, H)."""
    turned: NDArray[Any] = upright(stored[None], orientation)[0]
    return turned


def to_stored(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return upright pixels (H, W) turned to the stored frame; the inverse of :func:`to_upright`."""
    turned: NDArray[Any] = upright(pixels[None], _INVERSE.get(orientation, orientation))[0]
    return turned


def upright_region(region: Region, orientation: int, stored: Size) -> Region:
    """Return a region of the stored frame in coordinates of the upright frame.

    Args:
        region: Region in pixels of the stored frame.
        orientation: EXIF orientation, 1 to 8.
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
    """Evidence for the frame of the labels of an image.

    Attributes:
        sizes: Heights and widths stated in its label files.
        extent: Largest bottom and right coordinate of its boxes; None without boxes in pixels.
        empty: Whether it has no labels in pixel coordinates.
    """

    sizes: Sequence[Size] = ()
    extent: tuple[float, float] | None = None
    empty: bool = False


def extent_of(boxes: Sequence[Box]) -> tuple[float, float] | None:
    """Return the largest bottom and right coordinate of boxes; None without any."""
    return (max(box[3] for box in boxes), max(box[2] for box in boxes)) if boxes else None


def mask_sizes(path: Path) -> list[Size]:
    """Return the size (height, width) of a mask as a list; empty if it is unreadable, which its reader reports."""
    try:
        return [read_header(path).stored]
    except DecodeError:
        return []


def check_orientation(asked: str) -> None:
    """Raise :class:`~ir_transfer.errors.UnknownNameError` for an unknown frame."""
    if asked not in get_args(Orientation):
        raise UnknownNameError.among("frame of labels", asked, get_args(Orientation))


def frames_by_evidence(header: Header, evidence: LabelEvidence) -> set[Frame]:
    """Return the frames that the evidence supports: one, none, or both if it is contradictory."""
    if header.stored == header.upright:
        return set()
    frames: dict[Size, Frame] = {header.stored: "stored", header.upright: "upright"}
    found = {frames[size] for size in evidence.sizes if size in frames}
    if found or evidence.extent is None:
        return found
    fitting = [
        name
        for size, name in frames.items()
        if all(e <= s + _SLACK for e, s in zip(evidence.extent, size, strict=True))
    ]
    return set(fitting) if len(fitting) == 1 else set()


def decide_frames(
    headers: Mapping[Any, Header], evidence: Mapping[Any, LabelEvidence], asked: Orientation
) -> tuple[dict[Any, Frame], list[tuple[Any, str]]]:
    """Return the frame of the labels of each image with an EXIF orientation.

    Without evidence for an image, the frame of all others is taken if they agree, since one tool made the labels;
    otherwise upright is assumed, as current annotation tools display images. Both are reported for each image.

    Args:
        headers: Headers of the images, by any key.
        evidence: Evidence of their labels, by the same keys.
        asked: Frame that the user stated, or ``auto``.

    Returns:
        The frames by key, and (key, message) for each image to report.
    """
    by_evidence = {key: frames_by_evidence(header, evidence[key]) for key, header in headers.items()}
    known = [next(iter(found)) for found in by_evidence.values() if len(found) == 1]
    default: Frame = known[0] if len(set(known)) == 1 else "upright"
    why = f"like the labels of {len(known)} others" if len(set(known)) == 1 else "by default"
    frames: dict[Any, Frame] = {}
    messages = []
    for key, found in by_evidence.items():
        frames[key] = asked if asked != "auto" else next(iter(found)) if len(found) == 1 else default
        got = None
        if asked != "auto":
            got = f"sizes of the other frame: {_CHECK_OPTION}" if found - {asked} else None
        elif len(found) > 1:
            got = f"sizes of both frames: treated as {default}, {_ADVICE}"
        elif not found and not evidence[key].empty:
            got = f"no evidence: treated as {default}, {why}: {_ADVICE}"
        if got is not None:
            wanted = "one known" if asked == "auto" else asked
            own = f"EXIF orientation {headers[key].orientation}"
            messages.append((key, f"expected labels in {wanted} frame of {own}, got {got}"))
    return frames, messages
