"""What a page shows of conversions: thumbnails in rows and columns, one pair at full size, files to download."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ir_transfer.app.displays import before_and_after, photograph_image, result_image, thumbnail
from ir_transfer.app.session import Workplace
from ir_transfer.app.work import Conversion, Result
from ir_transfer.errors import IrTransferError

_LARGEST_OVERVIEW = 200
_EMPTY = (160, 120)


@dataclass(frozen=True)
class Cell:
    """A cell of the overview.

    Attributes:
        photograph: What it belongs to.
        conversion: What it was made by; None of an RGB image at the start of a row.
        result: Its result; None of a RGB image.
    """

    photograph: Path
    conversion: Conversion | None = None
    result: Result | None = None

    @property
    def caption(self) -> str:
        """What stands below it."""
        if self.result is None:
            return self.photograph.name
        style = self.result.style.replace("preset:", "")
        return f"{self.photograph.name}: {style if self.result.output is not None else 'failed'}"

    def image(self) -> Image.Image:
        """Return its thumbnail; a dark one of what failed."""
        try:
            if self.result is None:
                return thumbnail(photograph_image(self.photograph))
            if self.result.output is not None:
                return thumbnail(result_image(self.result.output))
        except IrTransferError:  # an RGB image that cannot be read is reported with its result
            return Image.new("L", _EMPTY, 40)
        return Image.new("L", _EMPTY, 40)


@dataclass(frozen=True)
class Shown:
    """What a visitor's page shows at present.

    Attributes:
        conversions: One, or one for each column of the matrix.
        place: Where the inputs are stored.
        folder: For copies that only the browser needs.
        matrix: Whether RGB images are rows and styles are columns.
        selected: Index of the cell that was clicked; None before a click.
    """

    conversions: tuple[Conversion, ...]
    place: Workplace
    folder: Path
    matrix: bool
    selected: int | None = None

    @property
    def cells(self) -> list[Cell]:
        """Cells of the overview, row by row, for at most so many that a browser shows them at once."""
        return list(self._cells())[: _LARGEST_OVERVIEW // self.columns * self.columns]

    def _cells(self) -> Iterator[Cell]:
        for number, first in enumerate(self.conversions[0].results):
            if self.matrix:
                yield Cell(first.photograph)
            for conversion in self.conversions:
                yield Cell(first.photograph, conversion, conversion.results[number])

    @property
    def columns(self) -> int:
        """Columns of the overview."""
        return 1 + len(self.conversions) if self.matrix else min(4, len(self.conversions[0].results))

    @property
    def at_full_size(self) -> int | None:
        """Index of the cell in the slider: the clicked one where it has a result, else the first that has one."""
        cells = self.cells
        if self.selected is not None and (chosen := cells[self.selected].result) and chosen.output is not None:
            return self.selected
        return next((i for i, c in enumerate(cells) if c.result is not None and c.result.output is not None), None)

    @property
    def errors(self) -> list[str]:
        """Why RGB images could not be converted."""
        return [r.error for c in self.conversions for r in c.results if r.error is not None]

    def pair(self, index: int) -> tuple[str, str] | None:
        """Return full-size copies of the RGB image and the result of a cell; None of a cell without a result."""
        cell = self.cells[index]
        if cell.conversion is None or cell.result is None or cell.result.output is None:
            return None
        return before_and_after(cell.photograph, cell.result.output, self.folder / cell.conversion.request.out)

    def downloads(self) -> list[str]:
        """Return the files to download: one result, or an archive of several with their manifests."""
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
