"""Opens the two images of a pair: from two files, from two halves of one, or from the bands of one.

Infrared images of a black-hot set are inverted, so that training and evaluation use white-hot images only.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from ir_transfer.data.reported import read_reported, report
from ir_transfer.errors import InputError
from ir_transfer.imaging.decode import decode
from ir_transfer.imaging.decoded_image import shown
from ir_transfer.imaging.image_io import (
    MAX_PIXELS,
    DecodedImage,
    OutputLevels,
    files_beside,
    read_bytes,
    to_levels,
)
from ir_transfer.imaging.pixels.kinds import Levels, Wanted
from ir_transfer.imaging.pixels.stage import Meaning

if TYPE_CHECKING:
    from ir_transfer.data.cards import Layout

_LANCZOS_REACH = 3  # resized pixels
Floats = NDArray[np.float32]
Valid = NDArray[np.bool_]
Side = Literal["rgb", "ir"]


class PairFiles(Protocol):
    """The properties of a pair that are needed to open it."""

    @property
    def rgb(self) -> Path:
        """File of the RGB image."""

    @property
    def ir(self) -> Path:
        """File of the infrared image."""

    @property
    def layout(self) -> Layout | None:
        """Layout of the files; None for two plain files."""

    @property
    def black_hot(self) -> bool:
        """Whether the infrared file is black-hot."""


def open_pair(rgb: Path, ir: Path, layout: Layout | None = None) -> tuple[DecodedImage, DecodedImage]:
    """Return RGB image and infrared image in the levels of the files; their sizes may differ.

    Raises:
        MissingFileError: A file is missing.
        DecodeError: A file is not an image.
        InputError: A file that does not have the layout.
    """
    kind = "two-files" if layout is None else layout.kind
    if layout is not None and kind == "bands":
        pair = _open_bands(rgb, layout)
    elif layout is not None and kind == "side-by-side":
        pair = _open_halves(rgb, layout)
    else:
        pair = read_reported(rgb, layout), read_reported(ir, layout)
    if layout is None:
        return pair
    return _finish(pair[0], layout, rgb), _finish(pair[1], layout, ir)


def open_side(path: Path, side: Side, layout: Layout | None = None) -> DecodedImage:
    """Return one image of a file in its levels; see :func:`open_pair`."""
    if layout is not None and layout.kind in {"bands", "side-by-side"}:
        return open_pair(path, path, layout)[side == "ir"]
    image = read_reported(path, layout)
    return image if layout is None else _finish(image, layout, path)


class PairFloats(NamedTuple):
    """A pair in [0, 1], white-hot.

    Attributes:
        rgb: (3, H, W).
        ir: (1, H, W).
        valid: Pixels (H, W) that are valid in both images; None if all are.
    """

    rgb: Floats
    ir: Floats
    valid: Valid | None


class PairLevels(NamedTuple):
    """A pair as levels that take little memory, white-hot; see :func:`compact`.

    Attributes:
        rgb: (H, W, 3).
        ir: (H, W).
        valid: Pixels (H, W) that are valid in both images; None if all are.
    """

    rgb: OutputLevels
    ir: OutputLevels
    valid: Valid | None


def read_pair(pair: PairFiles) -> PairFloats:
    """Return a pair as floats, at full precision.

    Raises:
        InputError: The two sizes differ, the infrared image is coloured, or no pixel is valid in both.
        DecodeError: A file is not an image.
    """
    rgb, ir = _open_checked(pair)
    infrared = ir.gray()
    return PairFloats(rgb.rgb(), 1 - infrared if pair.black_hot else infrared, _valid_in_both(rgb, ir, pair))


def load_pair(pair: PairFiles, max_width: int | None = None) -> PairLevels:
    """Return a pair as levels.

    Args:
        pair: The files.
        max_width: Wider images are reduced to it.

    Raises:
        InputError: The two sizes differ, the infrared image is coloured, or no pixel is valid in both.
        DecodeError: A file is not an image.
    """
    rgb, ir = _open_checked(pair)
    valid = compact_valid(_valid_in_both(rgb, ir, pair), max_width)
    return PairLevels(compact(rgb, "rgb", max_width), compact(ir, "ir", max_width, pair.black_hot), valid)


def _valid_in_both(rgb: DecodedImage, ir: DecodedImage, pair: PairFiles) -> Valid | None:
    if rgb.ignores_alpha or ir.ignores_alpha:
        path = pair.rgb if rgb.ignores_alpha else pair.ir
        raise InputError(
            f"expected pixels that are valid in {path}, got alpha or a mask that hides all of them: remove the "
            "alpha if it has no meaning, or remove the pair"
        )
    found = [image.valid for image in (rgb, ir)]
    masks = [valid for valid in found if valid is not None]
    if not masks:
        return None
    both: Valid = np.logical_and.reduce(masks)
    if not both.any():
        raise InputError(
            f"expected pixels that are valid in both {pair.rgb} and {pair.ir}, got none: check their masks and nodata "
            "values, or remove the pair"
        )
    return both


def compact(image: DecodedImage, side: Side, max_width: int | None = None, black_hot: bool = False) -> OutputLevels:
    """Return an image as levels that take little memory: of 8 bits if its file has no more, of 16 otherwise.

    Args:
        image: The opened image.
        side: ``rgb`` gives (H, W, 3), ``ir`` (H, W).
        max_width: A wider image is reduced to it.
        black_hot: Whether it is black-hot; such an image is inverted.
    """
    unit = image.rgb().transpose(1, 2, 0) if side == "rgb" else image.gray()[0]
    levels = to_levels(unit, 8 if image.bit_depth == 8 else 16)
    if max_width is not None and image.width > max_width:
        levels = _shrunk(levels, _size_within(image.width, image.height, max_width))
    return np.iinfo(levels.dtype).max - levels if black_hot else levels


def compact_valid(valid: Valid | None, max_width: int | None) -> Valid | None:
    """Return the valid pixels of an image that :func:`compact` shrinks: those to which no invalid pixel contributes.

    Args:
        valid: Of the image, (H, W); None if all are.
        max_width: As for :func:`compact`.
    """
    if valid is None or max_width is None or valid.shape[1] <= max_width:
        return valid
    size = _size_within(valid.shape[1], valid.shape[0], max_width)
    levels = Image.fromarray((valid * np.uint8(255)).astype(np.uint8))
    whole = np.asarray(levels.resize(size, Image.Resampling.BOX)) == 255
    side = 2 * _LANCZOS_REACH + 1
    return np.asarray(ndimage.binary_erosion(whole, np.ones((side, side), np.bool_), border_value=1), np.bool_)


def to_unit(levels: Levels) -> Floats:
    """Return levels of 8 or 16 bits, of any shape, as float32 in [0, 1]; floats are unchanged."""
    unit: Floats = levels.astype(np.float32, copy=False)
    if levels.dtype == np.uint8:
        return unit / np.float32(255)
    return unit / np.float32(65535) if levels.dtype == np.uint16 else unit


def check_pair(rgb: DecodedImage, ir: DecodedImage, pair: PairFiles) -> None:
    """Raise an error unless two images can be a pair.

    Raises:
        InputError: Their sizes differ, or the infrared image is coloured.
    """
    ours, theirs = (rgb.width, rgb.height), (ir.width, ir.height)
    if ours != theirs:
        raise InputError(f"expected {pair.rgb} and {pair.ir} of one size, got {ours} and {theirs}: register them")
    check_gray(ir, pair.ir)


def check_gray(ir: DecodedImage, path: Path) -> None:
    """Raise an error if an infrared image is coloured: the luminance of a palette is not monotonic in temperature.

    Raises:
        InputError: The image is coloured.
    """
    if ir.is_colour:
        raise InputError(
            f"expected one channel, or three alike, in the infrared image {path}, got three that differ: it has a "
            "colour palette, so export the camera's gray image; or the sides are swapped, so correct the folders"
        )


def _open_checked(pair: PairFiles) -> tuple[DecodedImage, DecodedImage]:
    rgb, ir = open_pair(pair.rgb, pair.ir, pair.layout)
    check_pair(rgb, ir, pair)
    return rgb, ir


def _size_within(width: int, height: int, max_width: int) -> tuple[int, int]:
    """Return (width, height) of an image reduced to ``max_width``."""
    return max_width, round(height * max_width / width)


def _shrunk(levels: OutputLevels, size: tuple[int, int]) -> OutputLevels:
    """Return levels resized to (width, height)."""
    if levels.dtype == np.uint8:
        return np.asarray(Image.fromarray(np.ascontiguousarray(levels)).resize(size, Image.Resampling.LANCZOS))
    # Pillow resizes more than 8 bits as floats of one channel only.
    channels = levels[..., None] if levels.ndim == 2 else levels
    resized = [
        np.asarray(Image.fromarray(to_unit(channels[..., i])).resize(size, Image.Resampling.LANCZOS))
        for i in range(channels.shape[-1])
    ]
    return to_levels(np.stack(resized, axis=-1) if levels.ndim == 3 else resized[0], 16)


def _open_bands(path: Path, layout: Layout) -> tuple[DecodedImage, DecodedImage]:
    if layout.ir_band is None:
        raise InputError("expected the key 'ir_band' in a layout of bands, found none")
    data = read_bytes(path)
    wanted = Wanted(bands=[*layout.rgb_bands, layout.ir_band], beside=files_beside(path), joint=True)
    stored = decode(data, str(path), MAX_PIXELS, wanted)
    sha256 = hashlib.sha256(data).hexdigest()
    rgb = replace(stored, numbers=stored.numbers[:3], nodata=stored.nodata[:3])
    ir = replace(stored, numbers=stored.numbers[3:], meaning=Meaning(), nodata=stored.nodata[3:])
    pair = shown(rgb, str(path), sha256), shown(ir, str(path), sha256)
    for image in pair:
        report(image, path, layout)
    return pair


def _open_halves(path: Path, layout: Layout) -> tuple[DecodedImage, DecodedImage]:
    whole = read_reported(path, layout)
    axis = 2 if layout.rgb_side in {"left", "right"} else 1
    if whole.levels.shape[axis] % 2:
        raise InputError(
            f"expected {path} to hold two images of one size, got {whole.width} x {whole.height}, "
            "which cannot be halved: choose another card"
        )
    levels = np.split(whole.levels, 2, axis=axis)
    alphas = [None, None] if whole.alpha is None else np.split(whole.alpha, 2, axis=axis - 1)
    first, second = (replace(whole, levels=half, alpha=alpha) for half, alpha in zip(levels, alphas, strict=True))
    return (first, second) if layout.rgb_side in {"left", "top"} else (second, first)


def _finish(image: DecodedImage, layout: Layout, path: Path) -> DecodedImage:
    levels: Levels = image.levels
    alpha = image.alpha
    if border := layout.border:
        if min(levels.shape[1:]) <= 2 * border:
            raise InputError(
                f"expected {path} to have a border of {border} pixels, got {image.width} x {image.height}: "
                "it seems to be cropped already; use the card of plain folders"
            )
        levels = levels[:, border:-border, border:-border]
        alpha = None if alpha is None else alpha[border:-border, border:-border]
    white = image.white
    if layout.white is not None:
        white = layout.white
        levels = np.minimum(levels, np.asarray(white, levels.dtype))
    return replace(image, levels=levels, white=white, alpha=alpha)
