"""Optional capabilities of models, one base class each, and functions that require them or raise an error."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ir_transfer.errors import InputError
from ir_transfer.models.info import ModelInfo, TileNeeds, no_sliders_message

if TYPE_CHECKING:
    from torch import Tensor

    from ir_transfer.models.base import TranslationModel
    from ir_transfer.models.style_code import StyleCode
    from ir_transfer.nn.moments import Statistics
    from ir_transfer.nn.tiling import Inside


class Informed(Protocol):
    """An object with a declaration of its capabilities."""

    @property
    def info(self) -> ModelInfo:
        """The declaration."""


class Tiles(ABC):
    """A model whose output for tiles equals that for the whole image."""

    @property
    @abstractmethod
    def tile_needs(self) -> TileNeeds:
        """Margins and memory of tiles.

        Raises:
            InputError: The model's options require the whole image.
        """


class TileStatistics(Tiles):
    """A model that tiles with global statistics of the content, which add up over tiles.

    Attributes:
        statistics_passes: Number of passes over an image before it is translated by tiles.
    """

    statistics_passes: int = 1

    @abstractmethod
    def tile_statistics(
        self,
        content: Tensor,
        inside: Inside,
        style: Mapping[str, Tensor],
        strength: float | Tensor,
        known: Sequence[Statistics],
    ) -> Statistics:
        """Return the contribution of a tile (1, 3, h, w) to the statistics of the next pass over an image.

        ``inside`` is the part of the tile without margins; ``known`` are the statistics of the previous passes. After
        ``statistics_passes`` passes, ``forward`` takes the statistics of all passes merged.
        """


class ContentStatistics(TileStatistics):
    """A model whose global statistics depend only on the content."""

    @abstractmethod
    def content_statistics(self, content: Tensor, inside: Inside | None = None) -> Statistics:
        """Return the statistics of an image or tile (B, 3, h, w) that the model's ``forward`` may be given.

        Args:
            content: sRGB in [0, 1].
            inside: Part of a tile without margins, so that statistics of tiles add up to those of the image.

        Raises:
            InputError: The model's options require the whole image.
        """

    def tile_statistics(
        self,
        content: Tensor,
        inside: Inside,
        style: Mapping[str, Tensor],
        strength: float | Tensor,
        known: Sequence[Statistics],
    ) -> Statistics:
        """Return the statistics of a tile (1, 3, h, w)."""
        return self.content_statistics(content, inside)


class LabelMaps(ABC):
    """A model that can restrict the exemplar's statistics to regions with the same label."""

    @abstractmethod
    def encode_regions(
        self, exemplar: Tensor, white_hot: Tensor, mask: Tensor, labels: Sequence[int]
    ) -> Mapping[str, Tensor]:
        """Encode one exemplar (1, 1, h, w), whole and for each label of its map (1, 1, h, w)."""

    @abstractmethod
    def translate_regions(
        self, content: Tensor, style: Mapping[str, Tensor], strength: float | Tensor, mask: Tensor
    ) -> Tensor:
        """Translate one padded image (1, 3, H, W) with its label map (1, 1, H, W)."""


class Sliders(ABC):
    """A model with a slider for every layer of its loss."""

    @abstractmethod
    def adjust(self, style: StyleCode, layer_weights: Mapping[str, float]) -> StyleCode:
        """Return a style with changed weights of the named loss layers.

        Raises:
            InputError: An unknown layer, or a weight out of range.
        """


class FrozenEncoder(ABC):
    """A model with a pretrained or distilled encoder of RGB images, which is frozen."""

    @abstractmethod
    def take_encoder(self, source: str | Path) -> None:
        """Fill the encoder from a file or by name, and freeze it.

        Raises:
            MissingFileError: No such file.
            WeightsError: It is damaged or of another layout.
        """


def encoder_of(model: TranslationModel) -> FrozenEncoder:
    """Return the model as a :class:`FrozenEncoder`.

    Raises:
        InputError: The model has no frozen encoder.
    """
    if isinstance(model, FrozenEncoder):
        return model
    raise InputError(
        f"expected no model.encoder for model {model.info.name!r}, which trains its own encoder: leave it out"
    )


def tiles_of(model: Informed) -> Tiles:
    """Return the model as :class:`Tiles`.

    Raises:
        InputError: The model requires the whole image.
    """
    if isinstance(model, Tiles):
        return model
    raise requires_whole_image(model.info.name)


def requires_whole_image(name: str) -> InputError:
    """Return the error of a model that requires the whole image."""
    return InputError(
        f"expected a model whose tiles equal the whole image, got {name!r}, which requires all of it: "
        "use adain or wct2, or a smaller image"
    )


def tile_statistics_of(model: TranslationModel) -> TileStatistics:
    """Return the model as :class:`TileStatistics`.

    Raises:
        InputError: The model has no global statistics.
    """
    if isinstance(model, TileStatistics):
        return model
    raise _no_statistics(model)


def content_statistics_of(model: TranslationModel) -> ContentStatistics:
    """Return the model as :class:`ContentStatistics`.

    Raises:
        InputError: The model has no statistics of the content alone.
    """
    if isinstance(model, ContentStatistics):
        return model
    raise _no_statistics(model)


def _no_statistics(model: TranslationModel) -> InputError:
    return InputError(f"expected a model with global content statistics, got {model.info.name!r}, which has none")


def label_maps_of(model: TranslationModel) -> LabelMaps:
    """Return the model as :class:`LabelMaps`.

    Raises:
        InputError: The model does not support label maps.
    """
    if isinstance(model, LabelMaps):
        return model
    raise InputError(f"expected no masks for model {model.info.name!r}, which does not support them: use wct2")


def sliders_of(model: TranslationModel) -> Sliders:
    """Return the model as :class:`Sliders`.

    Raises:
        InputError: The model has no sliders.
    """
    if isinstance(model, Sliders):
        return model
    raise InputError(no_sliders_message(model.info.name))
