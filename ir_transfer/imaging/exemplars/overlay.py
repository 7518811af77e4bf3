"""Detects overlays on a style exemplar: colour bar, text, logo, and a uniform border (collar)."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.morphology import convex_hull_image

Gray = NDArray[np.float32]
Mask = NDArray[np.bool_]

_SAME = 3 / 255  # largest difference of neighbours in a drawn bar, with the rounding of JPEG
_BAR_LENGTH, _BAR_WIDTH = 0.25, 0.15  # least length and largest width, as shares of the sides
_BAR_NARROWEST = 4
_BAR_CHANGE = 0.4  # of the range, from end to end; in colour: of the way through RGB
_BAR_STEP = 0.25
_BAR_EDGE = 6 / 255  # least difference of a bar from the scene beside it
_STROKE = 0.25  # contrast of text against its surroundings
_EXTREME = 0.1  # of the range: text is drawn in nearly white or nearly black
_BORDER, _SIDE = 0.15, 0.15  # shares of rows and columns at the border where the middle of a line may be
_LETTERS = 3
_LETTER_HEIGHT = (5, 0.12)  # pixels at least, share of the rows at most
_CHROMA = 0.15
_FEW = 0.3  # share of the pixels that a logo or scale may cover
_COLLAR = 2 / 255
_COLLAR_LEAST = 0.01
_HOLLOW = 0.1  # share of the collar that may be inside the hull of the image
_CRISP = 0.1  # share of the image's first pixels that may be as dark as the collar


@dataclass(frozen=True)
class Bar:
    """A colour or gray bar drawn into an image: constant across, varying along.

    Attributes:
        box: Top, bottom, left and right; bottom and right are exclusive.
        colours: Colours along the bar (n, channels), from its top or left end.
    """

    box: tuple[int, int, int, int]
    colours: NDArray[np.float64]


def find_bar(image: Gray) -> Bar | None:
    """Return the longest bar in an image (1 or 3, h, w) in [0, 1]; None if there is none."""
    upright, lying = _vertical_bar(image), _vertical_bar(image.transpose(0, 2, 1))
    if lying is not None and (upright is None or len(lying.colours) > len(upright.colours)):
        top, bottom, left, right = lying.box
        return Bar((left, right, top, bottom), lying.colours)
    return upright


def _vertical_bar(image: Gray) -> Bar | None:
    _, height, width = image.shape
    same = np.abs(np.diff(image, axis=2)).max(axis=0) <= _SAME
    constant = ndimage.minimum_filter1d(same, _BAR_NARROWEST - 1, axis=1)
    least = max(int(_BAR_LENGTH * height), 16)
    regions, count = ndimage.label(_runs(constant, least))
    found = [_bar(image, same, ndimage.find_objects(regions)[i], least) for i in range(count)]
    bars = [bar for bar in found if bar is not None and bar.box[3] - bar.box[2] <= max(_BAR_WIDTH * width, 8)]
    return max(bars, key=lambda bar: len(bar.colours), default=None)


def _runs(of: Mask, least: int) -> Mask:
    """Return the pixels in vertical runs of at least ``least`` pixels."""
    run = np.zeros(of.shape, np.int32)
    for row in range(len(of)):
        run[row] = np.where(of[row], (run[row - 1] if row else 0) + 1, 0)
    longest = run.copy()
    for row in range(len(of) - 2, -1, -1):
        longest[row] = np.where(of[row] & of[row + 1], longest[row + 1], longest[row])
    found: Mask = of & (longest >= least)
    return found


def _bar(image: Gray, same: Mask, place: tuple[slice, slice], least: int) -> Bar | None:
    """Return the part of a region that varies along as a bar does."""
    rows, columns = place
    # A pair of equal neighbours is marked at its left pixel, and the filter removed one pair at either side.
    left, right = max(columns.start - 1, 0), min(columns.stop + 2, image.shape[2])
    middle = image[:, rows, (left + right) // 2 - 1 : (left + right) // 2 + 1].mean(axis=2).T.astype(np.float64)
    steps = np.abs(np.diff(middle, axis=0)).max(axis=1)
    cuts = [0, *(np.flatnonzero(steps > _BAR_STEP) + 1).tolist(), len(middle)]
    start, stop = max(pairwise(cuts), key=lambda part: part[1] - part[0])
    colours = middle[start:stop]
    if len(colours) < least or not _is_scale(colours):
        return None
    top, bottom = rows.start + start, rows.start + stop
    return Bar((top, bottom, left, right), colours) if _stands_out(image, (top, bottom, left, right)) else None


def _is_scale(colours: NDArray[np.float64]) -> bool:
    steps = np.diff(colours, axis=0)
    if colours.shape[1] == 1 or float(np.ptp(colours, axis=1).mean()) < _CHROMA / 2:
        gray = steps.mean(axis=1)
        along = abs(float(gray.sum()))
        return along >= _BAR_CHANGE and along >= 0.95 * float(np.abs(gray).sum())
    return float(np.linalg.norm(steps, axis=1).sum()) >= _BAR_CHANGE * 3**0.5


def _stands_out(image: Gray, box: tuple[int, int, int, int]) -> bool:
    """Return whether a bar has an edge on both long sides; the border of the image counts as one."""
    top, bottom, left, right = box
    for inside, outside in ((left, left - 2), (right - 1, right + 1)):
        if 0 <= outside < image.shape[2]:
            apart = np.abs(image[:, top:bottom, inside] - image[:, top:bottom, outside]).max(axis=0)
            if float((apart > _BAR_EDGE).mean()) < 0.6:
                return False
    return True


def bar_mask(bar: Bar, shape: tuple[int, int]) -> Mask:
    """Return the pixels (H, W) of a bar and its frame in an image of this shape."""
    top, bottom, left, right = bar.box
    frame = 3
    mask = np.zeros(shape, bool)
    mask[max(top - frame, 0) : bottom + frame, max(left - frame, 0) : right + frame] = True
    return mask


def text_mask(gray: Gray) -> Mask:
    """Return a mask (h, w) of the lines of text near the border of an image (h, w) in [0, 1].

    Text is a row of components of equal height with sharp strokes in nearly white (or black). Windows of a facade are
    similar, so only lines near the border count.
    """
    mask = np.zeros(gray.shape, bool)
    height, width = gray.shape
    for ink in (gray, 1 - gray):
        for rows, columns in _lines(ink):
            row, column = (rows.start + rows.stop) / 2 / height, (columns.start + columns.stop) / 2 / width
            if min(row, 1 - row) <= _BORDER or min(column, 1 - column) <= _SIDE:
                mask[rows, columns] = True
    return mask


def _lines(ink: Gray) -> list[tuple[slice, slice]]:
    side = 2 * max(round(0.015 * min(ink.shape)), 3) + 1
    strokes = ndimage.white_tophat(ink, size=(side, side)) > _STROKE
    labels, count = ndimage.label(strokes, np.ones((3, 3)))
    if not count:
        return []
    peaks = ndimage.maximum(ink, labels, np.arange(1, count + 1))
    letters = [
        place
        for number, (place, peak) in enumerate(zip(ndimage.find_objects(labels), peaks, strict=True), 1)
        if peak >= 1 - _EXTREME and _is_letter(ink, strokes, labels[place] == number, place)
    ]
    letters.sort(key=lambda place: place[1].start)
    lines: list[list[tuple[slice, slice]]] = []
    for letter in letters:
        line = next((line for line in lines if _follows(letter, line[-1])), None)
        if line is None:
            lines.append([letter])
        else:
            line.append(letter)
    sure = [line for line in lines if len(line) >= _LETTERS]
    heights = {_height(line) for line in sure}
    also = [line for line in lines if len(line) == _LETTERS - 1 and heights & {_height(line) + d for d in (-1, 0, 1)}]
    return [_box(line) for line in sure + also]


def _height(line: list[tuple[slice, slice]]) -> int:
    return max(int(one[0].stop - one[0].start) for one in line)


def _is_letter(ink: Gray, strokes: Mask, own: Mask, place: tuple[slice, slice]) -> bool:
    """Return whether a component (``own`` at ``place``) has the size of a letter and strokes with sharp edges."""
    height, width = own.shape
    if not (_LETTER_HEIGHT[0] <= height <= max(_LETTER_HEIGHT[1] * len(ink), 14) and width <= 1.5 * height):
        return False
    rows, columns = (slice(max(one.start - 2, 0), one.stop + 2) for one in place)
    around = ink[rows, columns]
    inside = np.zeros(around.shape, bool)
    top, left = place[0].start - rows.start, place[1].start - columns.start
    inside[top : top + height, left : left + width] = own
    ring = ndimage.binary_dilation(inside, np.ones((3, 3)), iterations=2) & ~ndimage.binary_dilation(inside)
    ring &= ~strokes[rows, columns]  # of the next letter
    if not ring.any():
        return False
    contrast = float(np.median(around[inside]) - np.median(around[ring]))
    spread = float(np.ptp(np.percentile(around[ring], (10, 90))))
    return contrast > _STROKE and spread < 0.5 * contrast


def _follows(letter: tuple[slice, slice], before: tuple[slice, slice]) -> bool:
    """Return whether a letter follows another in a line of text."""
    height, other = letter[0].stop - letter[0].start, before[0].stop - before[0].start
    tall = max(height, other)
    apart = abs(letter[0].stop - before[0].stop)  # letters share their base line
    gap = letter[1].start - before[1].stop
    return bool(apart <= max(1, 0.15 * tall) and tall <= 1.6 * min(height, other) and -1 <= gap <= 1.2 * tall)


def _box(line: list[tuple[slice, slice]]) -> tuple[slice, slice]:
    """Return the box of a line with a margin of one letter at either end and for soft edges."""
    top, bottom = min(one[0].start for one in line), max(one[0].stop for one in line)
    left, right = min(one[1].start for one in line), max(one[1].stop for one in line)
    room = bottom - top
    return slice(max(top - 2, 0), bottom + 3), slice(max(left - room, 0), right + room)


def colour_mask(rgb: Gray) -> Mask:
    """Return the pixels of a gray image (3, h, w) that are drawn in colour, such as a logo."""
    coloured = rgb.max(axis=0) - rgb.min(axis=0) > _CHROMA
    grown: Mask = ndimage.binary_dilation(coloured, iterations=2)
    return grown if coloured.any() and float(grown.mean()) < _FEW else np.zeros(coloured.shape, bool)


def collar_mask(gray: Gray) -> Mask:
    """Return the uniform border (h, w) of an image (h, w): straight strips, or the corners of a rotated image.

    A cold sky at the limit of the range is uniform too, but its edge is not straight.
    """
    mask = np.zeros(gray.shape, bool)
    for level in {float(gray[row, column]) for row in (0, -1) for column in (0, -1)}:
        alike = np.abs(gray - level) <= _COLLAR
        labels, count = ndimage.label(alike)
        outer = {*labels[0], *labels[-1], *labels[:, 0], *labels[:, -1]} - {0}
        if not count or not outer:
            continue
        collar = np.isin(labels, list(outer))
        inner = ~collar
        if not _COLLAR_LEAST <= collar.mean() < 1 or not _is_frame(inner, alike):
            continue
        mask |= collar
    return mask


def _is_frame(inner: Mask, alike: Mask) -> bool:
    """Return whether the region inside a collar is convex and sharp: few collar pixels near the rim of its hull."""
    hull = convex_hull_image(inner)
    if float((hull & ~inner).sum()) > _HOLLOW * float((~inner).sum()):
        return False
    core = ndimage.binary_erosion(hull, iterations=2, border_value=1)  # a rotated edge has steps
    rim = core & ~ndimage.binary_erosion(core, iterations=2, border_value=1)
    return bool(rim.any()) and float(alike[rim].mean()) <= _CRISP
