"""A rehearsal before the first step: what would fail after hours fails now, and the hours are estimated."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from ir_transfer.errors import InputError
from ir_transfer.evaluation.benchmark.memory import own_peak
from ir_transfer.training.batches import Batch
from ir_transfer.training.learner import Learner
from ir_transfer.training.validate import Validation

_OPTIMISER_STATE = 8  # bytes per parameter that the optimiser takes at its first step, at most


def rehearse(learner: Learner, batch: Batch, validation: Validation | None, step: int) -> str:
    """Run one batch forward and backward and validate on one picture, leaving no trace; return what it takes.

    Args:
        learner: What will be trained.
        batch: On the learner's device.
        validation: None in processes that do not validate.
        step: At which the training begins.

    Raises:
        InputError: A loss is not finite, or no parameter gets a gradient.
    """
    device = learner.processes.device
    with _untouched(learner.objective, device):
        _forward_backward(learner, batch, step)  # also plans convolutions, so only the second one is timed
        began = time.monotonic()
        _forward_backward(learner, batch, step)
        seconds = time.monotonic() - began
        _check_gradients(learner)
    began = time.monotonic()
    if validation is not None:
        validation(learner.average, limit=1)
    picture = time.monotonic() - began
    learned = sum(p.numel() for p in learner.objective.learned())
    left = max(0, learner.recipe.training.steps - step)
    peak = torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else own_peak()
    return (
        f"rehearsal passed: {seconds:.2f} s per step, {left} steps in about {_clock(seconds * left)}, {picture:.2f} s "
        f"per validation picture, about {peak + learned * _OPTIMISER_STATE / 2**20:.0f} MiB of memory"
    )


def _forward_backward(learner: Learner, batch: Batch, step: int) -> None:
    for parameter in learner.objective.parameters():
        parameter.grad = None
    losses = learner.losses(batch, step)
    bad = [name for name, loss in losses.items() if not torch.isfinite(loss)]
    if bad:
        raise InputError(f"expected finite losses before the first step, got {', '.join(bad)} not finite: see losses")
    torch.stack([*losses.values()]).sum().backward()  # type: ignore[no-untyped-call]
    if learner.processes.device.type == "cuda":
        torch.cuda.synchronize()


def _check_gradients(learner: Learner) -> None:
    gradients = [p.grad for p in learner.objective.learned() if p.grad is not None]
    if not all(bool(torch.isfinite(gradient).all()) for gradient in gradients):
        raise InputError("expected finite gradients before the first step, got others: set training.precision=float32")
    if not any(bool(gradient.any()) for gradient in gradients):
        raise InputError("expected a gradient before the first step, got none: no loss reaches the model, see losses")


@contextmanager
def _untouched(module: nn.Module, device: torch.device) -> Iterator[None]:
    """Undo what a forward and backward pass leaves behind: running moments, gradients, random state."""
    buffers = [buffer.clone() for buffer in module.buffers()]
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        yield
    with torch.no_grad():
        for buffer, before in zip(module.buffers(), buffers, strict=True):
            buffer.copy_(before)
    for parameter in module.parameters():
        parameter.grad = None


def _clock(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"
