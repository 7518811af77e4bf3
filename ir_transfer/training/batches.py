"""Draws training batches from pair sets that are held in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ir_transfer.data.augment import ExemplarAugment, Floats, PairAugment, Picture, Tone
from ir_transfer.data.pairs import Pair, list_pairs, load_pair
from ir_transfer.training.recipe import DataSection

_EXEMPLAR_SIZE = (128, 160)


@dataclass(frozen=True)
class Batch:
    """One training batch.

    Attributes:
        content: Photographs (B, 3, s, s) in [0, 1].
        rows: Height of the crops in their pictures (B, 1, s, s), -1 at the top, 1 at the bottom.
        truth: Registered infrared (B, 1, s, s) in [0, 1], in the exemplar's tone and polarity.
        exemplar: Infrared pictures (B, 1, h, w) in [0, 1], mostly of other scenes of the same camera.
        white_hot: Polarity of exemplar and truth (B,).
    """

    content: Tensor
    rows: Tensor
    truth: Tensor
    exemplar: Tensor
    white_hot: Tensor


def training_pairs(data: DataSection, path: str, root: Path) -> list[Pair]:
    """Return the pairs of one source without those that validate."""
    held_out = {pair.rgb for pair in validation_pairs(data, root)}
    return [pair for pair in list_pairs(root / path) if pair.rgb not in held_out]


def validation_pairs(data: DataSection, root: Path) -> list[Pair]:
    """Return the pairs that validate."""
    return list_pairs(root / data.validation)[:: data.validation_every]


class BatchSource:
    """Holds the decoded pairs of a recipe and draws random batches, reproducibly for a seed.

    Args:
        data: The recipe's data section.
        root: Folder that its paths are relative to.
        seed: Seed of every draw; two sources with one seed give the same batches.
    """

    def __init__(self, data: DataSection, root: Path, seed: int) -> None:
        self.data = data
        self.sets: list[list[tuple[Picture, Picture]]] = [
            [load_pair(pair, source.max_width) for pair in training_pairs(data, source.path, root)]
            for source in data.sources
        ]
        shares = np.array([source.share * len(pairs) for source, pairs in zip(data.sources, self.sets, strict=True)])
        self.shares = shares / shares.sum()
        self.seed = seed
        self.augment = PairAugment(data.crop, seed)
        self.exemplar_augment = ExemplarAugment(_EXEMPLAR_SIZE, seed)

    @property
    def count(self) -> int:
        """Number of pairs held."""
        return sum(len(pairs) for pairs in self.sets)

    def draw(self, step: int, size: int) -> Batch:
        """Draw the batch of a step; it depends on seed and step alone, so that a resumed run goes on unchanged."""
        seed = int(np.random.SeedSequence([self.seed, step]).generate_state(1)[0] % 2**31)
        self.augment.reseed(seed)
        self.exemplar_augment.reseed(seed + 2)
        random = np.random.default_rng(seed)
        samples = [self._sample(random) for _ in range(size)]
        content, rows, truth, exemplar = (torch.from_numpy(np.stack([s[i] for s in samples])) for i in range(4))
        return Batch(content, rows, truth, exemplar, torch.tensor([not s[4] for s in samples]))

    def _sample(self, random: np.random.Generator) -> tuple[Floats, Floats, Floats, Floats, bool]:
        pairs = self.sets[random.choice(len(self.sets), p=self.shares)]
        index = int(random.integers(len(pairs)))
        rgb, ir = pairs[index]
        other = index
        if random.random() >= self.data.own_exemplar and len(pairs) > 1:
            other = int(random.integers(len(pairs)))
        tone = Tone.draw(random, self.data.tone_spread, self.data.flips)
        content, truth, rows = self.augment(rgb, ir)
        exemplar = self.exemplar_augment(pairs[other][1])
        return content, rows, tone(truth), tone(exemplar), tone.inverted
