"""Training batches; each sample depends only on the seed, the step and its number, not on process or thread."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ir_transfer.data.augment import ExemplarAugment, Floats, PairAugment, Tone
from ir_transfer.errors import InputError, MissingFileError
from ir_transfer.training.images import ImageCache, find_images
from ir_transfer.training.recipe import DataSection

_EXEMPLAR_SIZE = (128, 160)


@dataclass(frozen=True)
class Batch:
    """One shard of a training batch, of B samples.

    Attributes:
        content: RGB images (B, 3, s, s) in [0, 1].
        truth: Infrared images (B, 1, s, s) in [0, 1], in the exemplar's tone and polarity: the registered ground truth,
            or, for a sample of an unpaired source, another crop of the exemplar.
        exemplar: Infrared images (B, 1, h, w) in [0, 1], usually of other scenes of the same camera.
        white_hot: Polarity of exemplar and ground truth (B,) bool.
        registered: Whether the ground truth belongs to the RGB image (B,) bool.
        style_index: Index of the sample's style (B,) among the recipe's; 0 without fixed styles.
        mirrored: Whether the sample is translated at strength 0, with its own luminance as ground truth (B,) bool.
        classes: Class probabilities (B, 11, s / 4, s / 4), zeros for images without labels; None without any.
        valid: Pixels that are valid in the RGB image and, where registered, in the ground truth (B, 1, s, s) bool;
            None if all are.
        keys: Identity of each view (B, 3) for the feature cache; None if no view recurs.
        truth_weight: Weight of this shard's mean over samples with a ground truth, so that the mean over all shards
            equals that of the batch.
        style_weight: The same for the samples that are not mirrored.
    """

    content: Tensor
    truth: Tensor
    exemplar: Tensor
    white_hot: Tensor
    registered: Tensor
    style_index: Tensor
    mirrored: Tensor
    classes: Tensor | None = None
    keys: Tensor | None = None
    valid: Tensor | None = None
    truth_weight: float = 1.0
    style_weight: float = 1.0

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device, images with channels last."""
        moved = {name: value.to(device, non_blocking=True) for name, value in self.tensors().items()}
        for name, value in moved.items():
            if value.dim() == 4:
                moved[name] = value.contiguous(memory_format=torch.channels_last)
        return Batch(**moved, truth_weight=self.truth_weight, style_weight=self.style_weight)

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors by name."""
        return {name: value for name, value in vars(self).items() if isinstance(value, Tensor)}


class ImageSource(ABC):
    """Image sets of a recipe, from which shards of random batches are drawn; safe to share between threads.

    Args:
        data: The recipe's data section.
        root: Folder to which its paths are relative.
        seed: Seed of every draw; two sources with the same seed draw the same batches.
        rank: Number of the shard that is drawn.
        world_size: Number of shards, one per process.

    Raises:
        MissingFileError: A source's folder, card or split is missing.
        InputError: No images, a pair of two sizes, or a scene that is also in the validation; see :func:`find_images`.
    """

    def __init__(self, data: DataSection, root: Path, seed: int, rank: int = 0, world_size: int = 1) -> None:
        check_folders(data, root)
        self.data, self.seed, self.rank, self.world_size = data, seed, rank, world_size
        self.sets = find_images(data, root, ImageCache(data.cache_gib))
        sizes = [source.share * len(s.rgb) for source, s in zip(data.sources, self.sets, strict=True)]
        self._edges = np.cumsum(sizes) / sum(sizes)
        self.shard = slice(rank, None, world_size)

    @abstractmethod
    def draw(self, step: int, size: int) -> Batch:
        """Draw this shard of the batch of a step, of which ``size`` is the number of samples over all shards.

        Raises:
            InputError: ``size`` is not a multiple of the number of shards.
        """

    @property
    def count(self) -> int:
        """Number of RGB images."""
        return sum(len(images.rgb) for images in self.sets)

    def _streams(self, step: int, size: int) -> list[np.random.Generator]:
        check_divisible(size, self.world_size)
        return [np.random.default_rng([self.seed, step, index]) for index in range(size)]

    def _choose_set(self, random: np.random.Generator) -> int:
        return min(int(np.searchsorted(self._edges, random.random())), len(self.sets) - 1)

    def _weight(self, counted: np.ndarray) -> float:
        """Return the weight of this shard's mean over the counted samples (size,), for the mean of the batch."""
        return float(self.world_size * counted[self.shard].sum() / max(counted.sum(), 1))


