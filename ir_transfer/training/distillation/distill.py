"""The distillation loop: soft labels and feature targets of clean crops, predicted from degraded ones."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ir_transfer.losses.hints import FeatureHints
from ir_transfer.nn.content_encoder import ContentEncoder
from ir_transfer.nn.precision import bfloat16_is_fast
from ir_transfer.training import checkpoint
from ir_transfer.training.degrade import Degradation
from ir_transfer.training.distillation.imagenet import WIDTHS, ImageNetFeatures
from ir_transfer.training.distillation.labelled_images import LabelledImage, draw_crop
from ir_transfer.training.distillation.recipe import DistillationRecipe
from ir_transfer.training.distillation.warm_start import with_norms
from ir_transfer.training.muon import Muon

_REPORT_EVERY = 50
_WARM_UP = 0.03
_FLOOR = 0.01
_MEASURED_BATCHES = 8  # to begin from: statistics of about 100 crops


class Distillation:
    """Trains a content encoder; resumes from its own checkpoint.

    Args:
        recipe: The recipe.
        images: Images to train on.
        log: Called with lines of progress.
        begin: Initial encoder without normalisations; random weights if None.
        begun: Initial weights in words, for the card.
    """

    def __init__(
        self,
        recipe: DistillationRecipe,
        images: list[LabelledImage],
        log: Callable[[str], None] = print,
        begin: ContentEncoder | None = None,
        begun: str = "random weights",
    ) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.images, self.log, self.step, self.begun = recipe, images, log, 0, begun
        self._degrade = Degradation(degraded=1.0, darkened=recipe.darkened, glare=recipe.glare)
        first_batches = (self._draw(step)[1] for step in range(_MEASURED_BATCHES))
        encoder = ContentEncoder(norm=True) if begin is None else with_norms(begin, first_batches)
        self.encoder = encoder.to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.encoder).requires_grad_(False).eval()
        self.teacher = ImageNetFeatures().to(memory_format=torch.channels_last) if recipe.features else None
        self.hints = FeatureHints(self.encoder.widths[1:], WIDTHS) if recipe.features else None
        learned = [*self.encoder.parameters(), *(self.hints.parameters() if self.hints else ())]
        self.optimiser = Muon(learned, recipe.lr, weight_decay=recipe.weight_decay)
        self.class_weights = torch.tensor(recipe.class_weights)
        fast = recipe.precision == "bfloat16" and bfloat16_is_fast(torch.device("cpu"))
        self._precision = torch.bfloat16 if fast else None

    def run(self, path: Path, save_minutes: float = 3.0) -> None:
        """Train to the recipe's last step, with checkpoints in ``path``."""
        began, saved, first = time.monotonic(), time.monotonic(), self.step
        sums: dict[str, float] = {}
        with ThreadPoolExecutor(1) as pool:
            ahead = pool.submit(self._draw, self.step)
            while self.step < self.recipe.steps:
                batch, ahead = ahead.result(), pool.submit(self._draw, self.step + 1)
                for name, value in self._learn(*batch).items():
                    sums[name] = sums.get(name, 0.0) + value / _REPORT_EVERY
                self.step += 1
                if self.step % _REPORT_EVERY == 0:
                    rate = (time.monotonic() - began) / (self.step - first)
                    shown = " ".join(f"{name} {value:.4f}" for name, value in sums.items())
                    minutes = rate * (self.recipe.steps - self.step) / 60
                    self.log(f"step {self.step} {shown} | {rate:.2f} s per step, {minutes:.0f} min left")
                    sums = {}
                if time.monotonic() - saved > 60 * save_minutes or self.step == self.recipe.steps:
                    self.save(path)
                    saved = time.monotonic()

    def save(self, path: Path) -> None:
        """Write the checkpoint."""
        state = {name: part.state_dict() for name, part in self._parts().items()}
        checkpoint.save(path, {**state, "step": self.step, "begun": self.begun})

    def load(self, path: Path) -> None:
        """Resume from a checkpoint."""
        state = checkpoint.load(path)
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        self.step, self.begun = state["step"], state["begun"]

    def _parts(self) -> dict[str, nn.Module | Muon]:
        parts: dict[str, nn.Module | Muon] = {
            "model": self.encoder, "average": self.average, "optimiser": self.optimiser
        }  # fmt: skip
        return parts | ({"hints": self.hints} if self.hints is not None else {})

    def _draw(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        random = np.random.default_rng([self.recipe.seed, step])
        clean, degraded, labels = [], [], []
        for _ in range(self.recipe.batch_size):
            photo = self.images[int(random.integers(len(self.images)))]
            image, classes = draw_crop(photo, self.recipe.crop, random)
            clean.append(image)
            labels.append(classes)
            degraded.append(self._degrade(image, random))
        return torch.stack(clean), torch.stack(degraded), torch.stack(labels)

    def _learn(self, clean: Tensor, degraded: Tensor, labels: Tensor) -> dict[str, float]:
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.lr * self._rate()
        self.encoder.train()
        with torch.autocast("cpu", self._precision or torch.bfloat16, enabled=self._precision is not None):
            found = self.encoder(degraded.contiguous(memory_format=torch.channels_last))
            losses = {"classes": self._classes(found.logits.float(), labels)}
            if self.teacher is not None and self.hints is not None:
                targets = self.teacher(clean.contiguous(memory_format=torch.channels_last))
                self.hints.set_features(found.levels[1:])
                losses["features"] = self.recipe.features * self.hints(dict(enumerate(targets)))
        self.optimiser.zero_grad(set_to_none=True)
        torch.stack([*losses.values()]).sum().backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_([p for group in self.optimiser.param_groups for p in group["params"]], 5.0)
        self.optimiser.step()
        self._average()
        return {name: value.item() for name, value in losses.items()}

    def _classes(self, logits: Tensor, labels: Tensor) -> Tensor:
        weights = self.class_weights[labels.argmax(1)] * (labels.sum(1) > 0)  # no labels where pixels are invalid
        entropy = -(labels * F.log_softmax(logits, dim=1)).sum(1)
        return (weights * entropy).sum() / weights.sum().clamp(min=1e-6)

    def _rate(self) -> float:
        warm = max(1.0, _WARM_UP * self.recipe.steps)
        if self.step < warm:
            return (self.step + 1) / warm
        done = (self.step - warm) / max(1.0, self.recipe.steps - warm)
        return _FLOOR + (1 - _FLOOR) * 0.5 * (1 + math.cos(math.pi * done))

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(self.recipe.ema, (1 + self.step) / (10 + self.step))
        pairs = [*zip(self.average.parameters(), self.encoder.parameters(), strict=True)]
        pairs += zip(self.average.buffers(), self.encoder.buffers(), strict=True)  # type: ignore[arg-type]
        for kept, current in pairs:
            if kept.is_floating_point():
                kept.lerp_(current, 1 - decay)
            else:  # the number of batches of a normalisation
                kept.copy_(current)
