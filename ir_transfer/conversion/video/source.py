"""Frames of a clip in order: the protocol of sources, and folders of numbered images."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Protocol

from ir_transfer.errors import InputError, IrTransferError, listed
from ir_transfer.imaging.image_io import DecodedImage, read_bytes, read_image
from ir_transfer.imaging.image_names import ignored_text, is_image_name, is_sidecar_name
from ir_transfer.imaging.pixels.pages import notes_without_options
from ir_transfer.imaging.read_warnings import file_notes, warn_once

_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True)
class Frame:
    """One frame of a clip.

    Attributes:
        name: Name of the frame in errors and in the manifest.
        output: File name of its result.
        time: Time in seconds.
        image: The upright image; None if it cannot be read.
        error: Why it cannot be read.
    """

    name: str
    output: str
    time: float
    image: DecodedImage | None
    error: str | None = None


class Source(Protocol):
    """A source of frames."""

    count: int
    """Expected number of frames; 0 if unknown."""

    notes: list[str]
    """Notes on the input for the user; complete once all frames were read."""

    def hash(self) -> str:
        """Return a hash of the input, by which a resumed run recognises it."""

    def frames(self, skip: int = 0) -> Iterator[Frame]:
        """Yield the frames after the first ``skip`` frames."""


class FrameFolder:
    """A folder of numbered images, in the natural order of their names; ``frame9`` comes before ``frame10``.

    Args:
        folder: The folder; sub-folders are not searched.
        fps: Frames per second; a gap in the numbers is a gap in time.
        max_pixels: Larger images are not decoded.
        levels: Values of the files that become 0 and 1; the full range of their data type if None.

    Raises:
        InputError: No numbered image, or two images whose results would have the same name.
    """

    def __init__(self, folder: Path, fps: float, max_pixels: int, levels: tuple[float, float] | None = None) -> None:
        images = [path for path in folder.iterdir() if is_image_name(path) and path.is_file() and path.name[0] != "."]
        self.paths = sorted((path for path in images if _DIGITS.search(path.stem)), key=_natural)
        if not self.paths:
            raise InputError(
                f"expected numbered images such as frame0001.png in the folder {folder}, found {len(images)} "
                "images and none with a number: number them in order"
            )
        _refuse_same_result(self.paths)
        self.fps = fps
        self.max_pixels = max_pixels
        self.levels = levels
        self.count = len(self.paths)
        others = sorted(path.name for path in images if path not in set(self.paths))
        rest = Counter(path.suffix.lower() for path in folder.iterdir() if _is_ignored(path))
        ignored = [ignored_text(rest)] if rest else []
        self.notes = [*ignored, *([f"ignored (no number): {listed(others, 8)}"] if others else []), *_gaps(self.paths)]

    def hash(self) -> str:
        """Return a hash of the names and contents of the images."""
        whole = hashlib.sha256()
        for path in self.paths:
            whole.update(path.name.encode(errors="surrogateescape") + b"\0")
            whole.update(hashlib.sha256(read_bytes(path, self.max_pixels)).digest())
        return whole.hexdigest()[:16]

    def frames(self, skip: int = 0) -> Iterator[Frame]:
        """Yield the frames after the first ``skip`` ones."""
        first = _number(self.paths[0])
        for index, path in enumerate(self.paths[skip:], start=skip):
            # Numbers may restart with another prefix; time never runs backwards.
            time = max(_number(path) - first, index) / self.fps
            output = f"{path.stem}.png"
            yield self._frame(path, output, time)

    def _frame(self, path: Path, output: str, time: float) -> Frame:
        try:
            image = read_image(path, self.max_pixels, self.levels)
        except IrTransferError as error:
            return Frame(str(path), output, time, None, error.line)
        notes = notes_without_options(file_notes(image, path, stretched=self.levels is not None))
        if image.alpha is not None:
            notes.append("the result has no transparency")
        if image.reading.kept_exif:
            notes.append("the place and time in its EXIF are not kept")
        image.reading.notes[:] = notes
        warn_once(notes, path)
        return Frame(str(path), output, time, image)


def _is_ignored(path: Path) -> bool:
    hidden = path.name.startswith(".")
    return path.is_file() and not (hidden or is_image_name(path) or is_sidecar_name(path.name))


def _natural(path: Path) -> tuple[tuple[str, int], ...]:
    """Return a key for natural sorting: alternating text and numbers."""
    parts = _DIGITS.split(path.name)
    return tuple((parts[i], int(parts[i + 1]) if i + 1 < len(parts) else -1) for i in range(0, len(parts), 2))


def _number(path: Path) -> int:
    return int(_DIGITS.findall(path.stem)[-1])


def _prefix(path: Path) -> str:
    return path.stem[: path.stem.rindex(_DIGITS.findall(path.stem)[-1])]


def _gaps(paths: Sequence[Path]) -> list[str]:
    missing = []
    for before, after in pairwise(paths):
        low, high = _number(before) + 1, _number(after) - 1
        if _prefix(before) == _prefix(after) and low <= high:
            missing.append(str(low) if low == high else f"{low}-{high}")
    return [f"missing frame numbers: {listed(missing, 8)}"] if missing else []


def _refuse_same_result(paths: Sequence[Path]) -> None:
    taken: dict[str, Path] = {}
    for path in paths:
        first = taken.setdefault(path.stem, path)
        if first is not path:
            raise InputError(f"expected one frame called {path.stem}, got {first.name} and {path.name}: rename one")