class BatchSource(ImageSource):
    """Draws crops in the exemplar's tone, for models of the papers' size.

    Args:
        data: See :class:`ImageSource`.
        root: See :class:`ImageSource`.
        seed: See :class:`ImageSource`.
        reconstruction: Share of samples that are mirrored; see :class:`Batch`.
        rank: See :class:`ImageSource`.
        world_size: See :class:`ImageSource`.
    """

    def __init__(
        self, data: DataSection, root: Path, seed: int, reconstruction: float = 0.0, rank: int = 0, world_size: int = 1
    ) -> None:
        super().__init__(data, root, seed, rank, world_size)
        self.reconstruction = reconstruction
        self._local = threading.local()

    def draw(self, step: int, size: int) -> Batch:
        """Draw this shard of a batch; see the base class."""
        streams = self._streams(step, size)
        random = np.random.default_rng([self.seed, step])
        expected = self.reconstruction * size
        mirrored = np.arange(size) < int(expected) + (random.random() < expected % 1)
        chosen = [self._choose_set(stream) for stream in streams]
        registered = np.array([self.sets[c].paired for c in chosen])

        mine = self.shard
        samples = [self._sample(c, s) for c, s in zip(chosen[mine], streams[mine], strict=True)]
        images = ([s[0] for s in samples], [s[1] for s in samples], [s[2] for s in samples])
        content, truth, exemplar = (torch.from_numpy(np.stack(one)) for one in images)
        return Batch(
            content,
            truth,
            exemplar,
            white_hot=torch.tensor([not s[3] for s in samples]),
            registered=torch.from_numpy(registered[mine].copy()),
            style_index=torch.zeros(len(samples), dtype=torch.long),
            mirrored=torch.from_numpy(mirrored[mine].copy()),
            valid=stacked_valid([None if s[4] is None else torch.from_numpy(s[4]) for s in samples], content),
            truth_weight=self._weight(registered | mirrored),
            style_weight=self._weight(~mirrored),
        )

    def _sample(
        self, chosen: int, random: np.random.Generator
    ) -> tuple[Floats, Floats, Floats, bool, NDArray[np.bool_] | None]:
        images = self.sets[chosen]
        index = int(random.integers(len(images.rgb)))
        other = int(random.integers(len(images.infrared)))
        if images.paired and random.random() < self.data.own_exemplar:
            other = index
        tone = Tone.draw(random, self.data.tone_spread, self.data.flips)
        augment, exemplar_augment, style_augment = self._augments(int(random.integers(2**31 - 8)))
        rgb, infrared = images.rgb_image(index), images.infrared_image(other)
        if images.paired:
            content, truth, valid = augment(rgb, images.infrared_image(index), images.valid(index))
        else:
            content, _, valid = augment(rgb, np.zeros(rgb.shape[:2], np.uint8), images.valid(index))
            truth = style_augment(infrared)
        return content, tone(truth), tone(exemplar_augment(infrared)), tone.inverted, valid

    def _augments(self, seed: int) -> tuple[PairAugment, ExemplarAugment, ExemplarAugment]:
        if not hasattr(self._local, "augments"):  # with a random state, so one per thread
            crop = (self.data.crop, self.data.crop)
            pair, exemplar, style = (
                PairAugment(self.data.crop, 0), ExemplarAugment(_EXEMPLAR_SIZE, 0), ExemplarAugment(crop, 0)
            )  # fmt: skip
            self._local.augments = pair, exemplar, style
        augments: tuple[PairAugment, ExemplarAugment, ExemplarAugment] = self._local.augments
        augments[0].reseed(seed)
        augments[1].reseed(seed + 2)
        augments[2].reseed(seed + 3)
        return augments


def stacked_valid(masks: Sequence[Tensor | None], content: Tensor) -> Tensor | None:
    """Return the valid pixels (B, 1, H, W) of samples whose RGB images are (B, 3, H, W); None if all are valid."""
    if all(mask is None for mask in masks):
        return None
    everywhere = torch.ones_like(content[0, :1], dtype=torch.bool)
    return torch.stack([everywhere if mask is None else mask for mask in masks])


def check_divisible(size: int, world_size: int) -> None:
    """Raise :class:`InputError` unless a batch can be divided evenly among the processes."""
    if size % world_size:
        raise InputError(
            f"expected training.batch_size to be a multiple of the {world_size} processes, got {size}: "
            f"--set training.batch_size={-(-size // world_size) * world_size}"
        )


def check_folders(data: DataSection, root: Path) -> None:
    """Raise :class:`MissingFileError` unless the folders named in a data section exist."""
    if not root.is_dir():
        raise MissingFileError(f"expected the folder of the images at {root}, found none: check --data")
    named = {f"data.sources[{i}].path": source.path for i, source in enumerate(data.sources)}
    named |= {f"data.sources[{i}].infrared": s.infrared for i, s in enumerate(data.sources) if s.infrared is not None}
    for key, path in {**named, "data.validation": data.validation}.items():
        if not (root / path).is_dir():
            found = ", ".join(sorted(p.name for p in root.iterdir() if p.is_dir())[:8]) or "no folders"
            raise MissingFileError(
                f"expected {key} of the recipe at {root / path}, found none: --data has {found}; "
                f"pass another --data, or --set {key.partition('[')[0]}=..."
            )
