"""Sanity check before the first step: one training step and one validation image, with an estimate of the duration."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from ir_transfer.errors import InputError
from ir_transfer.evaluation.benchmark.memory import own_peak
from ir_transfer.training.batches import Batch
from ir_transfer.training.learner import Learner
from ir_transfer.training.validation import Validation

_OPTIMISER_STATE = 8  # largest number of bytes per parameter that the optimiser allocates at its first step


def run_sanity_check(learner: Learner, batch: Batch, validation: Validation | None, step: int) -> str:
    """Run one batch forward and backward and validate on one image; return a line with time and memory needed.

    Running moments, gradients and random states are restored.

    Args:
        learner: Networks and losses of the training.
        batch: On the learner's device.
        validation: None in processes that do not validate.
        step: First step of the training.

    Raises:
        InputError: A loss is not finite, or no parameter gets a gradient.
    """
    device = learner.processes.device
    with _restored(learner.objective, device):
        _forward_backward(learner, batch, step)  # also selects convolution algorithms, so only the second pass is timed
        began = time.monotonic()
        _forward_backward(learner, batch, step)
        seconds = time.monotonic() - began
        _check_gradients(learner)
    began = time.monotonic()
    if validation is not None:
        validation(learner.average, limit=1)
    image = time.monotonic() - began
    learned = sum(p.numel() for p in learner.objective.learned())
    left = max(0, learner.recipe.training.steps - step)
    peak = torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else own_peak()
    return (
        f"sanity check passed: {seconds:.2f} s per step, {left} steps in about {_clock(seconds * left)}, {image:.2f} s "
        f"per validation image, about {peak + learned * _OPTIMISER_STATE / 2**20:.0f} MiB of memory"
    )


def _forward_backward(learner: Learner, batch: Batch, step: int) -> None:
    for parameter in learner.objective.parameters():
        parameter.grad = None
    losses = learner.losses(batch, step)
    bad = [name for name, loss in losses.items() if not torch.isfinite(loss)]
    if bad:
        raise InputError(f"expected finite losses before the first step, got non-finite {', '.join(bad)}: see losses")
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
def _restored(module: nn.Module, device: torch.device) -> Iterator[None]:
    """Restore buffers and random state and clear gradients after the block."""
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
