"""Pictures to train on: found and checked at the start, decoded when drawn, kept while memory lasts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ir_transfer.data.image_io import is_picture_name, read_picture, to_levels
from ir_transfer.data.pairs import Pair, list_pairs, load_pair
from ir_transfer.errors import InputError, MissingFileError
from ir_transfer.training.recipe import DataSection, Source

Picture = NDArray[np.uint8]


class PictureCache:
    """Keeps decoded pictures until the memory it may use is full; the rest is decoded again at every use.

    Nothing is thrown out: every picture is drawn equally often, so one is as good to keep as another.

    Args:
        gib: Memory in GiB.
    """

    def __init__(self, gib: float) -> None:
        self._free = gib * 2**30
        self._kept: dict[Hashable, tuple[Picture, ...]] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, load: Callable[[], tuple[Picture, ...]]) -> tuple[Picture, ...]:
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
    """One source's pictures.

    Attributes:
        photographs: What is translated.
        infrared: Exemplars; if paired, those of the photographs in their order.
        paired: Whether they belong together pixel by pixel.
        max_width: Width to shrink to, or None.
        cache: Where decoded pictures are kept.
    """

    photographs: Sequence[Path]
    infrared: Sequence[Path]
    paired: bool
    max_width: int | None
    cache: PictureCache

    def photograph(self, index: int) -> Picture:
        """Return a photograph (H, W, 3)."""
        return self._pair(index)[0] if self.paired else self._single(self.photographs[index], "RGB")

    def exemplar(self, index: int) -> Picture:
        """Return an infrared picture (H, W); if paired, the truth of the photograph of this index."""
        return self._pair(index)[1] if self.paired else self._single(self.infrared[index], "L")

    def _pair(self, index: int) -> tuple[Picture, ...]:
        pair = Pair(self.photographs[index].stem, self.photographs[index], self.infrared[index])
        return self.cache.get((pair, self.max_width), lambda: load_pair(pair, self.max_width))

    def _single(self, path: Path, mode: str) -> Picture:
        return self.cache.get((path, mode, self.max_width), lambda: (load_single(path, mode, self.max_width),))[0]


def load_single(path: Path, mode: str, max_width: int | None = None) -> Picture:
    """Return a picture as 8-bit ``RGB`` (H, W, 3) or ``L`` (H, W), at most ``max_width`` wide.

    Raises:
        MissingFileError: No such file.
        DecodeError: Not a picture, or damaged.
    """
    read = read_picture(path)
    unit = read.rgb().transpose(1, 2, 0) if mode == "RGB" else read.gray()[0]
    picture = Image.fromarray(np.ascontiguousarray(to_levels(unit)))
    if max_width is not None and picture.width > max_width:
        size = (max_width, round(picture.height * max_width / picture.width))
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    return np.asarray(picture)


def find_pictures(data: DataSection, source: Source, root: Path, cache: PictureCache) -> PictureSet:
    """Find the pictures of a source, without those that validate.

    Raises:
        MissingFileError: A folder is missing.
        InputError: No pictures, or a pair of two sizes.
    """
    held_out = set(validation_photographs(data, root))
    if source.pairing == "paired":
        pairs = [pair for pair in list_pairs(root / source.path) if pair.rgb not in held_out]
        check_sizes(pairs)
        photographs, infrared = [p.rgb for p in pairs], [p.ir for p in pairs]
    else:
        rgb, ir = unpaired_folders(source, root)
        photographs = [path for path in list_pictures(rgb) if path not in held_out]
        infrared = list_pictures(ir)
    if not photographs:
        raise InputError(f"expected pictures in {root / source.path} that do not validate, got none: add some")
    return PictureSet(photographs, infrared, source.pairing == "paired", source.max_width, cache)


def unpaired_folders(source: Source, root: Path) -> tuple[Path, Path]:
    """Return the folders of photographs and of infrared pictures of an unpaired source."""
    if source.infrared is not None:
        return root / source.path, root / source.infrared
    return root / source.path / "rgb", root / source.path / "ir"


def validation_photographs(data: DataSection, root: Path) -> list[Path]:
    """Return the photographs that validate."""
    if data.validation_pairing == "paired":
        found = [pair.rgb for pair in list_pairs(root / data.validation)]
    else:
        found = list_pictures(root / data.validation)
    return found[:: data.validation_every]


def list_pictures(folder: Path) -> list[Path]:
    """Return the pictures of a folder, sorted by name.

    Raises:
        MissingFileError: No such folder.
        InputError: No picture in it.
    """
    if not folder.is_dir():
        raise MissingFileError(f"expected a folder of pictures at {folder}, found none: check --data and the recipe")
    found = sorted(path for path in folder.iterdir() if is_picture_name(path))
    if not found:
        raise InputError(f"expected pictures in {folder}, got none: check the recipe's data section")
    return found


def check_sizes(pairs: Sequence[Pair]) -> None:
    """Refuse pairs of two sizes before the training begins; mostly reads no more than the files' headers.

    Raises:
        InputError: The first such pair, and how many more there are.
        DecodeError: A file is no picture.
    """
    wrong = [pair for pair in pairs if not _headers_agree(pair) and len(set(_upright_sizes(pair))) > 1]
    if wrong:
        first, (rgb, ir) = wrong[0], _upright_sizes(wrong[0])
        others = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise InputError(
            f"expected two pictures of one size in every pair, got {first.rgb} {rgb} and {first.ir} {ir}{others}: "
            "register them, or give the source 'pairing: unpaired'"
        )


def _headers_agree(pair: Pair) -> bool:
    try:
        with Image.open(pair.rgb) as rgb, Image.open(pair.ir) as ir:
            return rgb.size == ir.size
    except OSError:  # Pillow does not know every TIFF that can be read
        return False


def _upright_sizes(pair: Pair) -> list[tuple[int, int]]:
    """Return (width, height) of both as they are read, with the orientation that a camera noted."""
    return [(picture.width, picture.height) for picture in (read_picture(pair.rgb), read_picture(pair.ir))]
