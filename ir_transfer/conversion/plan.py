"""The plan of a run: inputs with their outputs, and inputs that are refused, without reading any image."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from ir_transfer.conversion.controls import PLAIN_RASTER, RasterOptions
from ir_transfer.conversion.inputs import MANIFEST_NAME, Found, check_out, default_out, expand
from ir_transfer.conversion.manifest import Entry, Manifest
from ir_transfer.errors import InputError
from ir_transfer.imaging.header import count_images
from ir_transfer.imaging.image_io import MAX_PIXELS, OUTPUT_SUFFIX, Format
from ir_transfer.imaging.image_names import is_image_name, split_name
from ir_transfer.imaging.raster.kind import is_raster


@dataclass(frozen=True, slots=True)
class Variant:
    """Style and strength of one of several results of an image.

    Attributes:
        number: Number among the results of the image, counted from 0.
        style: Index of a style of the run; None for the plain luma.
        strength: 0 keeps the appearance of the RGB image, 1 applies the style in full.
        inverted: Whether the polarity of the result is inverted.
    """

    number: int
    style: int | None
    strength: float = 1.0
    inverted: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """One image to convert.

    Paths are strings, since path objects of 200,000 files would take 100 MB more.

    Attributes:
        path: Path of the RGB image.
        result: Path of its translation below OUT, with ``/`` between folders.
        variant: Style and strength, if results of the run differ in these.
        raster: GDAL path of the source if it is read in windows.
        name: Name of the source in the manifest, if not its path.
        turn: EXIF orientation that is not applied to the result, since its labels are in the frame of the stored
            pixels; 1 for an upright result.
        page: Page of a file with several images, counted from 1; the first full-size page if None.
    """

    path: str
    result: str
    variant: Variant | None = None
    raster: str | None = None
    name: str | None = None
    turn: int = 1
    page: int | None = None

    @property
    def source(self) -> Path:
        """Path of the RGB image."""
        return Path(self.path)

    @property
    def output(self) -> PurePosixPath:
        """Path of its translation below OUT."""
        return PurePosixPath(self.result)

    @property
    def input(self) -> str:
        """Name of the source in the manifest."""
        return self.path if self.name is None else self.name

    @property
    def place(self) -> PurePosixPath:
        """Path of its masks in a mask folder: sub-folder of the result and name of the RGB image, without suffix."""
        return self.output.with_name(self.source.stem)


@dataclass(frozen=True)
class Plan:
    """The jobs of a run.

    Attributes:
        out: Folder of the results.
        jobs: Images to convert, in the order of the inputs.
        refused: Manifest lines of inputs that are refused without reading them.
        ignored: Number of files in the folders that are not images, by suffix.
    """

    out: Path
    jobs: tuple[Job, ...]
    refused: tuple[Entry, ...]
    ignored: Mapping[str, int] = field(default_factory=dict)

    @property
    def order(self) -> list[str]:
        """Keys of the manifest lines, in the order of the plan."""
        return [*(job.result for job in self.jobs), *(entry.key for entry in self.refused)]

    def existing(self) -> list[str]:
        """Return the outputs that exist; folders that do not exist are tested only once."""
        folders: dict[str, str | None] = {}
        found = []
        for job in self.jobs:
            below, _, name = job.result.rpartition("/")
            if below not in folders:
                folder = self.out / below
                folders[below] = f"{folder}{os.sep}" if folder.is_dir() else None
            start = folders[below]
            if start is not None and os.path.exists(start + name):  # noqa: PTH110  # of many files, without objects
                found.append(job.result)
        return found


def make_plan(
    inputs: Sequence[str],
    out: str | Path | None = None,
    format: Format = "png",  # noqa: A002
    ending: str = "",
    max_pixels: int = MAX_PIXELS,
    raster: RasterOptions = PLAIN_RASTER,
) -> Plan:
    """Expand the inputs and assign an output to each.

    Args:
        inputs: See :func:`ir_transfer.conversion.inputs.expand`.
        out: Folder of the results; ``<input>_ir`` if None.
        format: File format of the results.
        ending: Suffix of the name of every result, before its extension.
        max_pixels: Larger TIFFs are read as rasters.
        raster: Raster options, some of which make all TIFFs rasters.

    Raises:
        MissingFileError: An input does not exist.
        InputError: Nothing to convert, or results would replace their own RGB images or lie in an archive.
    """
    folder = Path(out) if out is not None else default_out(inputs)
    check_out(folder)
    if out is not None and is_image_name(folder) and not folder.is_dir():
        raise InputError(f"expected -o to name a folder, got {folder}: results keep their names in it")
    if any(os.path.realpath(text) == os.path.realpath(folder) for text in inputs):
        raise InputError(f"expected -o outside the input, got {folder} itself: results would replace RGB images there")
    ignored: Counter[str] = Counter()
    found = expand(inputs, folder, ignored)
    if not found:
        raise InputError("expected at least one image to convert, found none: pass files, folders or globs")
    jobs, refused = _assign(found, ending, OUTPUT_SUFFIX[format], max_pixels, raster)
    plan = Plan(folder, tuple(jobs), tuple(refused), ignored)
    _refuse_own_input(plan)
    return plan


def _assign(
    found: list[Found], ending: str, suffix: str, max_pixels: int, asked: RasterOptions
) -> tuple[list[Job], list[Entry]]:
    """Return the jobs and the refused inputs of the found files; the list is emptied, which saves memory."""
    taken: dict[str, str] = {}
    jobs, refused = [], []
    found.reverse()
    while found:
        item = found.pop()
        path = item.virtual or item.path
        raster = path if is_raster(path, max_pixels, by_windows=asked.needs_windows, page=asked.page) else None
        kind = suffix if raster is None else OUTPUT_SUFFIX["tiff"]
        folder, slash, name = item.below.rpartition("/")
        output = f"{folder}{slash}{split_name(name)[0]}{ending}{kind}"
        output = item.below if output == item.below else output  # shares the string, to save memory
        first = taken.setdefault(output, item.path)
        if first is item.path:
            jobs += _pages(Job(item.path, output, raster=raster), path, asked)
        elif os.path.realpath(first) != os.path.realpath(item.path):
            error = (
                f"{item.path}: expected a unique output name, got {output}, which is also that of "
                f"{first}: rename one, or convert them into two folders"
            )
            refused.append(Entry(item.path, None, "failed", error=error))
    return jobs, refused


def _pages(job: Job, path: str, asked: RasterOptions) -> list[Job]:
    """Return a job for each selected page of a file."""
    if asked.page is None:
        return [job]
    if asked.page != "all":
        return [replace(job, page=asked.page)]
    count = count_images(path)
    if count == 1:
        return [job]
    output = job.output
    named = [output.with_name(f"{output.stem}_page{page}{output.suffix}") for page in range(1, count + 1)]
    return [replace(job, result=str(name), page=page) for page, name in enumerate(named, start=1)]


def _refuse_own_input(plan: Plan) -> None:
    existing = plan.existing()
    if not existing:
        return
    real = _RealPaths()
    sources = {real(path) for path in [*(job.path for job in plan.jobs), *(entry.input for entry in plan.refused)]}
    for result in existing:
        if real(str(plan.out / result)) in sources:
            raise InputError(
                f"expected -o outside the input, got {plan.out}: {result} would replace an RGB image there"
            )


class _RealPaths:
    """Resolves the real paths of many files, each folder once."""

    def __init__(self) -> None:
        self._folders: dict[str, str] = {}

    def __call__(self, path: str) -> str:
        folder, name = os.path.split(path)
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder).rstrip(os.sep)
        real = f"{self._folders[folder]}{os.sep}{name}"
        return os.path.realpath(real) if os.path.islink(real) else real  # noqa: PTH114  # of many files


def refuse_existing(plan: Plan, *, resume: bool, overwrite: bool) -> None:
    """Raise :class:`InputError` if the run would replace results without ``overwrite``."""
    if overwrite:
        return
    existing = plan.existing()
    has_results = Manifest.holds_results(plan.out)
    if resume and existing and not has_results:
        raise InputError(
            f"expected {plan.out / MANIFEST_NAME} to resume from, found {existing[0]} without a manifest: "
            "use --overwrite to regenerate them, or another -o"
        )
    if not resume and (existing or has_results):
        what = f"{len(existing)} of these results (first: {existing[0]})" if existing else "results of an earlier run"
        raise InputError(
            f"expected a fresh folder, got {plan.out} with {what}: use --resume to continue, --overwrite, or another -o"
        )
