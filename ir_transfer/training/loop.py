"""The training loop: one for every trainable model."""

from __future__ import annotations

import copy
import json
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any

import kornia
import torch
from torch import Tensor, nn

from ir_transfer.errors import InputError
from ir_transfer.losses.adversarial import PatchCritic, adversarial, critic_loss
from ir_transfer.losses.base import Scene
from ir_transfer.losses.hints import FeatureHints
from ir_transfer.losses.registry import ADVERSARIAL, HINTS, LOSSES, NEED_VGG, check_names
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.registry import create_model
from ir_transfer.nn.perceptual import PerceptualEncoder
from ir_transfer.training import checkpoint
from ir_transfer.training.batches import Batch, BatchSource
from ir_transfer.training.muon import Muon
from ir_transfer.training.recipe import Recipe, TrainingSection
from ir_transfer.training.validate import Scores, Validation

Log = Callable[[str], None]


class Trainer:
    """Trains the model of a recipe; everything it needs to go on lies in one checkpoint.

    Args:
        recipe: What to train on what.
        data_root: Folder that the recipe's paths are relative to.
        out: Folder of the run: checkpoint, log, validation pictures, weights.
        vgg: File of the perceptual VGG, or ``"torchvision"``; needed by some losses.
        device: Where to train.
        log: Receives one line at a time.

    Raises:
        InputError: A loss needs the perceptual VGG and none is given.
        UnknownNameError: An unknown loss or model.
    """

    def __init__(
        self, recipe: Recipe, data_root: Path, out: Path, vgg: str | None, device: torch.device, log: Log
    ) -> None:
        check_names(recipe.losses)
        if vgg is None and NEED_VGG & recipe.losses.keys():
            needed = ", ".join(sorted(NEED_VGG & recipe.losses.keys()))
            raise InputError(f"expected --vgg for the losses {needed}: pass a file, or 'torchvision' to download it")
        self.recipe, self.out, self.device, self.log = recipe, out, device, log
        training = recipe.training
        torch.manual_seed(training.seed)
        self.vgg = PerceptualEncoder.load(vgg).to(device).to(memory_format=torch.channels_last) if vgg else None
        model = create_model(recipe.model.name, weights=None, **recipe.model.hyper_parameters)
        self.model: TranslationModel = model.to(device).to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.model).requires_grad_(False).eval()
        self.critic = PatchCritic().to(device) if ADVERSARIAL in recipe.losses else None
        self.hints = self._make_hints() if HINTS in recipe.losses else None
        self.learned = [*self.model.parameters(), *(self.hints.parameters() if self.hints else ())]
        self.optimiser = Muon(self.learned, training.lr, betas=(0.9, 0.99), weight_decay=training.weight_decay)
        self.critic_optimiser = (
            torch.optim.AdamW(self.critic.parameters(), training.lr, betas=(0.5, 0.99)) if self.critic else None
        )
        self.batches = BatchSource(recipe.data, data_root, training.seed)
        self.validation = Validation(recipe.data, data_root, self.vgg)
        self.step, self.best = 0, float("inf")
        self.stopping = False

    def _make_hints(self) -> FeatureHints:
        encoder, widths = getattr(self.model, "encoder", None), self.model.hyper_parameters.get("widths")
        if encoder is None or widths is None or self.vgg is None:
            raise InputError(f"expected a model with an encoder for the loss {HINTS!r}, got {self.model.info.name!r}")
        hints = FeatureHints(widths, self.vgg.widths).to(self.device)
        hints.watch(encoder)
        return hints

    # -- state --------------------------------------------------------------------------------------------------

    def _stateful(self) -> dict[str, Any]:
        parts: dict[str, Any] = {"model": self.model, "average": self.average, "optimiser": self.optimiser}
        if self.hints is not None:
            parts["hints"] = self.hints
        if self.critic is not None:
            parts |= {"critic": self.critic, "critic_optimiser": self.critic_optimiser}
        return parts

    def save(self) -> None:
        """Write the checkpoint."""
        state = {name: part.state_dict() for name, part in self._stateful().items()}
        numbers = {"step": self.step, "best": self.best, "rng": torch.get_rng_state()}
        checkpoint.save(self.out / "last.pt", {**state, **numbers})

    def resume(self) -> None:
        """Go on from the checkpoint of the run's folder, if there is one."""
        path = self.out / "last.pt"
        if not path.is_file():
            return
        state = checkpoint.load(path)
        for name, part in self._stateful().items():
            if name in state:  # a critic that the recipe gained since starts fresh
                part.load_state_dict(state[name])
        self.step, self.best = state["step"], state["best"]
        torch.set_rng_state(state["rng"])
        self.log(f"resumed at step {self.step}")

    def initialise(self, weights: str) -> None:
        """Start from trained weights, bundled by name or a file, instead of random ones."""
        trained = create_model(self.recipe.model.name, weights, **self.recipe.model.hyper_parameters).state_dict()
        self.model.load_state_dict(trained)
        self.average.load_state_dict(trained)

    # -- one step -----------------------------------------------------------------------------------------------

    def _active(self, name: str) -> bool:
        return bool(self.recipe.losses.get(name)) and self.step >= self.recipe.training.starts.get(name, 0)

    def _losses(self, batch: Batch) -> dict[str, Tensor]:
        found = {"auxiliary": self.model.auxiliary_loss(batch.exemplar, batch.white_hot)}
        content = torch.cat([batch.content, batch.rows], dim=1) if self.model.takes_rows else batch.content
        if any(self._active(name) for name in self.recipe.losses if name != HINTS):
            found |= self._translation_losses(batch, content)
        else:
            self.model.content_statistics(content)  # runs the encoder alone
        if self.hints is not None and self.vgg is not None and self._active(HINTS):
            with torch.no_grad():
                targets = self.vgg(batch.content)
            found[HINTS] = self.recipe.losses[HINTS] * self.hints(targets)
        return found

    def _translation_losses(self, batch: Batch, content: Tensor) -> dict[str, Tensor]:
        style = self.model.encode(batch.exemplar, batch.white_hot)
        expected = self.recipe.training.reconstruction * len(content)
        count = int(expected) + int(torch.rand(()).item() < expected % 1)
        strength = torch.ones(len(content), 1, device=self.device)
        strength[:count] = 0
        output = self.model.translate(content, style, strength, None).float()
        luminance = kornia.color.rgb_to_grayscale(batch.content)
        luminance = torch.where(batch.white_hot[:, None, None, None], luminance, 1 - luminance)
        truth = torch.cat([luminance[:count], batch.truth[count:]])
        scene = Scene(batch.content, truth, output, self.vgg)
        weights = self.recipe.losses
        found = {name: weights[name] * loss(scene) for name, loss in LOSSES.items() if self._active(name)}
        if self.critic is not None and self._active(ADVERSARIAL):
            real = slice(count, None)
            found["critic"] = critic_loss(self.critic, batch.content[real], truth[real], output[real])
            self.critic.requires_grad_(False)
            judged = adversarial(self.critic, batch.content[real], output[real])
            self.critic.requires_grad_(True)
            found[ADVERSARIAL] = weights[ADVERSARIAL] * judged
        return found

    def train_step(self, batch: Batch) -> dict[str, float]:
        """Update on one batch; return the weighted losses.

        Raises:
            InputError: A loss is not finite; the batch is saved beside the checkpoint.
        """
        training = self.recipe.training
        for group in self.optimiser.param_groups:
            group["lr"] = training.lr * _schedule(training, self.step)
        bf16 = training.precision == "bfloat16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
            losses = self._losses(batch)
        total = torch.stack([loss.float() for loss in losses.values()]).sum()
        if not torch.isfinite(total):
            torch.save(asdict(batch), self.out / "bad_batch.pt")
            raise InputError(f"expected finite losses, got {losses} at step {self.step}: see {self.out}/bad_batch.pt")
        self.optimiser.zero_grad(set_to_none=True)
        if self.critic_optimiser is not None:
            self.critic_optimiser.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.learned, training.clip)
        self.optimiser.step()
        if self.critic_optimiser is not None and ADVERSARIAL in losses:
            self.critic_optimiser.step()
        self._average(min(training.ema, (1 + self.step) / (10 + self.step)))
        return {name: loss.item() for name, loss in losses.items()}

    @torch.no_grad()
    def _average(self, decay: float) -> None:
        averaged: list[Tensor] = list(self.average.parameters())
        current: list[Tensor] = list(self.model.parameters())
        torch._foreach_lerp_(averaged, current, 1 - decay)

    # -- the run ------------------------------------------------------------------------------------------------

    def run(self) -> Scores | None:
        """Train to the recipe's last step, or until SIGINT or SIGTERM; return the last validation scores."""
        training = self.recipe.training
        handlers = {s: signal.signal(s, self._stop) for s in (signal.SIGINT, signal.SIGTERM)}
        started = saved = time.monotonic()
        sums: dict[str, float] = {}
        waited, first, seen, scores = 0.0, self.step, 0, None
        self.model.train()
        try:
            with ThreadPoolExecutor(1) as pool:
                ahead = pool.submit(self.batches.draw, self.step, training.batch_size)
                while self.step < training.steps and not self.stopping:
                    asked = time.monotonic()
                    batch = _to(ahead.result(), self.device)
                    waited += time.monotonic() - asked
                    ahead = pool.submit(self.batches.draw, self.step + 1, training.batch_size)
                    for name, value in self.train_step(batch).items():
                        sums[name] = sums.get(name, 0.0) + value
                    self.step += 1
                    seen += 1
                    if self.step % 50 == 0:
                        elapsed = time.monotonic() - started
                        self._report(sums, seen, (self.step - first) * training.batch_size / elapsed, waited / elapsed)
                        sums, seen = {}, 0
                    if self.step % training.validate_every == 0 or self.step == training.steps:
                        scores = self.validate()
                    if time.monotonic() - saved > 60 * training.checkpoint_minutes:
                        self.save()
                        saved = time.monotonic()
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        self.save()
        return scores

    def validate(self) -> Scores:
        """Score the averaged weights, write a contact sheet and keep them if they are the best so far."""
        scores = self.validation(self.average, self.out / f"sheet-{self.step:06d}.png")
        if scores.rank < self.best:
            self.best = scores.rank
            described = {
                "recipe": json.dumps(asdict(self.recipe)),
                "step": str(self.step),
                "scores": json.dumps(asdict(scores)),
            }
            self.average.save(self.out / "best.safetensors", described)
        self.log(f"step {self.step} validation {scores} rank {scores.rank:.4f} best {self.best:.4f}")
        return scores

    def _report(self, sums: dict[str, float], steps: int, rate: float, waiting: float) -> None:
        means = " ".join(f"{name} {value / steps:.4f}" for name, value in sums.items())
        self.log(f"step {self.step} {means} | {rate:.1f} crops/s, waiting for data {waiting:.1%}")

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.log(f"signal {number}: saving and stopping")
        self.stopping = True


def _schedule(training: TrainingSection, step: int) -> float:
    """Warm-up, plateau, linear decay to zero: a run may be lengthened or cut at any checkpoint."""
    warm = min(1.0, (step + 1) / max(1, training.warmup_steps))
    return warm * min(1.0, (training.steps - step) / max(1, training.decay_steps))


def _to(batch: Batch, device: torch.device) -> Batch:
    def move(tensor: Tensor) -> Tensor:
        tensor = tensor.to(device, non_blocking=True)
        return tensor.contiguous(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor

    return Batch(*(move(t) for t in (batch.content, batch.rows, batch.truth, batch.exemplar, batch.white_hot)))
