"""Limits the total memory of images that are being read, translated and written."""

import math
from dataclasses import dataclass
from pathlib import Path

import psutil

from ir_transfer.conversion.controls import MEMORY, SizeOptions
from ir_transfer.conversion.exported.translator import AnyTranslator
from ir_transfer.conversion.tiles.memory import can_tile, device_bytes, process_bytes, refuse_untiled, tile_for
from ir_transfer.errors import DecodeError, InputError
from ir_transfer.imaging.header import read_header
from ir_transfer.imaging.remote import is_remote
from ir_transfer.models.capabilities import Tiles

_READING = 18
"""Bytes per pixel and byte of a level while a file is decoded; 17.2 were measured for images with alpha."""
_LEVELS = 3
"""Bytes per pixel and byte of a level of a decoded image."""
_RESULT = 8
"""Bytes per pixel of a result: intensity, levels and file."""
_MASK = 8
"""Bytes per pixel of a mask."""
_STEPS = 32
"""Additional bytes per pixel of a simulated camera or of shifts of apparent intensity."""


@dataclass(frozen=True)
class Size:
    """Size of an image file by its header.

    Attributes:
        height: Rows.
        width: Columns.
        itemsize: Bytes of a level.
        file: Bytes of the file; 0 for a remote file.
    """

    height: int
    width: int
    itemsize: int = 1
    file: int = 0

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return self.height * self.width


def size_of(path: Path, page: int | None = None) -> Size | None:
    """Return the size of an image file; None if its header is unreadable, since decoding then fails without memory.

    Args:
        path: The file.
        page: Page of a file with several images, counted from 1; the first full-size page if None.
    """
    try:
        header = read_header(path, page)
        return Size(*header.upright, header.itemsize, 0 if is_remote(path) else path.stat().st_size)
    except (DecodeError, OSError):  # reported when the image is read
        return None


@dataclass(frozen=True)
class Budget:
    """The memory limit of a process, shared by the images in flight and the device.

    Attributes:
        asked: Values of ``--memory`` and ``--tile-size``.
        translator: Translator of the run.
        masks: Number of masks of each image.
        steps: Whether a camera or shifts of apparent intensity are applied after the translation.
    """

    asked: SizeOptions
    translator: AnyTranslator
    masks: int = 0
    steps: bool = False

    @property
    def memory(self) -> int | None:
        """Memory limit of the process in bytes; None on a GPU without ``--memory``, whose memory is separate."""
        return self.asked.memory or (MEMORY if self.translator.device.type == "cpu" else None)

    @property
    def shared(self) -> float:
        """Bytes for images and device together, without those of the process.

        With a GPU, half of the free memory of the machine, for the images alone.
        """
        return psutil.virtual_memory().available / 2 if self.memory is None else self.memory - process_bytes()

    def reading(self, size: Size) -> int:
        """Return the peak memory in bytes of an image while it is read."""
        return size.file + size.pixels * _READING * size.itemsize

    def held(self, size: Size, results: int = 1) -> int:
        """Return the peak memory in bytes of a decoded image, until all its results are written."""
        cells = max(1, sum(map(len, self.translator.grid)))
        besides = _RESULT * cells * results + _MASK * self.masks + (_STEPS if self.steps else 0)
        return size.pixels * (_LEVELS * size.itemsize + besides)

    def device(self, size: Size) -> int:
        """Return the memory in bytes that translating an image takes; 0 if unknown."""
        if self.memory is None or not isinstance(self.translator.model, Tiles):
            return 0
        try:
            side = self.tile(self.translator, size) or max(size.height, size.width)
        except InputError:  # reported when the image is translated
            return 0
        return device_bytes(self.translator.model, min(side, size.height), min(side, size.width))

    def tile(self, translator: AnyTranslator, size: Size) -> int | None:
        """Return the side of the tiles for an image; None if it is translated as a whole.

        Raises:
            InputError: It exceeds ``--memory``, and model or controls do not support tiles.
        """
        if self.asked.tile is not None and max(size.height, size.width) > self.asked.tile:
            return self.asked.tile
        if self.memory is None or not isinstance(translator.model, Tiles):
            return None
        left = self.memory - self.held(size)
        if process_bytes() + device_bytes(translator.model, size.height, size.width) <= left:
            return None
        if not can_tile(translator):
            if self.asked.memory is not None:
                refuse_untiled(translator)
            return None
        return tile_for(translator.model, left)

    def refuse(self, size: Size, name: str) -> None:
        """Raise :class:`InputError` if reading an image exceeds a given ``--memory``."""
        if self.asked.memory is not None and self.reading(size) > self.shared:
            least = math.ceil((process_bytes() + self.reading(size)) / 10**6)
            raise InputError(
                f"{name}: expected --memory of at least {least} MB to read {size.width} x {size.height} pixels, got "
                f"{self.asked.memory / 10**6:.0f} MB: raise it"
            )


@dataclass
class Token:
    """An image in flight.

    Attributes:
        size: Size of the image; None if unknown, in which case its memory is not counted.
        bytes: Its current memory.
        device: Memory that translating it takes.
        left: Number of its results that are not recorded yet; None while it is read.
    """

    size: Size | None
    bytes: int = 0
    device: int = 0
    left: int | None = None


class InFlight:
    """The images that are being read, translated or written, and their total memory.

    Attributes:
        budget: Memory limit of the process.
        most: Peak of the total in bytes.
    """

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self._shared = budget.shared
        self._tokens: dict[int, Token] = {}
        self.most = 0

    def __len__(self) -> int:
        return len(self._tokens)

    @property
    def free(self) -> float:
        """Bytes not used by any image."""
        return self._shared - sum(token.bytes for token in self._tokens.values())

    def fits(self, size: Size | None) -> bool:
        """Return whether one more image may be read now; a single image always may."""
        if not self._tokens or size is None:
            return True
        device = max(self.budget.device(size), *(token.device for token in self._tokens.values()))
        return self.budget.reading(size) + device <= self.free

    def begin(self, size: Size | None) -> Token:
        """Count an image whose reading starts."""
        token = Token(size)
        if size is not None:
            token.bytes, token.device = self.budget.reading(size), self.budget.device(size)
        self._tokens[id(token)] = token
        self._note()
        return token

    def was_read(self, token: Token, results: int) -> None:
        """Count the memory of a decoded image until its results are recorded; an image without results is removed."""
        token.left = results
        if not results:
            del self._tokens[id(token)]
        elif token.size is not None:
            token.bytes = self.budget.held(token.size, results)
            self._note()

    def end(self, token: Token) -> None:
        """Count one result as recorded; the image is removed with its last result."""
        token.left = (token.left or 0) - 1
        if token.left <= 0:
            self._tokens.pop(id(token), None)

    def _note(self) -> None:
        self.most = max(self.most, sum(token.bytes for token in self._tokens.values()))
