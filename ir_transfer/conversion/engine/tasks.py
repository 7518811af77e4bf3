"""Inputs and outputs of a worker: tasks, loaded images, translations, outcomes."""

import errno
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import groupby

from ir_transfer.conversion.engine.budget import Size
from ir_transfer.conversion.manifest import Entry
from ir_transfer.conversion.masks import ImageMasks
from ir_transfer.conversion.pending import PendingResults, Result
from ir_transfer.conversion.plan import Job
from ir_transfer.errors import EncodeError
from ir_transfer.imaging.image_io import DecodedImage

# Errors that also prevent writing later images.
_FATAL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
_NO_SPACE = "stopped: later images could not be written either; resolve this, then continue with --resume"


@dataclass(frozen=True)
class Task:
    """An image with all of its jobs.

    Attributes:
        jobs: Jobs of one source.
        earlier: Manifest lines of these jobs from an earlier run, by output.
    """

    jobs: tuple[Job, ...]
    earlier: Mapping[str, Entry] = field(default_factory=dict)


class Tasks:
    """The tasks of the images of a plan, made when they are asked for, since each holds lines of an earlier run.

    Args:
        jobs: Jobs of a plan; those of rasters are left out.
        earlier: Returns the manifest line of a job from an earlier run, if there is one.
    """

    def __init__(self, jobs: Sequence[Job], earlier: Callable[[Job], Entry | None]) -> None:
        self._jobs, self._earlier = jobs, earlier

    def __len__(self) -> int:
        return sum(1 for _ in self._groups())

    def __iter__(self) -> Iterator[Task]:
        for jobs in self._groups():
            yield Task(jobs, {job.result: entry for job in jobs if (entry := self._earlier(job)) is not None})

    def _groups(self) -> Iterator[tuple[Job, ...]]:
        images = (job for job in self._jobs if job.raster is None)
        return (tuple(group) for _, group in groupby(images, key=lambda job: job.path))


@dataclass(frozen=True)
class Loaded:
    """A job with its decoded image and its manifest line, whose status is failed until the result is written."""

    job: Job
    image: DecodedImage
    entry: Entry
    masks: ImageMasks | None = None

    @property
    def size(self) -> Size:
        """Size of the image."""
        return Size(self.image.height, self.image.width, self.image.levels.dtype.itemsize)

    @property
    def kind(self) -> tuple[tuple[int, int], tuple[int | None, float] | None, str | None]:
        """Key of a batch: size, style and strength; unique for an image with invalid pixels, which has no batch."""
        variant = self.job.variant
        size = self.image.height, self.image.width
        unique = None if self.image.valid is None else str(self.job.output)
        return size, None if variant is None else (variant.style, variant.strength), unique


@dataclass(frozen=True)
class Outcome:
    """Outcome of one job.

    Attributes:
        entry: Line for the manifest; None if the result of an earlier run is still valid.
        stop: Why later jobs would fail too; None to continue.
    """

    entry: Entry | None
    stop: str | None = None


Translated = list[tuple[Loaded, Result | Outcome]]
"""Images with their results, or with the outcomes of those that failed."""


@dataclass(frozen=True)
class Translation:
    """Images of one kind that were sent to the device.

    Attributes:
        parts: Batches with their pending results, or single images with the outcome of their failure.
    """

    parts: Sequence[tuple[Sequence[Loaded], PendingResults | Outcome]]

    def done(self) -> bool:
        """Return whether :meth:`result` returns without waiting."""
        return all(isinstance(made, Outcome) or made.done() for _, made in self.parts)

    def result(self) -> tuple[Translated, float]:
        """Wait for the device; return each image with its result, and the compute time in seconds."""
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
    """Return whether an earlier run converted the same file with the same companions and masks."""
    if earlier is None or earlier.status != "converted":
        return False
    names = ("input_sha256", "companions_sha256", "masks_sha256", "stored_orientation")
    return all(getattr(earlier, name) == getattr(entry, name) for name in names)


def output_hash_of(earlier: Entry | None) -> str | None:
    """Return the SHA-256 hash of the result of an earlier run."""
    return None if earlier is None else earlier.output_sha256


def failed_entry(job: Job) -> Entry:
    """Return the manifest line of a job without a result."""
    variant = None if job.variant is None else asdict(job.variant)
    turn = None if job.turn == 1 else job.turn
    return Entry(job.input, str(job.output), "failed", variant=variant, stored_orientation=turn)


def memory_error(entry: Entry) -> str:
    """Return the error message for an image that does not fit into the memory."""
    size = f"{entry.width} x {entry.height} pixels" if entry.width else "the file"
    return (
        f"{entry.input}: expected enough memory for {size}, got too little: "
        "use --device cpu, --precision bfloat16, fewer --workers, or --model adain or wct2, which support tiles"
    )


def write_failure(entry: Entry, error: EncodeError) -> Outcome:
    """Return the outcome of a failed write; a full or read-only disk stops the run."""
    return Outcome(replace(entry, error=error.line), _NO_SPACE if error.errno in _FATAL else None)
