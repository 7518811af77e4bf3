"""A loaded model with its encoded styles, which translates RGB images to infrared intensities on a device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ir_transfer.conversion.batches import BUCKETS, bucket_sizes
from ir_transfer.conversion.controls import NO_CONTROLS, Controls
from ir_transfer.conversion.devices import content_on, has_known_range, to_array
from ir_transfer.conversion.exported.model import open_model
from ir_transfer.conversion.masks import ImageMasks
from ir_transfer.conversion.options import Precision
from ir_transfer.conversion.pending import PendingResults
from ir_transfer.conversion.plan import Variant
from ir_transfer.conversion.styles.choose import StyleChoice
from ir_transfer.conversion.styles.codes import adjusted, blended, grid_of, prepare_codes
from ir_transfer.errors import InputError
from ir_transfer.export.metadata import Runtime
from ir_transfer.heap import reuse_freed
from ir_transfer.imaging.exemplars.range import AskedRange
from ir_transfer.imaging.image_io import LUMA, MAX_PIXELS, BitDepth, DecodedImage
from ir_transfer.labels.label_maps.label_map import LabelMap
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.capabilities import content_statistics_of, tile_statistics_of
from ir_transfer.models.spatial import SpatialStyle
from ir_transfer.models.style_code import StyleCode
from ir_transfer.models.thermal import Survey, ThermalModel
from ir_transfer.nn.moments import Statistics
from ir_transfer.nn.thermal.windows import Window
from ir_transfer.nn.tiling import Inside

_BATCH_PIXELS = 2**22


@dataclass(frozen=True)
class Translator:
    """A loaded model with its style.

    A CPU translates images one by one, since batches are not faster there, so that results do not depend on each
    other. CUDA translates batches of a few fixed lengths (:data:`BUCKETS`); it may round differently in batches of
    another length, which a ``batch_size`` of 1 avoids.

    Attributes:
        model: In evaluation mode, on ``device``.
        style: On ``device``; the blend if there are several styles.
        device: Device of the computation.
        strength: 0 keeps the appearance of the RGB image, 1 applies the style in full.
        precision: ``"bfloat16"`` computes under autocast.
        batch_size: Largest batch on CUDA; chosen by the image size if None.
        seed: Set before each call, so that results do not depend on the order of the images.
        controls: Tone and masks.
        codes: The single styles, on ``device``.
        grid: Rows of styles of ``--style-grid``, on ``device``; empty otherwise.
    """

    model: TranslationModel
    style: StyleCode
    device: torch.device
    strength: float = 1.0
    precision: Precision = "float32"
    batch_size: int | None = None
    seed: int = 0
    controls: Controls = NO_CONTROLS
    codes: tuple[StyleCode, ...] = ()
    grid: tuple[tuple[StyleCode, ...], ...] = ()

    @classmethod
    def load(
        cls,
        choice: StyleChoice,
        device: torch.device,
        *,
        strength: float = 1.0,
        precision: Precision = "float32",
        batch_size: int | None = None,
        seed: int = 0,
        max_pixels: int = MAX_PIXELS,
        white_hot: bool | None = None,
        controls: Controls = NO_CONTROLS,
        exemplar_maps: Sequence[LabelMap] = (),
        options: Mapping[str, str] | None = None,
        exemplar_range: AskedRange = "auto",
        runtime: Runtime = "torch",
        threads: int | None = None,
    ) -> Translator:
        """Load the model, set its run-time options and prepare the styles of a choice.

        ``exemplar_maps`` are the label maps of the exemplars, if the images have label maps; ``threads`` are those of
        an exported file. :func:`prepare_codes` and :meth:`TranslationModel.configure` list the errors.
        """
        torch.manual_seed(seed)
        if device.type == "cpu":
            reuse_freed()
        model = open_model(choice, runtime, threads, precision)
        model.configure(options or {})
        model = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        prepared = prepare_codes(model, choice, max_pixels, white_hot, exemplar_range, exemplar_maps)
        codes = tuple(adjusted(model, code, controls, seed).to(device) for code in prepared)
        style = blended(codes, choice.shares)
        grid = () if controls.style_grid is None else grid_of(codes, controls.style_grid)
        return cls(model, style, device, strength, precision, batch_size, seed, controls, codes, grid)

    def to(self, device: torch.device) -> Translator:
        """Return this translator on another device; the model is moved, not copied."""
        model = self.model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        codes = tuple(code.to(device) for code in self.codes)
        grid = tuple(tuple(code.to(device) for code in row) for row in self.grid)
        return replace(self, model=model, style=self.style.to(device), device=device, codes=codes, grid=grid)

    def of(self, variant: Variant) -> Translator:
        """Return the translator for a variant that has a style."""
        index = 0 if variant.style is None else variant.style
        return replace(self, style=self.codes[index], strength=variant.strength)

    @property
    def style_hash(self) -> str:
        """Hash of the style, or of all styles if they are not blended."""
        separate = self.grid or self.controls.style_masks
        return "+".join(code.hash for code in (self.codes if separate else (self.style,)))

    @property
    def takes_batches(self) -> bool:
        """Whether images are translated in batches, the next one prepared while the device computes."""
        return self.device.type != "cpu"

    def batch_for(self, height: int, width: int) -> int:
        """Return the largest batch size for images of a size."""
        # Images with masks and images of an iterative model are translated one by one.
        if not self.takes_batches or self.controls.masked or self.model.info.iterative:
            return 1
        return self.batch_size or next((n for n in BUCKETS if n * height * width <= _BATCH_PIXELS), 1)

    @property
    def versions(self) -> dict[str, str]:
        """Version of torch and device type, for the manifest."""
        return {"torch": str(torch.__version__), "device": self.device.type}

    @property
    def threads(self) -> int:
        """Number of compute threads on a CPU."""
        return torch.get_num_threads()

    def use_threads(self, count: int) -> None:
        """Set the number of compute threads for the calling thread; new threads inherit the last value set."""
        torch.set_num_threads(count)

    @property
    def has_statistics(self) -> bool:
        """Whether the model supports :meth:`statistics`."""
        return self.model.info.tiling in {"exact", "overview"}

    @torch.inference_mode()
    def statistics(self, image: DecodedImage) -> Statistics:
        """Measure the global statistics of an image.

        Raises:
            InputError: The model uses none.
        """
        with self._autocast():
            content = content_on(self.device, [image])
            if isinstance(self.model, ThermalModel):
                return self.model.image_statistics(content, self.style.tensors)
            return content_statistics_of(self.model).content_statistics(content)

    def with_statistics(self, image: DecodedImage, statistics: Statistics) -> NDArray[np.float32]:
        """Translate an image to an intensity (H, W) in [0, 1] with the given statistics in place of its own.

        Raises:
            InputError: An image smaller than 16 pixels, or a model without statistics.
        """
        return to_array(self._translate(content_on(self.device, [image]), self.style, statistics=statistics))

    @torch.inference_mode()
    def survey(self, overview: Tensor, factor: int, weights: Tensor | None) -> Survey:
        """Survey a whole image (1, 3, h, w) reduced by a factor; ``weights`` (1, 1, h, w) are its valid shares."""
        weights = None if weights is None else weights.to(self.device)
        with self._autocast():
            return self._thermal.survey(self._placed(overview), factor, self.style.tensors, weights=weights)

    @torch.inference_mode()
    def window(self, images: Tensor, survey: Survey, window: Window) -> NDArray[np.float32]:
        """Translate a window (1, 3, h, w) of a surveyed image to an intensity (h, w)."""
        placed = self._placed(images)
        with self._autocast():
            output = self._thermal.translate_window(placed, survey, window, self.style.tensors, self.strength)
        return to_array(output[0].clamp(0, 1).float())

    @torch.inference_mode()
    def tile_statistics(self, tile: Tensor, inside: Inside, known: Sequence[Statistics]) -> Statistics:
        """Measure the contribution of a tile's core to the statistics of the next pass.

        Args:
            tile: (1, 3 or 4, h, w).
            inside: The core of the tile, and its valid pixels.
            known: Statistics of the earlier passes.

        Raises:
            InputError: The model uses no statistics.
        """
        with self._autocast():
            model, placed = tile_statistics_of(self.model), self._placed(tile)
            return model.tile_statistics(placed, inside, self.style.tensors, self.strength, known)

    def tile(self, tile: Tensor, statistics: Statistics | None) -> NDArray[np.float32]:
        """Translate a tile (1, 3 or 4, h, w) to an intensity (h, w) with the statistics of its image, if any.

        Raises:
            InputError: A tile smaller than 16 pixels, or statistics that do not fit the model.
        """
        return to_array(self._translate(self._placed(tile), self.style, statistics=statistics))

    def __call__(self, images: Sequence[DecodedImage]) -> list[NDArray[np.float32]]:
        """Translate images of one size to intensities (H, W) in [0, 1].

        Raises:
            InputError: An image smaller than 16 pixels.
        """
        return [np.asarray(result, np.float32) for result in self.launch(images).results()]

    def launch(self, images: Sequence[DecodedImage], bit_depth: BitDepth | None = None) -> PendingResults:
        """Start translating images of one size; returns before a GPU has finished.

        Args:
            images: Images to translate.
            bit_depth: Bit depth of the levels that the device makes of the results; None returns intensities.

        Raises:
            InputError: An image smaller than 16 pixels.
        """
        pending, start = PendingResults(self.device), 0
        for length in bucket_sizes(len(images), self.batch_for(images[0].height, images[0].width)):
            batch = images[start : start + length]
            start += length
            content, known = content_on(self.device, batch), all(map(has_known_range, batch))
            rows = [
                torch.cat([self._translate(content, style, check_values=not known) for style in row], dim=2)
                for row in self.grid or ((self.style,),)
            ]
            pending.add(torch.cat(rows, dim=1), bit_depth)
        return pending

    def with_masks(self, image: DecodedImage, masks: ImageMasks) -> NDArray[np.float32]:
        """Translate an image to an intensity (H, W) in [0, 1] with its masks.

        Raises:
            InputError: An image smaller than 16 pixels, or a pixel that no mask assigns a style.
        """
        style: StyleCode | SpatialStyle = self.style
        if masks.shares:
            style = SpatialStyle(self.codes, [torch.from_numpy(share)[None, None] for share in masks.shares])
        labels = None if masks.labels is None else torch.from_numpy(masks.labels)[None, None].to(self.device)
        return to_array(self._translate(content_on(self.device, [image]), style, labels))

    @torch.inference_mode()
    def _translate(
        self,
        content: Tensor,
        style: StyleCode | SpatialStyle,
        labels: Tensor | None = None,
        statistics: Statistics | None = None,
        *,
        check_values: bool = True,
    ) -> Tensor:
        """Translate images (B, 3, H, W) on the device to intensities (B, H, W) on the device."""
        torch.manual_seed(self.seed)
        with self._autocast():
            output: Tensor = self.model(
                content,
                style,
                self.strength,
                statistics=statistics,
                masks=labels,
                keep_tone=self.controls.keep_tone,
                check_values=check_values,
            )
        output = output.float()
        if output.shape[1] == 3:  # published checkpoints return colour; files have one channel
            output = (output * output.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
        return output[:, 0]

    @property
    def _thermal(self) -> ThermalModel:
        if not isinstance(self.model, ThermalModel):
            name = self.model.info.name
            raise InputError(f"expected a model that surveys an overview, got {name!r}: use adain or wct2")
        return self.model

    def _placed(self, content: Tensor) -> Tensor:
        return content.to(self.device).contiguous(memory_format=torch.channels_last)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16")
