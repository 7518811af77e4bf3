"""Images to train on: listed and checked at the start, decoded on demand, cached up to a memory limit."""

import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ir_transfer.data.pair_checks import check_pairs, check_singles
from ir_transfer.data.pair_files import Valid, check_gray, compact, compact_valid, load_pair, open_side
from ir_transfer.data.pairs import Pair, Single
from ir_transfer.errors import InputError
from ir_transfer.imaging.exemplars.fill import without_invalid
from ir_transfer.imaging.image_io import OutputLevels
from ir_transfer.training.leaks import refuse_leaks, refuse_overlap
from ir_transfer.training.recipe import DataSection
from ir_transfer.training.sources import ImageFiles, find_sources, find_validations


class ImageCache:
    """Caches decoded images up to a memory limit; further images are decoded at every use.

    Nothing is evicted, since all images are drawn equally often.

    Args:
        gib: Memory in GiB.
    """

    def __init__(self, gib: float) -> None:
        self._free = gib * 2**30
        self._kept: dict[Hashable, tuple[OutputLevels, ...]] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, load: Callable[[], tuple[OutputLevels, ...]]) -> tuple[OutputLevels, ...]:
        """Return the cached arrays of a key, or those that ``load`` returns."""
        found = self._kept.get(key)
        if found is None:
            found = load()
            with self._lock:
                size = sum(image.nbytes for image in found)
                if size <= self._free and key not in self._kept:
                    self._kept[key] = found
                    self._free -= size
        return found


@dataclass(frozen=True)
class ImageSet:
    """Images of one source, as uint8 if their files have 8 bits, else as uint16.

    Attributes:
        rgb: Files of the RGB images.
        infrared: Files of the infrared images; if paired, in the order of the RGB images.
        pairs: Registered pairs of both, or None if they are unpaired.
        max_width: Width in pixels to which larger images are reduced, or None.
        cache: Cache of decoded images.
        register: Whether the registration of every pair is refined when it is decoded.
    """

    rgb: Sequence[Single]
    infrared: Sequence[Single]
    pairs: Sequence[Pair] | None
    max_width: int | None
    cache: ImageCache
    register: bool = False

    @property
    def paired(self) -> bool:
        """Whether RGB and infrared images are registered pairs."""
        return self.pairs is not None

    @property
    def files(self) -> list[Path]:
        """Paths of all files without duplicates."""
        return list(dict.fromkeys(single.path for single in (*self.rgb, *self.infrared)))

    def rgb_image(self, index: int) -> OutputLevels:
        """Return an RGB image (H, W, 3)."""
        return self._load(index, self.rgb, 0)

    def infrared_image(self, index: int) -> OutputLevels:
        """Return a white-hot infrared image (H, W); if paired, the ground truth of the RGB image of this index."""
        return self._load(index, self.infrared, 1)

    def valid(self, index: int) -> OutputLevels | None:
        """Return 255 where an RGB image, and its ground truth if paired, is valid, else 0 (H, W); None if all are."""
        found = self._single(self.rgb[index]) if self.pairs is None else self._pair(self.pairs[index])[1:]
        return found[1] if len(found) > 1 else None

    def _load(self, index: int, singles: Sequence[Single], side: int) -> OutputLevels:
        return self._single(singles[index])[0] if self.pairs is None else self._pair(self.pairs[index])[side]

    def _single(self, single: Single) -> tuple[OutputLevels, ...]:
        return self.cache.get((single, self.max_width), lambda: _load_single(single, self.max_width))

    def _pair(self, pair: Pair) -> tuple[OutputLevels, ...]:
        return self.cache.get((pair, self.max_width), lambda: self._load_pair(pair))

    def _load_pair(self, pair: Pair) -> tuple[OutputLevels, ...]:
        """Return the RGB and the infrared image, and 255 where both are valid if some pixels are not.

        Invalid pixels of the infrared image are set to the nearest valid value, so that it can be an exemplar.
        """
        rgb, ir, valid = load_pair(pair, self.max_width)
        infrared = [without_invalid(ir, valid, crop=False)]
        if valid is not None:
            infrared.append(_mask_levels(valid))
        if self.register:
            from ir_transfer.data.registration import apply_registration, measure_registration

            registration = measure_registration(rgb, infrared[0])
            if registration.improves:
                infrared = [apply_registration(levels, registration) for levels in infrared]
        return rgb, *infrared


