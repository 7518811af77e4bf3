"""A contact sheet of a run: input, exemplar and output side by side."""

from collections.abc import Collection, Sequence
from functools import cache
from itertools import count
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ir_transfer.conversion.controls import PLAIN_RASTER, RasterOptions
from ir_transfer.conversion.inputs import expand
from ir_transfer.conversion.plan import Job, Plan
from ir_transfer.conversion.styles.exemplar import read_exemplar
from ir_transfer.imaging.image_io import MAX_PIXELS, encode_png, files_beside, read_image, write_whole
from ir_transfer.imaging.pixels.kinds import Wanted
from ir_transfer.imaging.raster.gdal import environment, open_raster
from ir_transfer.imaging.raster.read import Raster

ROWS = 12
_CELL_WIDTH, _CELL_HEIGHT, _GAP, _CAPTION = 480, 400, 8, 22
_PAPER, _INK = (24, 24, 24), (230, 230, 230)


_Cell = tuple[str, Image.Image]


def write_preview(
    plan: Plan,
    styles: Sequence[str],
    max_pixels: int = MAX_PIXELS,
    left_out: Collection[str] = (),
    raster: RasterOptions = PLAIN_RASTER,
) -> Path | None:
    """Write a contact sheet of at most 12 results, spread evenly over the plan, into the output folder.

    Args:
        plan: The plan of a finished run.
        styles: Styles as given; exemplar images are shown, other styles have no column.
        max_pixels: Limit of the run.
        left_out: Outputs that the run could not write.
        raster: How the run read the RGB images.

    Returns:
        The file, whose name differs from all results, or None if there are no results.

    Raises:
        EncodeError: The file cannot be written.
        MissingFileError: An RGB image or result was removed since the run.
        DecodeError: An RGB image or result was damaged since the run.
    """
    sheet = draw_preview(plan, styles, max_pixels, left_out, raster)
    if sheet is None:
        return None
    path = plan.out / _free_name({job.output for job in plan.jobs})
    write_whole(path, encode_png(sheet))
    return path


def draw_preview(
    plan: Plan,
    styles: Sequence[str],
    max_pixels: int = MAX_PIXELS,
    left_out: Collection[str] = (),
    raster: RasterOptions = PLAIN_RASTER,
) -> Image.Image | None:
    """Draw the contact sheet that :func:`write_preview` writes."""
    jobs = [job for job in plan.jobs if str(job.output) not in left_out and (plan.out / job.output).is_file()]
    if not jobs:
        return None
    chosen = [jobs[i * len(jobs) // min(ROWS, len(jobs))] for i in range(min(ROWS, len(jobs)))]
    exemplar = cache(lambda style: _exemplar_cell(style, max_pixels) if _is_image(style) else None)
    shown = [(job, _style_of(job, number, styles)) for number, job in enumerate(chosen)]
    rows = [_row(job, plan.out, exemplar(style), max_pixels, raster) for job, style in shown]
    sheet = Image.new("RGB", (max(row.width for row in rows), sum(row.height for row in rows)), _PAPER)
    top = 0
    for row in rows:
        sheet.paste(row, (0, top))
        top += row.height
    return sheet


def _free_name(taken: set[PurePosixPath]) -> str:
    names = ("preview.png" if number == 0 else f"preview-{number}.png" for number in count())
    return next(name for name in names if PurePosixPath(name) not in taken)


def _row(job: Job, out: Path, exemplar: _Cell | None, max_pixels: int, raster: RasterOptions) -> Image.Image:
    cells = [
        (job.source.name, _source(job, max_pixels, raster)),
        (str(job.output), _result(out / job.output, max_pixels)),
    ]
    if exemplar is not None:
        cells.insert(1, exemplar)
    height = max(cell.height for _, cell in cells)
    row = Image.new("RGB", (len(cells) * (_CELL_WIDTH + _GAP) + _GAP, height + _CAPTION + _GAP), _PAPER)
    draw = ImageDraw.Draw(row)
    font = ImageFont.load_default(14)
    for column, (caption, cell) in enumerate(cells):
        left = _GAP + column * (_CELL_WIDTH + _GAP)
        row.paste(cell, (left, _CAPTION))
        draw.text((left, 3), _fit(caption, draw, font), _INK, font)
    return row


def _style_of(job: Job, number: int, styles: Sequence[str]) -> str:
    """Return the style to show beside a result: of a blend, each in turn; an empty name for the plain luma."""
    if job.variant is None:
        return styles[number % len(styles)]
    return "" if job.variant.style is None else styles[job.variant.style]


def _is_image(style: str) -> bool:
    return style != "" and Path(style).suffix != ".safetensors" and Path(style).exists()


def _exemplar_cell(style: str, max_pixels: int) -> _Cell:
    path = Path(style)
    shown = expand([str(path)])[0].source if path.is_dir() else path
    return shown.name, _shrunk(read_exemplar(shown, max_pixels, keep_colour=True))


def _fit(caption: str, draw: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """Shorten a caption from the left, since names differ most at their end."""
    caption = "".join(c if c.isprintable() else "?" for c in caption)  # such as line breaks and invalid UTF-8
    while draw.textlength(caption, font) > _CELL_WIDTH:
        caption = f"...{caption[5:]}"
    return caption


def _source(job: Job, max_pixels: int, raster: RasterOptions) -> Image.Image:
    if job.raster is None:
        wanted = Wanted(job.page, beside=files_beside(job.source))
        return _shrunk(read_image(job.source, max_pixels, raster.levels, wanted).rgb())
    with environment(), Raster(job.raster, raster.bands, raster.levels, raster.nodata, job.page) as opened:
        return _shrunk(opened.overview())


def _result(path: Path, max_pixels: int) -> Image.Image:
    """Read a result with its levels unstretched, georeferenced or not."""
    if path.suffix == ".png":
        return _shrunk(read_image(path, max_pixels).rgb())
    with environment(), open_raster(str(path)) as dataset:
        white = float(np.iinfo(dataset.dtypes[0]).max)
    with environment(), Raster(str(path), levels=(0.0, white)) as opened:
        return _shrunk(opened.overview())


def _shrunk(rgb: NDArray[np.float32]) -> Image.Image:
    image = Image.fromarray((rgb.transpose(1, 2, 0) * 255 + 0.5).astype(np.uint8))
    image.thumbnail((_CELL_WIDTH, _CELL_HEIGHT), Image.Resampling.LANCZOS)
    return image
