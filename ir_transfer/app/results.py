"""The view of conversions: thumbnails, one pair of images at full size (as JPEG), and files to download."""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ir_transfer.app.session import Workspace
from ir_transfer.app.work import Conversion, Result
from ir_transfer.errors import IrTransferError
from ir_transfer.imaging.image_io import read_image, write_whole

THUMBNAIL = 320
"""Longer side of a thumbnail in pixels."""

_JPEG_QUALITY = 90


def rgb_image(path: Path) -> Image.Image:
    """Return an RGB image in upright orientation and 8 bits, decoded as for a conversion.

    Raises:
        DecodeError: It cannot be read.
    """
    return Image.fromarray(_eight_bits(read_image(path).rgb()))


def result_image(path: Path) -> Image.Image:
    """Return a result, gray in 8 bits."""
    return Image.fromarray(_eight_bits(read_image(path).gray())[..., 0])


def thumbnail(image: Image.Image) -> Image.Image:
    """Return the image reduced to at most :data:`THUMBNAIL` pixels a side."""
    small = image.copy()
    small.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
    return small


def before_and_after(rgb: Path, output: Path, folder: Path) -> tuple[str, str]:
    """Write full-size JPEG copies of an RGB image and its result for display, and return their paths.

    Raises:
        DecodeError: One of them cannot be read.
    """
    pair = folder / f"{output.name}-before.jpg", folder / f"{output.name}-after.jpg"
    for path, image in zip(pair, (rgb_image(rgb), result_image(output)), strict=True):
        file = io.BytesIO()
        image.save(file, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
        write_whole(path, file.getvalue())
    return str(pair[0]), str(pair[1])


def _eight_bits(unit: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return intensities (C, H, W) in [0, 1] as levels (H, W, C)."""
    levels: NDArray[np.uint8] = (np.clip(unit, 0, 1) * 255 + 0.5).astype(np.uint8).transpose(1, 2, 0)
    return levels


_LARGEST_OVERVIEW = 200
_EMPTY = (160, 120)


@dataclass(frozen=True)
class Cell:
    """A cell of the overview.

    Attributes:
        rgb: The RGB image.
        conversion: The conversion of the result; None if the cell shows the RGB image.
        result: The result; None if the cell shows the RGB image.
    """

    rgb: Path
    conversion: Conversion | None = None
    result: Result | None = None

    @property
    def caption(self) -> str:
        """Text below the thumbnail."""
        if self.result is None:
            return self.rgb.name
        style = self.result.style.replace("preset:", "")
        return f"{self.rgb.name}: {style if self.result.output is not None else 'failed'}"

    def image(self) -> Image.Image:
        """Return the thumbnail, uniformly dark for an image that could not be read or converted."""
        try:
            if self.result is None:
                return thumbnail(rgb_image(self.rgb))
            if self.result.output is not None:
                return thumbnail(result_image(self.result.output))
        except IrTransferError:  # an RGB image that cannot be read is reported with its result
            return Image.new("L", _EMPTY, 40)
        return Image.new("L", _EMPTY, 40)


@dataclass(frozen=True)
class View:
    """The conversions that a page displays.

    Attributes:
        conversions: One, or one for each column of the matrix.
        place: Contains the inputs.
        folder: Receives copies for the browser.
        matrix: Whether to show a matrix with RGB images as rows and styles as columns.
        selected: Index of the clicked cell; None before the first click.
    """

    conversions: tuple[Conversion, ...]
    place: Workspace
    folder: Path
    matrix: bool
    selected: int | None = None

    @property
    def cells(self) -> list[Cell]:
        """Cells of the overview, row by row, limited to a number that a browser can display at once."""
        return list(self._cells())[: _LARGEST_OVERVIEW // self.columns * self.columns]

    def _cells(self) -> Iterator[Cell]:
        for number, first in enumerate(self.conversions[0].results):
            if self.matrix:
                yield Cell(first.rgb)
            for conversion in self.conversions:
                yield Cell(first.rgb, conversion, conversion.results[number])

    @property
    def columns(self) -> int:
        """Columns of the overview."""
        return 1 + len(self.conversions) if self.matrix else min(4, len(self.conversions[0].results))

    @property
    def at_full_size(self) -> int | None:
        """Index of the cell in the slider: the clicked one if it has a result, else the first with one."""
        cells = self.cells
        if self.selected is not None and (chosen := cells[self.selected].result) and chosen.output is not None:
            return self.selected
        return next((i for i, c in enumerate(cells) if c.result is not None and c.result.output is not None), None)

    @property
    def errors(self) -> list[str]:
        """Error messages of RGB images that could not be converted, without repetitions."""
        return list(dict.fromkeys(r.error for c in self.conversions for r in c.results if r.error is not None))

    def pair(self, index: int) -> tuple[str, str] | None:
        """Return paths of full-size copies of RGB image and result of a cell; None for a cell without a result."""
        cell = self.cells[index]
        if cell.conversion is None or cell.result is None or cell.result.output is None:
            return None
        return before_and_after(cell.rgb, cell.result.output, self.folder / cell.conversion.request.out)

    def downloads(self) -> list[str]:
        """Return the files to download: a single result, or a ZIP archive of several with their manifests."""
        files = [result.output for c in self.conversions for result in c.results if result.output is not None]
        if len(files) < 2:
            return [str(file) for file in files]
        path = self.folder / "infrared.zip"
        path.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as target:  # images are compressed already
            for conversion in self.conversions:
                for file in sorted(filter(Path.is_file, conversion.out.rglob("*"))):
                    target.write(file, Path(conversion.request.out) / file.relative_to(conversion.out))
        return [str(path)]
