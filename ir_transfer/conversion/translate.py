"""Images to infrared intensities on a device: the model is loaded and the exemplar encoded once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ir_transfer import create_model
from ir_transfer.conversion.batches import BUCKETS, bucket_sizes
from ir_transfer.conversion.controls import NO_CONTROLS, Controls
from ir_transfer.conversion.device_copies import content_on, has_known_range
from ir_transfer.conversion.launched import Launched
from ir_transfer.conversion.masks import ImageMasks
from ir_transfer.conversion.options import Precision
from ir_transfer.conversion.plan import Variant
from ir_transfer.conversion.styles.choose import StyleChoice
from ir_transfer.conversion.styles.codes import adjusted, blended, grid_of, prepare_codes, prepare_regions
from ir_transfer.errors import InputError
from ir_transfer.export.metadata import Runtime
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


def pick_device(name: str = "auto") -> torch.device:
    """Return the device to compute on.

    Args:
        name: ``"auto"`` (CUDA where there is one), ``"cpu"``, ``"cuda"`` or ``"cuda:1"``.

    Raises:
        InputError: Unknown, or not in this machine.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind, _, index = name.partition(":")
    if kind == "cpu" and not index:
        return torch.device("cpu")
    if kind != "cuda" or (index and not index.isdecimal()):
        raise InputError(f"expected --device auto, cpu, cuda or cuda:N, got {name!r}")
    if int(index or 0) >= torch.cuda.device_count():
        raise InputError(
            f"expected the device {name!r} in this machine, found {torch.cuda.device_count()} CUDA devices: "
            "use --device cpu"
        )
    return torch.device(name)


def _open_model(choice: StyleChoice, runtime: Runtime, threads: int | None, precision: Precision) -> TranslationModel:
    if runtime == "torch":
        return create_model(choice.model, choice.weights)
    from ir_transfer.conversion.exported.file import ExportedFile
    from ir_transfer.conversion.exported.model import ExportedModel

    return ExportedModel(ExportedFile(Path(choice.weights), runtime, threads, bfloat16=precision == "bfloat16"))


def _surveyed(model: TranslationModel) -> ThermalModel:
    if not isinstance(model, ThermalModel):
        raise InputError(f"expected a model that looks at an overview, got {model.info.name!r}: use adain or wct2")
    return model


