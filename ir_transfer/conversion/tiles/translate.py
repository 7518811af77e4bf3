"""Translates an image tile by tile so that the result equals the one of the whole image."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from ir_transfer.conversion.batches import read_ahead
from ir_transfer.conversion.options import Observer
from ir_transfer.conversion.tiles.ends import Pixels, Sink, Source, Valid
from ir_transfer.conversion.tiles.memory import is_out_of_memory, return_freed
from ir_transfer.conversion.tiles.rules import refuse_untiled
from ir_transfer.conversion.tiles.saved import SavedSum
from ir_transfer.conversion.tiles.windows import Window, aligned_tile, surroundings, windows
from ir_transfer.conversion.translate import Translator
from ir_transfer.errors import InputError
from ir_transfer.models.capabilities import tile_statistics_of, tiles_of
from ir_transfer.models.thermal import Survey, ThermalModel, overview_of
from ir_transfer.nn.moments import Statistics
from ir_transfer.nn.thermal.windows import Window as ImageWindow
from ir_transfer.nn.tiling import Inside

Result = TypeVar("Result")

_READ_AHEAD = 2


@dataclass(frozen=True)
class TileCounts:
    """What was done.

    Attributes:
        windows: Tiles of the image.
        made: Of these, translated now; the sink had the others.
    """

    windows: int
    made: int


@dataclass(frozen=True)
class _Tile:
    part: Window
    seen: Window
    pixels: Pixels
    valid: Valid | None

    @property
    def part_valid(self) -> Valid | None:
        if self.valid is None:
            return None
        top, left, bottom, right = self.part.inside(self.seen)
        return self.valid[top:bottom, left:right]

    @property
    def empty(self) -> bool:
        return self.part_valid is not None and not self.part_valid.any()

    def smaller(self, part: Window, seen: Window) -> _Tile:
        top, left, bottom, right = seen.inside(self.seen)
        valid = None if self.valid is None else self.valid[top:bottom, left:right]
        return _Tile(part, seen, self.pixels[:, top:bottom, left:right], valid)


def translate_tiled(
    translator: Translator,
    source: Source,
    sink: Sink,
    *,
    tile: int,
    saved: SavedSum | None = None,
    observer: Observer | None = None,
) -> TileCounts:
    """Translate an image of any size by tiles: its statistics first, where the model has some, then its pixels.

    The result is that of the whole image: bit by bit the same mathematics, so float rounding apart. Pixels that are
    not valid count in no statistics. A tile that does not fit the memory is made in halves.

    Args:
        translator: Model and style, without masks, grid or kept tone: those need the whole image.
        source: The image.
        sink: Takes the result, row by row of tiles.
        tile: Side of the tiles, at least 64; rounded down to the model's multiple. See
            :func:`~ir_transfer.conversion.tiles.memory.tile_for`.
        saved: Where to keep the statistics for a resumed run.
        observer: Notified of every tile of every pass.

    Raises:
        InputError: A model or controls that do not tile, an image smaller than 16 pixels or without a valid pixel,
            or too little memory for even a small tile.
        EncodeError: The sink could not take a tile.
        DecodeError: The source could not be read.
    """
    return _Tiles(translator, source, sink, tile, observer).all(saved)


class _Tiles:
    def __init__(
        self, translator: Translator, source: Source, sink: Sink, tile: int, observer: Observer | None
    ) -> None:
        refuse_untiled(translator)
        self.translator = translator
        self.source = source
        self.sink = sink
        self.observer = observer
        self.needs = tiles_of(translator.model).tile_needs
        self.factor = 1
        if isinstance(translator.model, ThermalModel):
            self.factor = translator.model.overview_factor(source.height, source.width)
            self.needs = replace(self.needs, multiple=self.needs.multiple * self.factor)
        self.parts = list(windows(source.height, source.width, aligned_tile(tile, self.needs)))
        self.across = sum(part.y0 == 0 for part in self.parts)
        self.most_pixels: int | None = None  # of what a tile sees, once the memory has been too small

    def all(self, saved: SavedSum | None) -> TileCounts:
        to_make = [part for part in self.parts if not self.sink.has(part.y0, part.x0, part.y1, part.x1)]
        if isinstance(self.translator.model, ThermalModel):
            return self._surveyed(to_make)
        tiling, model = self.translator.model.info.tiling, self.translator.model
        passes = tile_statistics_of(model).statistics_passes if tiling in {"exact", "passes"} else 0
        if self.observer is not None:
            self.observer.start(len(self.parts) * (passes + 1))
        with ThreadPoolExecutor(1) as reader:
            known: list[Statistics] = []
            for number in range(passes):
                if not to_make:
                    self._advance(len(self.parts))
                    continue
                known.append(self._pass(reader, known, None if saved is None else saved.of_pass(number)))
            places = {place: moments for one in known for place, moments in one.places.items()}
            statistics = Statistics(places) if known else None
            self._advance(len(self.parts) - len(to_make))
            for tile in self._read(reader, to_make, self.needs.output):
                self._make(tile, partial(self._translated, statistics))
                self._advance(1)
        return TileCounts(len(self.parts), len(to_make))

    def _surveyed(self, to_make: list[Window]) -> TileCounts:
        """Look at the whole image reduced, then translate each tile by itself."""
        if self.observer is not None:
            self.observer.start(len(self.parts) * 2)
        with ThreadPoolExecutor(1) as reader:
            if not to_make:
                self._advance(len(self.parts) * 2)
                return TileCounts(len(self.parts), 0)
            overview, weights = self._overview(reader)
            survey = self.translator.survey(overview, self.factor, weights)
            self._advance(len(self.parts) - len(to_make))
            for tile in self._read(reader, to_make, 0):
                self._make(tile, partial(self._window, survey))
                self._advance(1)
        return TileCounts(len(self.parts), len(to_make))

    def _overview(self, reader: ThreadPoolExecutor) -> tuple[Tensor, Tensor | None]:
        """Return the image reduced by the factor (1, 3, h, w), and its cells' shares of valid pixels (1, 1, h, w)."""
        height, width = -(-self.source.height // self.factor), -(-self.source.width // self.factor)
        overview, shares = torch.zeros(1, 3, height, width), torch.ones(1, 1, height, width)
        for tile in self._read(reader, self.parts, 0):
            top, left = tile.seen.y0 // self.factor, tile.seen.x0 // self.factor
            pixels = torch.from_numpy(np.ascontiguousarray(tile.pixels))[None]
            cells = overview_of(pixels, self.factor)
            place = (..., slice(top, top + cells.shape[-2]), slice(left, left + cells.shape[-1]))
            if tile.valid is not None:
                counts = torch.from_numpy(tile.valid)[None, None].float()
                share = overview_of(counts, self.factor)
                cells = torch.where(share > 0, overview_of(pixels * counts, self.factor) / share.clamp(min=1e-6), cells)
                shares[place] = share
            overview[place] = cells
            self._advance(1)
        if not bool((shares > 0).any()):
            raise InputError("expected an image with valid pixels, got none: check its nodata value or mask")
        return overview, None if bool((shares == 1).all()) else shares

    def _window(self, survey: Survey, tile: _Tile) -> tuple[Window, Pixels]:
        seen = tile.seen
        window = ImageWindow(seen.y0, seen.x0, seen.height, seen.width, self.source.height, self.source.width)
        top, left, bottom, right = tile.part.inside(seen)
        return tile.part, self.translator.window(self._tensor(tile), survey, window)[top:bottom, left:right]

    def _pass(self, reader: ThreadPoolExecutor, known: list[Statistics], saved: SavedSum | None) -> Statistics:
        done, total = saved.load() if saved is not None else (0, None)
        self._advance(done)
        for tile in self._read(reader, self.parts[done:], self.needs.features):
            if not tile.empty:
                for part in self._in_memory(tile, self.needs.features, partial(self._measured, known)):
                    total = part if total is None else total + part
            done += 1
            if saved is not None and (done % self.across == 0):
                saved.save(done, total)
            self._advance(1)
        if total is None:
            raise InputError("expected an image with valid pixels, got none: check its nodata value or mask")
        return total.to(torch.float32).to(self.translator.device)

    def _make(self, tile: _Tile, translate: Callable[[_Tile], tuple[Window, Pixels]]) -> None:
        part, valid = tile.part, tile.part_valid
        intensity = np.zeros((part.height, part.width), np.float32)
        if not tile.empty:
            for box, made in self._in_memory(tile, self.needs.output, translate):
                top, left, bottom, right = box.inside(part)
                intensity[top:bottom, left:right] = made
        self.sink.write(part.y0, part.x0, intensity, valid)

    def _read(self, reader: ThreadPoolExecutor, parts: Iterable[Window], radius: int) -> Iterator[_Tile]:
        def read(part: Window) -> _Tile:
            seen = self._surroundings(part, radius)
            pixels, valid = self.source.read(seen.y0, seen.x0, seen.y1, seen.x1)
            return _Tile(part, seen, pixels, None if valid is None or valid.all() else valid)

        return read_ahead(reader, read, parts, _READ_AHEAD)

    def _surroundings(self, part: Window, radius: int) -> Window:
        if isinstance(self.translator.model, ThermalModel):
            return part  # any window of a surveyed image is translated by itself
        return surroundings(part, radius, self.needs.multiple, self.source.height, self.source.width)

    def _measured(self, known: list[Statistics], tile: _Tile) -> Statistics:
        weights = None if tile.valid is None else torch.from_numpy(tile.valid)[None, None].float()
        inside = Inside(tile.part.inside(tile.seen), None if weights is None else weights.to(self.translator.device))
        found = self.translator.tile_statistics(self._tensor(tile), inside, known)
        return found.to(torch.device("cpu")).to(torch.float64)

    def _translated(self, statistics: Statistics | None, tile: _Tile) -> tuple[Window, Pixels]:
        top, left, bottom, right = tile.part.inside(tile.seen)
        return tile.part, self.translator.tile(self._tensor(tile), statistics)[top:bottom, left:right]

    def _tensor(self, tile: _Tile) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(tile.pixels))[None]

    def _in_memory(self, tile: _Tile, radius: int, work: Callable[[_Tile], Result]) -> list[Result]:
        """Do the work on a tile, in halves where the memory is too small for it at once."""
        pixels = tile.seen.height * tile.seen.width
        if self.most_pixels is None or pixels <= self.most_pixels:
            try:
                return [work(tile)]
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            finally:
                return_freed()
            self.most_pixels = pixels - 1
            if self.translator.device.type == "cuda":
                torch.cuda.empty_cache()
        halves = tile.part.halves(self.needs.multiple)
        if not halves:
            raise InputError(
                f"expected enough memory for a tile of {tile.seen.width} x {tile.seen.height} pixels, got too little: "
                "use --device cpu, --precision bfloat16 or a smaller --tile-size"
            )
        results: list[Result] = []
        for half in halves:
            results += self._in_memory(tile.smaller(half, self._surroundings(half, radius)), radius, work)
        return results

    def _advance(self, tiles: int) -> None:
        for _ in range(tiles if self.observer is not None else 0):
            self.observer.advance(None)  # type: ignore[union-attr]
