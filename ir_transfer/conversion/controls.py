"""Controls of style and tone, and options of rasters and tiles; does not import torch."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from ir_transfer.errors import InputError
from ir_transfer.imaging.encode import Compression
from ir_transfer.imaging.image_io import BitDepth
from ir_transfer.models.info import ModelInfo, no_sliders_message

MEMORY = 2 * 10**9
"""Default memory limit in bytes on a CPU."""
SMALLEST_TILE = 64
"""Smallest side of a tile in pixels."""


@dataclass(frozen=True)
class RasterOptions:
    """How GeoTIFFs and other rasters are read and written.

    Attributes:
        bands: One or three bands, counted from 1; those interpreted as red, green and blue if None.
        levels: Values that become 0 and 1, or ``"percentile"``; by the data type of the file if None.
        bit_depth: Bit depth of the result; by the data type of the file if None.
        cog: Write cloud-optimised GeoTIFFs.
        overviews: Write overviews.
        nodata: Value of invalid pixels in files that do not declare it.
        page: Page of a file with several images, counted from 1, or ``"all"``; the first full-size page if None.
        compression: Compression of the result; None keeps that of the source, or a lossless one if that is lossy.
    """

    bands: tuple[int, ...] | None = None
    levels: tuple[float, float] | Literal["percentile"] | None = None
    bit_depth: BitDepth | None = None
    cog: bool = False
    overviews: bool = False
    nodata: float | None = None
    page: int | Literal["all"] | None = None
    compression: Compression | None = None

    @property
    def needs_windows(self) -> bool:
        """Whether an option applies only to files that are read in windows."""
        return bool(self.bands or self.cog or self.overviews or self.nodata is not None)

    def settings(self) -> dict[str, Any]:
        """Return the options that are set, for the manifest."""
        elsewhere = {"bit_depth", "compression"}  # in the settings of every run, and in the lines of rasters
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
            if value is not None and value is not False and name not in elsewhere
        }


@dataclass(frozen=True)
class SizeOptions:
    """Limits above which an image is translated in tiles.

    Attributes:
        memory: Memory limit of the process in bytes; None is 2 GB on a CPU, and no limit but its own on a GPU.
        tile: Side of the tiles, applied to every larger image; chosen by the memory if None.
    """

    memory: int | None = None
    tile: int | None = None

    def check(self) -> None:
        """Raise :class:`InputError` for a value out of its range."""
        if self.tile is not None and self.tile < SMALLEST_TILE:
            raise InputError(f"expected --tile-size of at least {SMALLEST_TILE}, got {self.tile}")


PLAIN_RASTER = RasterOptions()
ANY_SIZE = SizeOptions()


LARGEST_GRID = 16


@dataclass(frozen=True)
class Controls:
    """Options of a conversion besides styles and strength.

    Attributes:
        keep_tone: Keep the order of the luma, and take only the histogram from the model's result.
        style_masks: Soft mask of each style: an image for all inputs, or a folder with the structure of the input.
        content_masks: Label maps of the images; see :func:`~ir_transfer.labels.label_maps.files.open_label_maps`.
        exemplar_masks: Label maps of the exemplars.
        fit_masks: Resize masks of another size instead of refusing them.
        style_grid: Number of interpolated styles per side of a grid in one image; None for no grid.
        layer_weights: Weights of loss layers by name, for models with sliders; 1 for layers that are not named.
        random_layers: Draw the layer weights from the seed.
    """

    keep_tone: bool = False
    style_masks: tuple[Path, ...] = ()
    content_masks: Path | None = None
    exemplar_masks: Path | None = None
    fit_masks: bool = False
    style_grid: int | None = None
    layer_weights: tuple[tuple[str, float], ...] = ()
    random_layers: bool = False

    @property
    def masked(self) -> bool:
        """Whether images have masks."""
        return bool(self.style_masks) or self.content_masks is not None

    @property
    def ending(self) -> str:
        """Suffix of the name of every result, before its extension."""
        return "" if self.style_grid is None else "_grid"

    def settings(self) -> dict[str, Any]:
        """Return the options that are set, for the manifest; hashes of the masks are recorded for each image."""
        options = {
            "keep_tone": self.keep_tone,
            "style_masks": len(self.style_masks),
            "label_maps": self.content_masks is not None,
            "fit_masks": self.fit_masks,
            "style_grid": self.style_grid,
            "layer_weights": dict(self.layer_weights),
            "random_layers": self.random_layers,
        }
        return {name: value for name, value in options.items() if value}

    def check(self, info: ModelInfo, styles: int, *, weighted: bool) -> None:
        """Raise :class:`InputError` unless the controls fit each other, the model and the styles.

        Args:
            info: The model.
            styles: Number of styles.
            weighted: Whether blend weights were given for them.
        """
        if (self.content_masks is None) != (self.exemplar_masks is None):
            raise InputError("expected --content-masks and --exemplar-masks together, got one: add the other")
        if self.content_masks is not None and "masks" not in info.controls:
            raise InputError(f"expected no masks for model {info.name!r}, which does not support them: use wct2")
        if (self.layer_weights or self.random_layers) and "layer-weights" not in info.controls:
            raise InputError(no_sliders_message(info.name))
        if self.fit_masks and not self.masked:
            raise InputError("expected masks with --fit-masks, got none: add --style-mask or --content-masks")
        exclusive = {
            "--style-mask": bool(self.style_masks),
            "--content-masks": self.content_masks is not None,
            "--style-grid": self.style_grid is not None,
        }
        if len(given := [name for name, value in exclusive.items() if value]) > 1:
            raise InputError(f"expected one of {', '.join(exclusive)}, got {' and '.join(given)}: omit one")
        if weighted and given and self.content_masks is None:
            raise InputError(f"expected {given[0]} or --style-weights, got both: omit one; both set the style shares")
        if self.style_masks and len(self.style_masks) != styles:
            raise InputError(
                f"expected a --style-mask for each of {styles} styles, got {len(self.style_masks)}: "
                "pass them in the order of --style"
            )
        if self.style_grid is not None:
            _check_grid(self.style_grid, styles)


NO_CONTROLS = Controls()
"""One style over the whole image."""


def _check_grid(side: int, styles: int) -> None:
    if not 2 <= side <= LARGEST_GRID:
        raise InputError(f"expected --style-grid in 2..{LARGEST_GRID}, got {side}")
    if styles not in {2, 4}:
        raise InputError(
            f"expected 2 styles (a row) or 4 (a square, its corners row by row) with --style-grid, got {styles}: "
            "repeat --style"
        )
