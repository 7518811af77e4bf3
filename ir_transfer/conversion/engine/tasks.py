"""What a worker is given and what it returns: tasks, loaded images, translations, outcomes."""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from ir_transfer.conversion.engine.budget import Size
from ir_transfer.conversion.manifest import Entry
from ir_transfer.conversion.masks import ImageMasks
from ir_transfer.conversion.pending import PendingResults, Result
from ir_transfer.conversion.plan import Job
from ir_transfer.errors import EncodeError
from ir_transfer.imaging.image_io import DecodedImage

# After these no later image can be written either.
_FATAL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
_NO_SPACE = "stopped: no later image could be written either; fix that, then go on with --resume"


@dataclass(frozen=True)
class Task:
    """An image with all that is made of it.

    Attributes:
        jobs: Of one source.
        earlier: What an earlier run made of these jobs, by output.
    """

    jobs: tuple[Job, ...]
    earlier: Mapping[str, Entry] = field(default_factory=dict)


@dataclass(frozen=True)
class Loaded:
    """A job with its decoded image, and its line of the manifest as long as nothing came of it."""

    job: Job
    image: DecodedImage
    entry: Entry
    masks: ImageMasks | None = None

    @property
    def size(self) -> Size:
        """Of the image."""
        return Size(self.image.height, self.image.width, self.image.levels.dtype.itemsize)

    @property
    def kind(self) -> tuple[tuple[int, int], tuple[int | None, float] | None, str | None]:
        """What images of one batch have in common: size, style and strength; one with invalid pixels goes alone."""
        variant = self.job.variant
        size = self.image.height, self.image.width
        alone = None if self.image.valid is None else str(self.job.output)
        return size, None if variant is None else (variant.style, variant.strength), alone


@dataclass(frozen=True)
class Outcome:
    """What became of one job.

    Attributes:
        entry: For the manifest; None if an earlier run made it and nothing changed since.
        stop: Why no later job can be done either.
    """

    entry: Entry | None
    stop: str | None = None


Translated = list[tuple[Loaded, Result | Outcome]]
"""Images with what became of them."""


@dataclass(frozen=True)
class Translation:
    """Images of one kind that are with the device, or were.

    Attributes:
        parts: Images with what the device makes of them, or with why one cannot be translated.
    """

    parts: Sequence[tuple[Sequence[Loaded], PendingResults | Outcome]]

    def done(self) -> bool:
        """Return whether :meth:`result` returns at once."""
        return all(isinstance(made, Outcome) or made.done() for _, made in self.parts)

    def result(self) -> tuple[Translated, float]:
        """Wait for the device; return each image with its result, and the seconds that the device computed."""
        found: Translated = []
        seconds = 0.0
        for items, made in self.parts:
            if isinstance(made, Outcome):
                found += [(item, made) for item in items]
            else:
                found += list(zip(items, made.results(), strict=True))
                seconds += made.seconds()
        return found, seconds


def is_unchanged(entry: Entry, earlier: Entry | None) -> bool:
    """Return whether an earlier run made a result of the same file, companions and masks."""
    if earlier is None or earlier.status != "converted":
        return False
    names = ("input_sha256", "companions_sha256", "masks_sha256", "stored_orientation")
    return all(getattr(earlier, name) == getattr(entry, name) for name in names)


def output_hash_of(earlier: Entry | None) -> str | None:
    """Return the SHA-256 of the result that an earlier run wrote."""
    return None if earlier is None else earlier.output_sha256


def failed_entry(job: Job) -> Entry:
    """Return the manifest's line of a job without a result."""
    variant = None if job.variant is None else asdict(job.variant)
    turn = None if job.turn == 1 else job.turn
    return Entry(job.input, str(job.output), "failed", variant=variant, stored_orientation=turn)


def memory_error(entry: Entry) -> str:
    """Return the message for an image that the memory does not hold."""
    size = f"{entry.width} x {entry.height} pixels" if entry.width else "the file"
    return (
        f"{entry.input}: expected enough memory for {size}, got too little: "
        "use --device cpu, --precision bfloat16, fewer --workers, or --model adain or wct2, which work by tiles"
    )


def write_failure(entry: Entry, error: EncodeError) -> Outcome:
    """Return the outcome of a result that could not be written; a full or read-only disk stops the run."""
    return Outcome(replace(entry, error=error.line), _NO_SPACE if error.errno in _FATAL else None)
