"""Translates an image tile by tile with the same result as for the whole image."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from ir_transfer.conversion.batches import read_ahead
from ir_transfer.conversion.options import Observer
from ir_transfer.conversion.tiles.checkpoint import StatisticsCheckpoint
from ir_transfer.conversion.tiles.grid import Window, aligned_tile_size, context_window, grid_windows
from ir_transfer.conversion.tiles.io import Pixels, Sink, Source, Valid
from ir_transfer.conversion.tiles.memory import is_out_of_memory, refuse_untiled
from ir_transfer.conversion.translate import Translator
from ir_transfer.errors import InputError
from ir_transfer.heap import return_freed
from ir_transfer.models.capabilities import tile_statistics_of, tiles_of
from ir_transfer.models.thermal import Survey, ThermalModel
from ir_transfer.nn.moments import Statistics
from ir_transfer.nn.thermal.overview import overview_of
from ir_transfer.nn.thermal.windows import Window as ImageWindow
from ir_transfer.nn.tiling import Inside

Result = TypeVar("Result")

_READ_AHEAD = 2


@dataclass(frozen=True)
class TileCounts:
    """Number of tiles of an image.

    Attributes:
        windows: All tiles.
        made: Tiles translated by this call; the sink had the others.
    """

    windows: int
    made: int


@dataclass(frozen=True)
class _Tile:
    """Pixels of the context window of a tile, of which the core is produced."""

    core: Window
    context: Window
    pixels: Pixels
    valid: Valid | None

    @property
    def core_valid(self) -> Valid | None:
        if self.valid is None:
            return None
        top, left, bottom, right = self.core.inside(self.context)
        return self.valid[top:bottom, left:right]

    @property
    def empty(self) -> bool:
        return self.core_valid is not None and not self.core_valid.any()

    @property
    def tensor(self) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(self.pixels))[None]

    def core_of(self, intensity: Pixels) -> tuple[Window, Pixels]:
        top, left, bottom, right = self.core.inside(self.context)
        return self.core, intensity[top:bottom, left:right]

    def cropped(self, core: Window, context: Window) -> _Tile:
        top, left, bottom, right = context.inside(self.context)
        valid = None if self.valid is None else self.valid[top:bottom, left:right]
        return _Tile(core, context, self.pixels[:, top:bottom, left:right], valid)


def translate_tiled(
    translator: Translator,
    source: Source,
    sink: Sink,
    *,
    tile: int,
    saved: StatisticsCheckpoint | None = None,
    observer: Observer | None = None,
) -> TileCounts:
    """Translate an image of any size in tiles: first its global statistics, if the model uses any, then its pixels.

    The result equals that of the whole image up to float rounding. Invalid pixels are in no statistics. A tile that
    does not fit the memory is split in halves.

    Args:
        translator: Model and style, without masks, grid or kept tone, which need the whole image.
        source: The image.
        sink: Receives the result tile by tile, in row order.
        tile: Side of the tiles, at least 64; rounded down to the model's multiple. See
            :func:`~ir_transfer.conversion.tiles.memory.tile_for`.
        saved: Checkpoint of the statistics, for resuming.
        observer: Notified of every tile of every pass.

    Raises:
        InputError: A model or controls without support for tiles, an image smaller than 16 pixels or without a valid
            pixel, or too little memory for even a small tile.
        EncodeError: The sink could not write a tile.
        DecodeError: The source could not be read.
    """
    return _TiledTranslation(translator, source, sink, tile, observer).all(saved)


class _TiledTranslation:
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
        self.cores = list(grid_windows(source.height, source.width, aligned_tile_size(tile, self.needs)))
        self.across = sum(core.y0 == 0 for core in self.cores)
        self.most_pixels: int | None = None  # of a context window, once one has exceeded the memory

    def all(self, saved: StatisticsCheckpoint | None) -> TileCounts:
        to_make = [core for core in self.cores if not self.sink.has(core.y0, core.x0, core.y1, core.x1)]
        if isinstance(self.translator.model, ThermalModel):
            return self._surveyed(to_make)
        tiling, model = self.translator.model.info.tiling, self.translator.model
        passes = tile_statistics_of(model).statistics_passes if tiling in {"exact", "passes"} else 0
        if self.observer is not None:
            self.observer.start(len(self.cores) * (passes + 1))
        with ThreadPoolExecutor(1) as reader:
            known: list[Statistics] = []
            for number in range(passes):
                if not to_make:
                    self._advance(len(self.cores))
                    continue
                known.append(self._pass(reader, known, None if saved is None else saved.of_pass(number)))
            places = {place: moments for one in known for place, moments in one.places.items()}
            statistics = Statistics(places) if known else None
            self._write(reader, to_make, self.needs.output, partial(self._translated, statistics))
        return TileCounts(len(self.cores), len(to_make))

    def _surveyed(self, to_make: list[Window]) -> TileCounts:
        """Survey a reduced copy of the whole image, then translate each tile independently."""
        if self.observer is not None:
            self.observer.start(len(self.cores) * 2)
        with ThreadPoolExecutor(1) as reader:
            if not to_make:
                self._advance(len(self.cores) * 2)
                return TileCounts(len(self.cores), 0)
            overview, weights = self._overview(reader)
            survey = self.translator.survey(overview, self.factor, weights)
            self._write(reader, to_make, 0, partial(self._window, survey))
        return TileCounts(len(self.cores), len(to_make))

    def _overview(self, reader: ThreadPoolExecutor) -> tuple[Tensor, Tensor | None]:
        """Return the image reduced by the factor (1, 3, h, w), and the valid share of each cell (1, 1, h, w)."""
        height, width = -(-self.source.height // self.factor), -(-self.source.width // self.factor)
        overview, shares = torch.zeros(1, 3, height, width), torch.ones(1, 1, height, width)
        for tile in self._read(reader, self.cores, 0):
            top, left = tile.context.y0 // self.factor, tile.context.x0 // self.factor
            pixels = tile.tensor
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
        context = tile.context
        window = ImageWindow(
            context.y0, context.x0, context.height, context.width, self.source.height, self.source.width
        )
        return tile.core_of(self.translator.window(tile.tensor, survey, window))

    def _pass(
        self, reader: ThreadPoolExecutor, known: list[Statistics], saved: StatisticsCheckpoint | None
    ) -> Statistics:
        done, total = saved.load() if saved is not None else (0, None)
        self._advance(done)
        for tile in self._read(reader, self.cores[done:], self.needs.features):
            if not tile.empty:
                for found in self._in_memory(tile, self.needs.features, partial(self._measured, known)):
                    total = found if total is None else total + found
            done += 1
            if saved is not None and (done % self.across == 0):
                saved.save(done, total)
            self._advance(1)
        if total is None:
            raise InputError("expected an image with valid pixels, got none: check its nodata value or mask")
        return total.to(torch.float32).to(self.translator.device)

    def _write(
        self,
        reader: ThreadPoolExecutor,
        cores: Sequence[Window],
        radius: int,
        translate: Callable[[_Tile], tuple[Window, Pixels]],
    ) -> None:
        """Translate and write the tiles that the sink does not have."""
        self._advance(len(self.cores) - len(cores))
        for tile in self._read(reader, cores, radius):
            intensity = np.zeros((tile.core.height, tile.core.width), np.float32)
            if not tile.empty:
                for window, made in self._in_memory(tile, radius, translate):
                    top, left, bottom, right = window.inside(tile.core)
                    intensity[top:bottom, left:right] = made
            self.sink.write(tile.core.y0, tile.core.x0, intensity, tile.core_valid)
            self._advance(1)

    def _read(self, reader: ThreadPoolExecutor, cores: Iterable[Window], radius: int) -> Iterator[_Tile]:
        def read(core: Window) -> _Tile:
            context = self._context(core, radius)
            pixels, valid = self.source.read(context.y0, context.x0, context.y1, context.x1)
            return _Tile(core, context, pixels, None if valid is None or valid.all() else valid)

        return read_ahead(reader, read, cores, _READ_AHEAD)

    def _context(self, core: Window, radius: int) -> Window:
        if isinstance(self.translator.model, ThermalModel):
            return core  # windows of a surveyed image are translated independently
        return context_window(core, radius, self.needs.multiple, self.source.height, self.source.width)

    def _measured(self, known: list[Statistics], tile: _Tile) -> Statistics:
        weights = None if tile.valid is None else torch.from_numpy(tile.valid)[None, None].float()
        inside = Inside(tile.core.inside(tile.context), None if weights is None else weights.to(self.translator.device))
        found = self.translator.tile_statistics(tile.tensor, inside, known)
        return found.to(torch.device("cpu")).to(torch.float64)

    def _translated(self, statistics: Statistics | None, tile: _Tile) -> tuple[Window, Pixels]:
        return tile.core_of(self.translator.tile(tile.tensor, statistics))

    def _in_memory(self, tile: _Tile, radius: int, work: Callable[[_Tile], Result]) -> list[Result]:
        """Apply a function to a tile, or to its halves if the tile exceeds the memory."""
        pixels = tile.context.height * tile.context.width
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
        halves = tile.core.halves(self.needs.multiple)
        if not halves:
            raise InputError(
                f"expected enough memory for a tile of {tile.context.width} x {tile.context.height} pixels, got too "
                "little: use --device cpu, --precision bfloat16 or a smaller --tile-size"
            )
        results: list[Result] = []
        for half in halves:
            results += self._in_memory(tile.cropped(half, self._context(half, radius)), radius, work)
        return results

    def _advance(self, tiles: int) -> None:
        for _ in range(tiles if self.observer is not None else 0):
            self.observer.advance(None)  # type: ignore[union-attr]
