"""Draws batches of views for models that work in canonical tone; what a sample is depends on seed and step alone."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ir_transfer.data.soft_labels import SoftLabels
from ir_transfer.training.batches import Batch, check_divisible, check_folders
from ir_transfer.training.images import ImageCache, ImageSet, find_images
from ir_transfer.training.recipe import DataSection
from ir_transfer.training.style_exemplars import StyleExemplars
from ir_transfer.training.views import View, canonical, draw_exemplar, draw_view, mean_luma, neighbours, read_labels


class ViewSource:
    """Holds the image sets of a recipe and draws random batches of their views; safe to share by threads.

    Args:
        data: The recipe's data section.
        root: Folder that its paths are relative to.
        seed: Seed of every draw; two sources with one seed give the same batches.
        rank: Which part of every batch is drawn.
        parts: Number of parts.

    Raises:
        MissingFileError: A source's folder, card or split is missing.
        InputError: What :func:`find_images` refuses: no images, a pair of two sizes, a scene that validates too.
    """

    def __init__(self, data: DataSection, root: Path, seed: int, rank: int = 0, parts: int = 1) -> None:
        check_folders(data, root)
        self.data, self.seed, self.rank, self.parts = data, seed, rank, parts
        self.sets = find_images(data, root, ImageCache(data.cache_gib))
        self.styles = (
            StyleExemplars(data.looks, root, self.sets, [source.share for source in data.sources])
            if data.looks
            else None
        )
        self._labels = [None if source.labels is None else root / source.labels for source in data.sources]
        sizes = [source.share * len(s.rgb) for source, s in zip(data.sources, self.sets, strict=True)]
        self._edges = np.cumsum(sizes) / sum(sizes)
        self._lumas: dict[int, np.ndarray] = {}
        self._read: dict[Hashable, SoftLabels | None] = {}
        self._lock = threading.Lock()

    @property
    def count(self) -> int:
        """Number of RGB images."""
        return sum(len(images.rgb) for images in self.sets)

    def draw(self, step: int, size: int) -> Batch:
        """Draw this part of the batch of a step; ``size`` is that of the whole batch.

        Raises:
            InputError: ``size`` is no multiple of the number of parts.
        """
        check_divisible(size, self.parts)
        streams = [np.random.default_rng([self.seed, step, index]) for index in range(size)]
        places = [self._place(stream) for stream in streams]
        registered = np.array([self.sets[chosen].paired for _, chosen, _ in places])
        mine = slice(self.rank, None, self.parts)
        samples = [self._sample(*place, stream) for place, stream in zip(places[mine], streams[mine], strict=True)]
        content, truth, exemplar, classes, look, keys = (list(column) for column in zip(*samples, strict=True))
        count = len(samples)
        return Batch(
            torch.stack(content),
            torch.stack(truth),
            torch.stack(exemplar),
            white_hot=torch.ones(count, dtype=torch.bool),
            registered=torch.from_numpy(registered[mine].copy()),
            look=torch.tensor(look),
            mirrored=torch.zeros(count, dtype=torch.bool),
            classes=torch.stack(classes),
            keys=torch.tensor(keys) if self.data.views else None,
            truth_weight=float(self.parts * registered[mine].sum() / max(registered.sum(), 1)),
        )

    def _place(self, random: np.random.Generator) -> tuple[int, int, int]:
        """Draw a look, 0 without looks, and the source and number of an RGB image."""
        if self.styles is not None:
            return self.styles.draw(random)
        chosen = min(int(np.searchsorted(self._edges, random.random())), len(self.sets) - 1)
        return 0, chosen, int(random.integers(len(self.sets[chosen].rgb)))

    def _sample(
        self, look: int, chosen: int, index: int, random: np.random.Generator
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, int, tuple[int, int, int]]:
        images = self.sets[chosen]
        number = int(random.integers(self.data.views)) if self.data.views else int(random.integers(2**31))
        view = self._view(chosen, images, index, number)
        if self.styles is not None:
            infrared = self.styles.exemplar(look, random)
        else:
            infrared = images.infrared_image(self._exemplar_index(chosen, images, index, random))
        exemplar = draw_exemplar(infrared, random)
        size = self.data.view_size
        truth = view.truth
        if truth is None:  # of another scene: only the statistics of it count
            truth = canonical(torch.nn.functional.interpolate(exemplar[None], tuple(size), mode="bilinear"))[0]
        classes = view.classes if view.classes is not None else torch.zeros(11, size[0] // 4, size[1] // 4)
        return view.content.float() / 255, truth.float(), exemplar, classes.float(), look, (chosen, index, number)

    def _view(self, chosen: int, images: ImageSet, index: int, number: int) -> View:
        infrared = images.infrared_image(index) if images.paired else None
        random = np.random.default_rng([self.seed, chosen, index, number])
        labels = self._labels_of(chosen, images, index)
        return draw_view(images.rgb_image(index), infrared, labels, tuple(self.data.view_size), random)  # type: ignore[arg-type]

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
