"""Draws training batches: what a sample is depends on seed, step and its number alone, whoever draws it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ir_transfer.data.augment import ExemplarAugment, Floats, PairAugment, Tone
from ir_transfer.errors import InputError, MissingFileError
from ir_transfer.training.images import ImageCache, find_images
from ir_transfer.training.recipe import DataSection

_EXEMPLAR_SIZE = (128, 160)


@dataclass(frozen=True)
class Batch:
    """One process's part of a training batch.

    Attributes:
        content: RGB images (B, 3, s, s) in [0, 1].
        truth: Infrared (B, 1, s, s) in [0, 1], in the exemplar's tone and polarity: the registered one, or, for a
            sample of an unpaired source, another crop of the exemplar's image.
        exemplar: Infrared images (B, 1, h, w) in [0, 1], mostly of other scenes of the same camera.
        white_hot: Polarity of exemplar and ground truth (B,).
        registered: Whether the ground truth is the RGB image's own (B,).
        look: Number of the look (B,) among those of the recipe; 0 without looks.
        mirrored: Whether the sample is translated at strength 0, whose ground truth is its own luminance (B,).
        classes: Class probabilities (B, 11, s / 4, s / 4), zeros where there are no labels; None without any.
        keys: What the views are known by (B, 3); None where no view returns.
        truth_weight: Weight of this shard's mean over samples with a ground truth, so that the mean over all shards is
            that of the batch.
        look_weight: The same for the samples that are not mirrored.
    """

    content: Tensor
    truth: Tensor
    exemplar: Tensor
    white_hot: Tensor
    registered: Tensor
    look: Tensor
    mirrored: Tensor
    classes: Tensor | None = None
    keys: Tensor | None = None
    truth_weight: float = 1.0
    look_weight: float = 1.0

    def to(self, device: torch.device) -> Batch:
        """Return it on a device, images with channels last."""
        moved = {name: value.to(device, non_blocking=True) for name, value in self.tensors().items()}
        for name, value in moved.items():
            if value.dim() == 4:
                moved[name] = value.contiguous(memory_format=torch.channels_last)
        return Batch(**moved, truth_weight=self.truth_weight, look_weight=self.look_weight)

    def tensors(self) -> dict[str, Tensor]:
        """Return its tensors by name."""
        return {name: value for name, value in vars(self).items() if isinstance(value, Tensor)}


class BatchSource:
    """Holds the image sets of a recipe and draws random batches, reproducibly for a seed; safe to share by threads.

    Args:
        data: The recipe's data section.
        root: Folder that its paths are relative to.
        seed: Seed of every draw; two sources with one seed give the same batches.
        reconstruction: Share of samples that are mirrored.
        rank: Which part of every batch is drawn.
        parts: Number of parts.

    Raises:
        MissingFileError: A source's folder, card or split is missing.
        InputError: What :func:`find_images` refuses: no images, a pair of two sizes, a scene that validates too.
    """

    def __init__(
        self, data: DataSection, root: Path, seed: int, reconstruction: float = 0.0, rank: int = 0, parts: int = 1
    ) -> None:
        check_folders(data, root)
        self.data, self.seed, self.reconstruction, self.rank, self.parts = data, seed, reconstruction, rank, parts
        self.sets = find_images(data, root, ImageCache(data.cache_gib))
        sizes = [source.share * len(s.rgb) for source, s in zip(data.sources, self.sets, strict=True)]
        self._edges = np.cumsum(sizes) / sum(sizes)
        self._local = threading.local()

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
        random = np.random.default_rng([self.seed, step])
        expected = self.reconstruction * size
        mirrored = np.arange(size) < int(expected) + (random.random() < expected % 1)
        streams = [np.random.default_rng([self.seed, step, index]) for index in range(size)]
        chosen = [min(int(np.searchsorted(self._edges, s.random())), len(self.sets) - 1) for s in streams]
        registered = np.array([self.sets[c].paired for c in chosen])

        mine = slice(self.rank, None, self.parts)
        samples = [self._sample(c, s) for c, s in zip(chosen[mine], streams[mine], strict=True)]
        content, truth, exemplar = (torch.from_numpy(np.stack([s[i] for s in samples])) for i in range(3))
        return Batch(
            content,
            truth,
            exemplar,
            white_hot=torch.tensor([not s[3] for s in samples]),
            registered=torch.from_numpy(registered[mine].copy()),
            look=torch.zeros(len(samples), dtype=torch.long),
            mirrored=torch.from_numpy(mirrored[mine].copy()),
            truth_weight=self._weight(registered | mirrored),
            look_weight=self._weight(~mirrored),
        )

    def _weight(self, seen: np.ndarray) -> float:
        return float(self.parts * seen[self.rank :: self.parts].sum() / max(seen.sum(), 1))

    def _sample(self, chosen: int, random: np.random.Generator) -> tuple[Floats, Floats, Floats, bool]:
        images = self.sets[chosen]
        index = int(random.integers(len(images.rgb)))
        other = int(random.integers(len(images.infrared)))
        if images.paired and random.random() < self.data.own_exemplar:
            other = index
        tone = Tone.draw(random, self.data.tone_spread, self.data.flips)
        augment, exemplar_augment, look_augment = self._augments(int(random.integers(2**31 - 8)))
        rgb, infrared = images.rgb_image(index), images.infrared_image(other)
        if images.paired:
            content, truth = augment(rgb, images.infrared_image(index))
        else:
            content, _ = augment(rgb, np.zeros(rgb.shape[:2], np.uint8))
            truth = look_augment(infrared)
        return content, tone(truth), tone(exemplar_augment(infrared)), tone.inverted

    def _augments(self, seed: int) -> tuple[PairAugment, ExemplarAugment, ExemplarAugment]:
        if not hasattr(self._local, "augments"):  # they keep a random state, so every thread needs its own
            crop = (self.data.crop, self.data.crop)
            pair, exemplar, look = (
                PairAugment(self.data.crop, 0), ExemplarAugment(_EXEMPLAR_SIZE, 0), ExemplarAugment(crop, 0)
            )  # fmt: skip
            self._local.augments = pair, exemplar, look
        augments: tuple[PairAugment, ExemplarAugment, ExemplarAugment] = self._local.augments
        augments[0].reseed(seed)
        augments[1].reseed(seed + 2)
        augments[2].reseed(seed + 3)
        return augments


def check_divisible(size: int, parts: int) -> None:
    """Raise :class:`InputError` unless a batch can be shared out evenly to so many processes."""
    if size % parts:
        raise InputError(
            f"expected training.batch_size to be a multiple of the {parts} processes, got {size}: "
            f"--set training.batch_size={-(-size // parts) * parts}"
        )


def check_folders(data: DataSection, root: Path) -> None:
    """Raise :class:`MissingFileError` unless the folders that a data section names are there."""
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
