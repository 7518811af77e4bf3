"""Batches of views for models that work in canonical tone; a sample depends on seed and step only."""

import threading
from collections.abc import Hashable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ir_transfer.errors import InputError
from ir_transfer.labels.soft_labels import SoftLabels
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.thermal import ThermalModel
from ir_transfer.training.batches import Batch, BatchSource, ImageSource, stacked_valid
from ir_transfer.training.degrade import Degradation
from ir_transfer.training.images import ImageSet
from ir_transfer.training.processes import Processes
from ir_transfer.training.recipe import VIEW_SHARES, DataSection, Recipe
from ir_transfer.training.style_exemplars import StyleExemplars
from ir_transfer.training.views import View, canonical, draw_exemplar, draw_view, mean_luma, neighbours, read_labels

_OF_VIEWS = ("view_size", "views", "degraded", "darkened", "glare", "shuffled", "starts")
_OF_CROPS = ("crop", "tone_spread", "flips")


class ViewSource(ImageSource):
    """Draws views in canonical tone; see the base class for arguments and errors.

    Attributes:
        styles: Exemplars of the recipe's fixed styles; None without any.
    """

    def __init__(self, data: DataSection, root: Path, seed: int, rank: int = 0, world_size: int = 1) -> None:
        super().__init__(data, root, seed, rank, world_size)
        shares = [source.share for source in data.sources]
        self.styles = StyleExemplars(data.looks, root, self.sets, shares) if data.looks else None
        self._labels = [None if source.labels is None else root / source.labels for source in data.sources]
        self._lumas: dict[int, np.ndarray] = {}
        self._read: dict[Hashable, SoftLabels | None] = {}
        self._lock = threading.Lock()

    def draw(self, step: int, size: int) -> Batch:
        """Draw this shard of a batch; see the base class."""
        streams = self._streams(step, size)
        places = [self._place(stream) for stream in streams]
        registered = np.array([self.sets[chosen].paired for _, chosen, _ in places])
        mine = self.shard
        samples = [
            self._sample(step, *place, stream) for place, stream in zip(places[mine], streams[mine], strict=True)
        ]
        content, truth, exemplar, classes, styles, keys, valid = (list(column) for column in zip(*samples, strict=True))
        count = len(samples)
        return Batch(
            torch.stack(content),
            torch.stack(truth),
            torch.stack(exemplar),
            white_hot=torch.ones(count, dtype=torch.bool),
            registered=torch.from_numpy(registered[mine].copy()),
            style_index=torch.tensor(styles),
            mirrored=torch.zeros(count, dtype=torch.bool),
            classes=torch.stack(classes),
            keys=torch.tensor(keys) if self.data.views else None,
            valid=stacked_valid(valid, torch.stack(content)),
            truth_weight=self._weight(registered),
        )

    def _place(self, random: np.random.Generator) -> tuple[int, int, int]:
        """Draw a style (0 without fixed styles), a source, and the number of an RGB image in it."""
        if self.styles is not None:
            return self.styles.draw(random)
        chosen = self._choose_set(random)
        return 0, chosen, int(random.integers(len(self.sets[chosen].rgb)))

    def _sample(
        self, step: int, style: int, chosen: int, index: int, random: np.random.Generator
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, int, tuple[int, int, int], Tensor | None]:
        images = self.sets[chosen]
        number = int(random.integers(self.data.views)) if self.data.views else int(random.integers(2**31))
        view = self._view(step, chosen, images, index, number)
        if self.styles is not None:
            infrared = self.styles.exemplar(style, random)
        else:
            infrared = images.infrared_image(self._exemplar_index(chosen, images, index, random))
        exemplar = draw_exemplar(infrared, random)
        size = self.data.view_size
        truth = view.truth
        if truth is None:  # an infrared image of another scene, for losses on statistics
            truth = canonical(torch.nn.functional.interpolate(exemplar[None], tuple(size), mode="bilinear"))[0]
        classes = view.classes if view.classes is not None else torch.zeros(11, size[0] // 4, size[1] // 4)
        key = (chosen, index, number)
        return view.content.float() / 255, truth.float(), exemplar, classes.float(), style, key, view.valid

    def _view(self, step: int, chosen: int, images: ImageSet, index: int, number: int) -> View:
        infrared = images.infrared_image(index) if images.paired else None
        random = np.random.default_rng([self.seed, chosen, index, number])
        labels = self._labels_of(chosen, images, index)
        height, width = self.data.view_size
        valid = images.valid(index)
        degraded, glare, shuffled = (self._share(name, step) for name in VIEW_SHARES)
        degradation = Degradation(degraded, self.data.darkened, glare)
        view = draw_view(images.rgb_image(index), infrared, labels, (height, width), random, valid, degradation)
        return view.shuffled(random) if random.random() < shuffled else view

    def _share(self, name: str, step: int) -> float:
        share: float = getattr(self.data, name)
        return share if step >= self.data.starts.get(name, 0) else 0.0

    def _exemplar_index(self, chosen: int, images: ImageSet, index: int, random: np.random.Generator) -> int:
        """Choose the exemplar: the image's own ground truth, or one of the same set taken in similar light."""
        if not images.paired:
            return int(random.integers(len(images.infrared)))
        if random.random() < self.data.own_exemplar:
            return index
        with self._lock:
            if chosen not in self._lumas:
                count = len(images.rgb)
                self._lumas[chosen] = np.array([mean_luma(images.rgb_image(i)) for i in range(count)])
        return int(random.choice(neighbours(self._lumas[chosen], index)))

    def _labels_of(self, chosen: int, images: ImageSet, index: int) -> SoftLabels | None:
        key = (chosen, index)
        if key not in self._read:
            self._read[key] = read_labels(self._labels[chosen], images.rgb[index].path.stem)
        return self._read[key]


def make_source(recipe: Recipe, root: Path, model: TranslationModel, processes: Processes) -> ImageSource:
    """Return the source of batches for a model: of views in canonical tone for compact systems, else of crops.

    Args:
        recipe: The recipe.
        root: Folder to which its paths are relative.
        model: Model to train.
        processes: Processes that share each batch.

    Raises:
        MissingFileError: A source's folder, card or split is missing.
        InputError: The data do not fit the recipe, or ``training.reconstruction`` or a key of the data does not fit the
            model.
    """
    training, ranks = recipe.training, (processes.rank, processes.count)
    _refuse_unused(recipe, _OF_CROPS if isinstance(model, ThermalModel) else _OF_VIEWS)
    if not isinstance(model, ThermalModel):
        return BatchSource(recipe.data, root, training.seed, training.reconstruction, *ranks)
    if training.reconstruction:
        raise InputError(
            f"expected training.reconstruction of 0 for the compact size of {recipe.model.name!r}, which is "
            f"compared in canonical tone, got {training.reconstruction}: omit it"
        )
    return ViewSource(recipe.data, root, training.seed, *ranks)


def _refuse_unused(recipe: Recipe, names: Sequence[str]) -> None:
    """Raise an InputError if a key that has no effect on this model differs from its default."""
    usual = DataSection(recipe.data.band, recipe.data.sources)
    if unused := [f"data.{name}" for name in names if getattr(recipe.data, name) != getattr(usual, name)]:
        kind = "views in canonical tone" if names is _OF_CROPS else "crops"
        raise InputError(
            f"expected a recipe without {', '.join(unused)}, since model {recipe.model.name!r} of this size is trained "
            f"on {kind}, got {', '.join(str(getattr(recipe.data, name[5:])) for name in unused)}: omit them"
        )