def load_rgb(single: Single, max_width: int | None = None) -> tuple[OutputLevels, Valid | None]:
    """Return an RGB image (H, W, 3), at most ``max_width`` pixels wide, and its valid pixels (H, W); None if all are.

    Raises:
        MissingFileError: No such file.
        DecodeError: The file is not an image, or damaged.
    """
    image = open_side(single.path, "rgb", single.layout)
    return compact(image, "rgb", max_width), compact_valid(image.valid, max_width)


def load_infrared(single: Single, max_width: int | None = None) -> OutputLevels:
    """Return a white-hot infrared image (H, W), at most ``max_width`` pixels wide.

    Its invalid pixels are set to the nearest valid value, so that it can be an exemplar.

    Raises:
        MissingFileError: No such file.
        DecodeError: The file is not an image, or damaged.
        InputError: The image is coloured.
    """
    image = open_side(single.path, "ir", single.layout)
    check_gray(image, single.path)
    valid = image.valid
    if valid is not None:
        image = replace(image, levels=np.stack([without_invalid(band, valid) for band in image.levels]), alpha=None)
    return compact(image, "ir", max_width, single.black_hot)


def _load_single(single: Single, max_width: int | None) -> tuple[OutputLevels, ...]:
    """Return an image and, for an RGB image with invalid pixels, 255 where it is valid (H, W)."""
    if single.side == "ir":
        return (load_infrared(single, max_width),)
    levels, valid = load_rgb(single, max_width)
    return (levels,) if valid is None else (levels, _mask_levels(valid))


def _mask_levels(valid: Valid) -> OutputLevels:
    return (valid * np.uint8(255)).astype(np.uint8)


def find_images(data: DataSection, root: Path, cache: ImageCache) -> list[ImageSet]:
    """List and check the images of every source, excluding those of the validation.

    Raises:
        MissingFileError: A folder, card or split is missing.
        InputError: A source has no images, a pair of two sizes or a coloured infrared image, or it shares a scene
            or an image with the validation.
    """
    validations = find_validations(data, root)
    sources = find_sources(data, root)
    for chosen, validation in zip(data.validation_sets, validations, strict=True):
        for index, found in enumerate(sources):
            if found.parted and chosen.every == 1:
                refuse_overlap(found, validation)
            sources[index] = _without(found, validation)
        refuse_leaks(sources, validation)
    sets = []
    for found, source in zip(sources, data.sources, strict=True):
        if not found.rgb or not found.infrared:
            raise InputError(
                f"expected images in {root / source.path} ({found.where}) not used for validation, got none: add some"
            )
        check_pairs(found.pairs or ())
        if found.pairs is None:
            check_singles(found.infrared)
        sets.append(ImageSet(found.rgb, found.infrared, found.pairs, source.max_width, cache, data.register))
    return sets


def _without(found: ImageFiles, validation: ImageFiles) -> ImageFiles:
    held_out = {single.path for single in (*validation.rgb, *validation.infrared)}
    if found.pairs is not None:
        pairs = [pair for pair in found.pairs if pair.rgb not in held_out]
        rgb, infrared = [pair.alone("rgb") for pair in pairs], [pair.alone("ir") for pair in pairs]
        return replace(found, rgb=rgb, infrared=infrared, pairs=pairs)
    return replace(
        found,
        rgb=[single for single in found.rgb if single.path not in held_out],
        infrared=[single for single in found.infrared if single.path not in held_out],
    )
