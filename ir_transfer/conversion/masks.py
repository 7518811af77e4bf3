"""The masks of a run: soft masks of styles, and label maps of images and exemplars; does not import torch."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ir_transfer.conversion.controls import Controls
from ir_transfer.conversion.styles.catalog import BakedStyleFile, ExemplarFolder
from ir_transfer.conversion.styles.choose import StyleChoice
from ir_transfer.errors import InputError, MissingFileError, listed
from ir_transfer.imaging.image_io import MAX_PIXELS, DecodedImage, read_bytes, read_image
from ir_transfer.imaging.image_names import SUFFIXES, find_below
from ir_transfer.imaging.pixels.stage import HALF_OPAQUE
from ir_transfer.labels.label_maps.files import LabelMaps, open_label_maps
from ir_transfer.labels.label_maps.label_map import NO_LABEL, LabelMap

_ONE_COLOUR = 0.02  # of white: largest range of a single colour, with rounding and soft edges


@dataclass(frozen=True)
class ImageMasks:
    """The masks of one image, of its size.

    Attributes:
        shares: Soft mask (H, W) in [0, 1] of each style; empty without spatial control.
        labels: Label map (H, W); None without label maps.
    """

    shares: tuple[NDArray[np.float32], ...] = ()
    labels: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Masks:
    """All masks of a run.

    Attributes:
        controls: Options of the masks.
        content: Label maps of the images.
        exemplars: Label map of each exemplar.
        max_pixels: Masks with more pixels are refused.
    """

    controls: Controls
    content: LabelMaps | None
    exemplars: tuple[LabelMap, ...]
    max_pixels: int

    def fingerprint(self, place: PurePosixPath) -> str:
        """Return a hash of the masks of an image; errors as in :meth:`read`."""
        files = [_mask_file(path, place) for path in self.controls.style_masks]
        parts = [hashlib.sha256(read_bytes(path, self.max_pixels)).hexdigest() for path in files]
        if self.content is not None:
            parts.append(self.content.fingerprint(place))
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()

    def read(self, place: PurePosixPath, height: int, width: int) -> ImageMasks:
        """Return the masks of an image.

        Args:
            place: Sub-folder and name of the image, without suffix.
            height: Height of the image.
            width: Width of the image.

        Raises:
            MissingFileError: The image has no mask.
            DecodeError: A damaged mask.
            InputError: A mask of another size, or with labels that no exemplar has.
        """
        fit = self.controls.fit_masks
        files = [_mask_file(path, place) for path in self.controls.style_masks]
        shares = tuple(_read_share(path, height, width, self.max_pixels, fit=fit) for path in files)
        if self.content is None:
            return ImageMasks(shares)
        found = self.content.read(place, height, width, fit=fit)
        self._check_labels(found, f"{self.controls.content_masks}, map of {place}")
        return ImageMasks(shares, found.levels)

    def _check_labels(self, found: LabelMap, name: str) -> None:
        known = frozenset[int]().union(*(one.labels for one in self.exemplars))
        unknown = found.labels - known - {NO_LABEL}
        if not unknown:
            return
        if found.coloured != self.exemplars[0].coloured:
            kinds = {True: "colours", False: "numbers"}
            raise InputError(
                f"{name}: expected {kinds[not found.coloured]} as in --exemplar-masks, got {kinds[found.coloured]}: "
                "export both in the same way"
            )
        raise InputError(
            f"{name}: expected labels of --exemplar-masks ({_listed(self.exemplars[0], known)}), got "
            f"{_listed(found, unknown)}: add them to the map of an exemplar, or change them to "
            f"{found.describe(NO_LABEL)} (no label: the style of the whole exemplar)"
        )


def open_masks(controls: Controls, choice: StyleChoice, max_pixels: int = MAX_PIXELS) -> Masks | None:
    """Open the masks of a run and read the label maps of its exemplars; None if the run has no masks.

    Raises:
        MissingFileError: A mask or exemplar does not exist.
        DecodeError: A mask or exemplar is damaged.
        InputError: A saved style, which has no label map, or maps that do not fit their exemplars or each other.
    """
    if not controls.masked:
        return None
    for path in controls.style_masks:
        if not path.is_dir():
            read_image(path, max_pixels)  # one file for all images is checked before the run
    if controls.content_masks is None or controls.exemplar_masks is None:
        return Masks(controls, None, (), max_pixels)
    content, theirs = open_label_maps(controls.content_masks), open_label_maps(controls.exemplar_masks)
    _refuse_other_names(content.names, theirs.names)
    maps = []
    for style in choice.styles:
        if not isinstance(style, Path):
            named = style.path if isinstance(style, ExemplarFolder | BakedStyleFile) else style.name
            raise InputError(f"expected images with --exemplar-masks, got the style {str(named)!r}: pass its image")
        from ir_transfer.conversion.styles.exemplar import read_exemplar  # slow: imports scikit-image and scipy

        height, width = read_exemplar(style, max_pixels, crop=False).shape[-2:]
        maps.append(theirs.read(PurePosixPath(style.stem), height, width, fit=controls.fit_masks))
    if len({one.coloured for one in maps}) > 1:
        raise InputError(
            f"{controls.exemplar_masks}: expected colours or numbers, got both: export all maps in one of the two forms"
        )
    return Masks(controls, content, tuple(maps), max_pixels)


def _refuse_other_names(ours: Mapping[int, str], theirs: Mapping[int, str]) -> None:
    for label in sorted(ours.keys() & theirs.keys()):
        if ours[label] != theirs[label]:
            raise InputError(
                f"expected one name for category {label}, got {ours[label]!r} in --content-masks and "
                f"{theirs[label]!r} in --exemplar-masks: use the same category numbers"
            )


def _listed(of: LabelMap, labels: frozenset[int]) -> str:
    return listed([of.describe(label) for label in sorted(labels)])


def _mask_file(path: Path, place: PurePosixPath) -> Path:
    if not path.is_dir():
        return path
    stem = path / place
    places = (place.with_name(place.name + suffix) for suffix in sorted(SUFFIXES))
    found = [file for one in places if (file := find_below(path, one)) is not None and file.is_file()]
    if not found:
        raise MissingFileError(f"expected a mask such as {stem}.png, found none: add it, white where the style applies")
    if len(found) > 1:
        raise InputError(f"expected one mask for {place}, got {found[0]} and {found[1]}: remove one")
    return found[0]


def _drawn(mask: DecodedImage) -> NDArray[np.float32]:
    """Return the region (H, W) in [0, 1] of a mask: luma times alpha.

    A mask drawn in a single colour on a transparent layer defines its region by alpha alone.
    """
    luma: NDArray[np.float32] = mask.gray()[0]
    if mask.alpha is None:
        return luma
    alpha: NDArray[np.float32] = mask.alpha.astype(np.float32) / np.float32(255)
    seen = luma[mask.alpha >= HALF_OPAQUE]
    if seen.size and float(np.ptp(seen)) < _ONE_COLOUR:
        return alpha
    return np.multiply(luma, alpha, dtype=np.float32)


def _read_share(path: Path, height: int, width: int, max_pixels: int, *, fit: bool) -> NDArray[np.float32]:
    share = _drawn(read_image(path, max_pixels))
    if share.shape == (height, width):
        return share
    if not fit:
        raise InputError(
            f"{path}: expected the size of its image, {width} x {height}, got {share.shape[1]} x {share.shape[0]}: "
            "export it at that size, or pass --fit-masks"
        )
    resized = Image.fromarray(share).resize((width, height), Image.Resampling.BILINEAR)
    clipped: NDArray[np.float32] = np.clip(np.asarray(resized), 0, 1)
    return clipped