@dataclass(frozen=True)
class Translator:
    """A loaded model with its style, ready for many images.

    On a CPU, where batches gain nothing, images go one by one: their results do not depend on each other. On CUDA
    they go in batches of few lengths (:data:`BUCKETS`), and a GPU may round a batch of another length otherwise; a
    ``batch_size`` of 1 avoids that.

    Attributes:
        model: In evaluation mode, on ``device``.
        style: On ``device``; the blend, where there are several.
        device: Where to compute.
        strength: 0 keeps the RGB image's own look, 1 is the exemplar's.
        precision: ``"bfloat16"`` computes under autocast.
        batch_size: Images at once on CUDA, at most; chosen by their size if None.
        seed: Seeds each call, so that no result depends on the order.
        controls: Tone and masks.
        codes: Each style for itself, on ``device``.
        grid: Rows of styles, where a result has many cells, on ``device``.
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

        See :func:`prepare_codes` and :meth:`TranslationModel.configure` for the errors.

        ``exemplar_maps`` are the label maps of the exemplars, where images have some. A ``runtime`` other than torch
        runs the exported file that the choice has for weights, with its own ``threads``.
        """
        torch.manual_seed(seed)
        model = _open_model(choice, runtime, threads, precision)
        model.configure(options or {})
        model = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        if exemplar_maps:
            prepared = [prepare_regions(model, choice, exemplar_maps, max_pixels, white_hot, exemplar_range)]
        else:
            prepared = prepare_codes(model, choice, max_pixels, white_hot, exemplar_range)
        codes = tuple(adjusted(model, code, controls, seed).to(device) for code in prepared)
        style = blended(codes, choice.shares)
        grid = () if controls.style_grid is None else grid_of(codes, controls.style_grid)
        return cls(model, style, device, strength, precision, batch_size, seed, controls, codes, grid)

    def to(self, device: torch.device) -> Translator:
        """Return the same translator on another device; the model moves there."""
        model = self.model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        codes = tuple(code.to(device) for code in self.codes)
        grid = tuple(tuple(code.to(device) for code in row) for row in self.grid)
        return replace(self, model=model, style=self.style.to(device), device=device, codes=codes, grid=grid)

    def of(self, variant: Variant) -> Translator:
        """Return the translator of a variant that has a style."""
        index = 0 if variant.style is None else variant.style
        return replace(self, style=self.codes[index], strength=variant.strength)

    @property
    def style_hash(self) -> str:
        """Hash of the style, or of each, where their order matters."""
        apart = self.grid or self.controls.style_masks
        return "+".join(code.hash for code in (self.codes if apart else (self.style,)))

    @property
    def takes_batches(self) -> bool:
        """Whether images go in batches, the next one prepared while the device computes."""
        return self.device.type != "cpu"

    def batch_for(self, height: int, width: int) -> int:
        """Return how many images of a size are translated at once, at most."""
        # Images with masks, and those of a search, go one by one.
        if not self.takes_batches or self.controls.masked or self.model.info.iterative:
            return 1
        return self.batch_size or next((n for n in BUCKETS if n * height * width <= _BATCH_PIXELS), 1)

    @property
    def versions(self) -> dict[str, str]:
        """What computes, for the manifest."""
        return {"torch": str(torch.__version__), "device": self.device.type}

    @property
    def threads(self) -> int:
        """Threads that compute on a CPU."""
        return torch.get_num_threads()

    def use_threads(self, count: int) -> None:
        """Have so many threads compute for the calling thread; a new one starts with what was set last."""
        torch.set_num_threads(count)

    @property
    def has_statistics(self) -> bool:
        """Whether :meth:`statistics` may be asked for."""
        return self.model.info.tiling in {"exact", "overview"}

    @torch.inference_mode()
    def statistics(self, image: DecodedImage) -> Statistics:
        """Return the image's own global statistics.

        Raises:
            InputError: The model has none.
        """
        with self._autocast():
            content = self._content([image])
            if isinstance(self.model, ThermalModel):
                return self.model.image_statistics(content, self.style.tensors)
            return content_statistics_of(self.model).content_statistics(content)

    def with_statistics(self, image: DecodedImage, statistics: Statistics) -> NDArray[np.float32]:
        """Return the intensity (H, W) in [0, 1] of one image, made with global statistics in place of its own.

        Raises:
            InputError: An image smaller than 16 pixels, or a model that takes none.
        """
        content = self._content([image])
        return self._alone(self._translate(content, self.style, statistics=statistics))

    @torch.inference_mode()
    def survey(self, overview: Tensor, factor: int, weights: Tensor | None) -> Survey:
        """Look at a whole image (1, 3, h, w) reduced by a factor, of which ``weights`` (1, 1, h, w) are valid."""
        weights = None if weights is None else weights.to(self.device)
        with self._autocast():
            return _surveyed(self.model).survey(self._placed(overview), factor, self.style.tensors, weights=weights)

    @torch.inference_mode()
    def window(self, images: Tensor, survey: Survey, window: Window) -> NDArray[np.float32]:
        """Translate a window (1, 3, h, w) of a surveyed image to (h, w)."""
        with self._autocast():
            model, placed = _surveyed(self.model), self._placed(images)
            output = model.translate_window(placed, survey, window, self.style.tensors, self.strength)
        result: NDArray[np.float32] = output[0, 0].clamp(0, 1).float().cpu().numpy()
        return result

    @torch.inference_mode()
    def tile_statistics(self, tile: Tensor, inside: Inside, known: Sequence[Statistics]) -> Statistics:
        """Return what the part of a tile (1, 3 or 4, h, w) that counts adds to the statistics of the next pass.

        ``known`` are those of the passes before.

        Raises:
            InputError: The model has none.
        """
        with self._autocast():
            model, placed = tile_statistics_of(self.model), self._placed(tile)
            return model.tile_statistics(placed, inside, self.style.tensors, self.strength, known)

    def tile(self, tile: Tensor, statistics: Statistics | None) -> NDArray[np.float32]:
        """Translate a tile (1, 3 or 4, h, w) with the image's statistics, where the model has some, to (h, w).

        Raises:
            InputError: A tile smaller than 16 pixels, or statistics that do not fit the model.
        """
        return self._alone(self._translate(self._placed(tile), self.style, statistics=statistics))

    def __call__(self, images: Sequence[DecodedImage]) -> list[NDArray[np.float32]]:
        """Translate images of one size to intensities (H, W) in [0, 1].

        Raises:
            InputError: An image smaller than 16 pixels.
        """
        return [np.asarray(result, np.float32) for result in self.launch(images).results()]

    def launch(self, images: Sequence[DecodedImage], bit_depth: BitDepth | None = None) -> Launched:
        """Begin to translate images of one size; a GPU still computes when this returns.

        Args:
            images: To translate.
            bit_depth: Of the levels that the device makes of the results; intensities if None.

        Raises:
            InputError: An image smaller than 16 pixels.
        """
        launched, start = Launched(self.device), 0
        for length in bucket_sizes(len(images), self.batch_for(images[0].height, images[0].width)):
            part = images[start : start + length]
            start += length
            content, known = self._content(part), all(map(has_known_range, part))
            rows = [
                torch.cat([self._translate(content, style, check_values=not known) for style in row], dim=2)
                for row in self.grid or ((self.style,),)
            ]
            launched.add(torch.cat(rows, dim=1), bit_depth)
        return launched

    def with_masks(self, image: DecodedImage, masks: ImageMasks) -> NDArray[np.float32]:
        """Return the intensity (H, W) in [0, 1] of one image, made with its masks.

        Raises:
            InputError: An image smaller than 16 pixels, or masks that leave a pixel without a style.
        """
        style: StyleCode | SpatialStyle = self.style
        if masks.shares:
            style = SpatialStyle(self.codes, [torch.from_numpy(share)[None, None] for share in masks.shares])
        labels = None if masks.labels is None else torch.from_numpy(masks.labels)[None, None].to(self.device)
        return self._alone(self._translate(self._content([image]), style, labels))

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
        """Return intensities (B, H, W) on the device."""
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
        if output.shape[1] == 3:  # a published checkpoint: one channel is what this command writes
            output = (output * output.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
        return output[:, 0]

    @staticmethod
    def _alone(intensities: Tensor) -> NDArray[np.float32]:
        result: NDArray[np.float32] = intensities[0].cpu().numpy()
        return result

    def _content(self, images: Sequence[DecodedImage]) -> Tensor:
        return content_on(self.device, images)

    def _placed(self, content: Tensor) -> Tensor:
        return content.to(self.device).contiguous(memory_format=torch.channels_last)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16")
