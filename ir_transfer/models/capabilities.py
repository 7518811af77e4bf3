"""What only some models can do: a model inherits from a class for each, and callers ask here, where it is refused."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ir_transfer.errors import InputError
from ir_transfer.models.info import ModelInfo, TileNeeds, no_sliders

if TYPE_CHECKING:
    from torch import Tensor

    from ir_transfer.models.base import TranslationModel
    from ir_transfer.models.style_code import StyleCode
    from ir_transfer.nn.moments import Statistics
    from ir_transfer.nn.tiling import Inside


class Informed(Protocol):
    """What declares what it can do."""

    @property
    def info(self) -> ModelInfo:
        """The declaration."""


class Tiles(ABC):
    """A model whose tiles equal the whole image."""

    @property
    @abstractmethod
    def tile_needs(self) -> TileNeeds:
        """What tiles must bring.

        Raises:
            InputError: The model's options need the whole image.
        """


class TileStatistics(Tiles):
    """A model that tiles with global statistics of the content, which add up over tiles.

    Attributes:
        statistics_passes: How often an image must be read before it is translated by tiles.
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
        """Return what a tile (1, 3, h, w) adds to the statistics of the next pass over an image.

        ``inside`` says which part of the tile counts; ``known`` are the statistics of the passes before. After
        ``statistics_passes`` of them, ``forward`` takes all places together.
        """


class ContentStatistics(TileStatistics):
    """A model whose global statistics depend on the content alone."""

    @abstractmethod
    def content_statistics(self, content: Tensor, inside: Inside | None = None) -> Statistics:
        """Return the statistics of an image or tile (B, 3, h, w) that the model's ``forward`` may be given.

        Args:
            content: sRGB in [0, 1].
            inside: Which part of a tile counts, so that statistics of tiles with surroundings add up to the image's.

        Raises:
            InputError: The model's options have no such statistics.
        """

    def tile_statistics(
        self,
        content: Tensor,
        inside: Inside,
        style: Mapping[str, Tensor],
        strength: float | Tensor,
        known: Sequence[Statistics],
    ) -> Statistics:
        """Return the statistics of a tile; see the base class."""
        return self.content_statistics(content, inside)


class LabelMaps(ABC):
    """A model that restricts the exemplar's statistics to regions of one label."""

    @abstractmethod
    def encode_regions(
        self, exemplar: Tensor, white_hot: Tensor, mask: Tensor, labels: Sequence[int]
    ) -> Mapping[str, Tensor]:
        """Encode one exemplar (1, 1, h, w) as a whole and for each of the labels of its map (1, 1, h, w)."""

    @abstractmethod
    def translate_regions(
        self, content: Tensor, style: Mapping[str, Tensor], strength: float | Tensor, mask: Tensor
    ) -> Tensor:
        """Translate one padded image (1, 3, H, W) with its label map (1, 1, H, W)."""


class Sliders(ABC):
    """A model with a slider for every layer of its loss."""

    @abstractmethod
    def adjust(self, style: StyleCode, layer_weights: Mapping[str, float]) -> StyleCode:
        """Return a style with other weights of the loss layers.

        Raises:
            InputError: An unknown layer, or a weight out of range.
        """


class FrozenEncoder(ABC):
    """A model whose encoder of photographs is trained beforehand, by others or by a distillation."""

    @abstractmethod
    def take_encoder(self, source: str | Path) -> None:
        """Fill the encoder from a file or by name, and freeze it.

        Raises:
            MissingFileError: No such file.
            WeightsError: It is damaged or of another layout.
        """


def encoder_of(model: TranslationModel) -> FrozenEncoder:
    """Return a model as one that takes an encoder.

    Raises:
        InputError: It takes none.
    """
    if isinstance(model, FrozenEncoder):
        return model
    raise InputError(
        f"expected no model.encoder for model {model.info.name!r}, which has an encoder of its own: leave it out"
    )


def tiles_of(model: Informed) -> Tiles:
    """Return a model as one that tiles.

    Raises:
        InputError: It must see the whole image.
    """
    if isinstance(model, Tiles):
        return model
    raise must_see_all(model.info.name)


def must_see_all(name: str) -> InputError:
    """Return the error of a model that must see the whole image."""
    return InputError(
        f"expected a model whose tiles equal the whole picture, got {name!r}, which must see all of it: "
        "use adain or wct2, or a smaller picture"
    )


def tile_statistics_of(model: TranslationModel) -> TileStatistics:
    """Return a model as one that tiles with global statistics.

    Raises:
        InputError: It has none.
    """
    if isinstance(model, TileStatistics):
        return model
    raise _no_statistics(model)


def content_statistics_of(model: TranslationModel) -> ContentStatistics:
    """Return a model as one with global statistics of the content alone.

    Raises:
        InputError: It has none.
    """
    if isinstance(model, ContentStatistics):
        return model
    raise _no_statistics(model)


def _no_statistics(model: TranslationModel) -> InputError:
    return InputError(f"expected a model with global content statistics, got {model.info.name!r}, which has none")


def label_maps_of(model: TranslationModel) -> LabelMaps:
    """Return a model as one that takes label maps.

    Raises:
        InputError: It takes none.
    """
    if isinstance(model, LabelMaps):
        return model
    raise InputError(f"expected no masks for model {model.info.name!r}, which takes none: use wct2")


def sliders_of(model: TranslationModel) -> Sliders:
    """Return a model as one with sliders.

    Raises:
        InputError: It has none.
    """
    if isinstance(model, Sliders):
        return model
    raise InputError(no_sliders(model.info.name))
