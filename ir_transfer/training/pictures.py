"""Pictures to train on: found and checked at the start, decoded when drawn, kept while memory lasts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ir_transfer.data.image_io import OutputLevels
from ir_transfer.data.pair_checks import check_pairs, check_singles
from ir_transfer.data.pair_files import check_gray, compact, load_pair, open_side
from ir_transfer.data.pairs import Pair, Single
from ir_transfer.errors import InputError
from ir_transfer.training.leaks import refuse_leaks, refuse_overlap
from ir_transfer.training.recipe import DataSection
from ir_transfer.training.sources import Found, find_sources, find_validations


class PictureCache:
    """Keeps decoded pictures until the memory it may use is full; the rest is decoded again at every use.

    Nothing is thrown out: every picture is drawn equally often, so one is as good to keep as another.

    Args:
        gib: Memory in GiB.
    """

    def __init__(self, gib: float) -> None:
        self._free = gib * 2**30
        self._kept: dict[Hashable, tuple[OutputLevels, ...]] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, load: Callable[[], tuple[OutputLevels, ...]]) -> tuple[OutputLevels, ...]:
        """Return what ``load`` gives for this key, now or at an earlier call."""
        found = self._kept.get(key)
        if found is None:
            found = load()
            with self._lock:
                size = sum(picture.nbytes for picture in found)
                if size <= self._free and key not in self._kept:
                    self._kept[key] = found
                    self._free -= size
        return found


@dataclass(frozen=True)
class PictureSet:
    """One source's pictures, in 8 bits where their files have no more, else in 16.

    Attributes:
        photographs: What is translated.
        infrared: Exemplars; if paired, those of the photographs in their order.
        pairs: Both together, or None if they do not belong together pixel by pixel.
        max_width: Width to shrink to, or None.
        cache: Where decoded pictures are kept.
        register: Whether the registration of every pair is refined when it is decoded.
    """

    photographs: Sequence[Single]
    infrared: Sequence[Single]
    pairs: Sequence[Pair] | None
    max_width: int | None
    cache: PictureCache
    register: bool = False

    @property
    def paired(self) -> bool:
        """Whether photographs and infrared pictures belong together pixel by pixel."""
        return self.pairs is not None

    @property
    def files(self) -> list[Path]:
        """Their files, each once."""
        return list(dict.fromkeys(single.path for single in (*self.photographs, *self.infrared)))

    def photograph(self, index: int) -> OutputLevels:
        """Return a photograph (H, W, 3)."""
        return self._load(index, self.photographs, 0)

    def exemplar(self, index: int) -> OutputLevels:
        """Return an infrared picture (H, W), white-hot; if paired, the truth of the photograph of this index."""
        return self._load(index, self.infrared, 1)

    def _load(self, index: int, singles: Sequence[Single], side: int) -> OutputLevels:
        if self.pairs is not None:
            pair = self.pairs[index]
            return self.cache.get((pair, self.max_width), lambda: self._load_pair(pair))[side]
        single = singles[index]
        return self.cache.get((single, self.max_width), lambda: (load_single(single, self.max_width),))[0]

    def _load_pair(self, pair: Pair) -> tuple[OutputLevels, OutputLevels]:
        rgb, ir, _ = load_pair(pair, self.max_width)
        if not self.register:
            return rgb, ir
        from ir_transfer.data.registration import apply_registration, measure_registration

        registration = measure_registration(rgb, ir)
        return rgb, apply_registration(ir, registration) if registration.improves else ir


def load_single(single: Single, max_width: int | None = None) -> OutputLevels:
    """Return a photograph (H, W, 3), or an infrared picture (H, W), white-hot, at most ``max_width`` wide.

    Raises:
        MissingFileError: No such file.
        DecodeError: Not a picture, or damaged.
        InputError: The infrared picture is coloured.
    """
    picture = open_side(single.path, single.side, single.layout)
    if single.side == "ir":
        check_gray(picture, single.path)
    return compact(picture, single.side, max_width, single.black_hot)


def find_pictures(data: DataSection, root: Path, cache: PictureCache) -> list[PictureSet]:
    """Find the pictures of every source, without those that validate, and check them.

    Raises:
        MissingFileError: A folder, card or split is missing.
        InputError: A source has no pictures, a pair of two sizes or a coloured infrared picture, or it shares a scene
            or a picture with the validation.
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
        if not found.photographs or not found.infrared:
            raise InputError(
                f"expected pictures in {root / source.path} ({found.where}) that do not validate, got none: add some"
            )
        check_pairs(found.pairs or ())
        if found.pairs is None:
            check_singles(found.infrared)
        sets.append(PictureSet(found.photographs, found.infrared, found.pairs, source.max_width, cache, data.register))
    return sets


def _without(found: Found, validation: Found) -> Found:
    held_out = {single.path for single in (*validation.photographs, *validation.infrared)}
    if found.pairs is not None:
        pairs = [pair for pair in found.pairs if pair.rgb not in held_out]
        photographs, infrared = [pair.alone("rgb") for pair in pairs], [pair.alone("ir") for pair in pairs]
        return replace(found, photographs=photographs, infrared=infrared, pairs=pairs)
    return replace(
        found,
        photographs=[single for single in found.photographs if single.path not in held_out],
        infrared=[single for single in found.infrared if single.path not in held_out],
    )
