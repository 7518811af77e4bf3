"""Learning rates, warm-up and early stopping."""

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ir_transfer.training.recipe import TrainingSection

_NEVER = -1


def learning_rate(training: TrainingSection, step: int) -> float:
    """Return the learning rate of a step, counted from 0, of a parameter that is past its :class:`WarmUp`.

    ``plateau``: constant, then linear decay to zero, so that a run can be extended or shortened at any checkpoint.
    ``cosine``: constant for ``warmup_steps``, then half a cosine to zero at each of ``restarts`` and at the end
    (Loshchilov and Hutter 2017, equation 5).
    """
    if training.schedule == "cosine":
        restarts = [restart for restart in training.restarts if restart <= step]
        start = restarts[-1] if restarts else training.warmup_steps
        end = min([restart for restart in training.restarts if restart > step], default=training.steps)
        past = max(0, step - start) / max(1, end - start)
        peak = training.lr * training.restart_lr ** len(restarts)
        return peak * 0.5 * (1 + math.cos(math.pi * min(1.0, past)))
    return training.lr * _plateau(training, step)


def critic_rate(training: TrainingSection, step: int) -> float:
    """Return the critic's learning rate of a step: constant, then linear to zero at the end, for every schedule."""
    return training.critic_lr * _plateau(training, step)


def _plateau(training: TrainingSection, step: int) -> float:
    return min(1.0, max(0, training.steps - step) / max(1, training.decay_steps))


class WarmUp:
    """Linear warm-up of the learning rate of each parameter, from its first gradient on.

    Losses may start late. Parameters that only these losses train would otherwise start at the full rate, which can
    deactivate rectified units permanently.

    Adam and Muon normalise the gradient, so scaling it has no effect. Their steps are linear in the rate, weight decay
    included, so the step itself is scaled.

    Args:
        parameters: Parameters, in the same order at every resume.
        steps: Length of the warm-up; 0 and 1 mean none.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], steps: int) -> None:
        self.parameters, self.steps = list(parameters), max(1, steps)
        self._first = [_NEVER] * len(self.parameters)

    @contextmanager
    def scaled_step(self, step: int) -> Iterator[None]:
        """Scale the step that an optimiser takes in the block; parameters without a gradient so far are not updated.

        Args:
            step: Training step, counted from 0.
        """
        self._note(step)
        ages = [step - first + 1 for first in self._first]
        pairs = zip(self.parameters, ages, strict=True)
        young = [(parameter, age) for parameter, age in pairs if age < self.steps and parameter.grad is not None]
        if not young:
            yield
            return
        moved, shares = [parameter.detach() for parameter, _ in young], [age / self.steps for _, age in young]
        before = [parameter.clone() for parameter in moved]
        yield
        way = torch._foreach_sub(moved, before)
        torch._foreach_mul_(way, shares)
        torch._foreach_copy_(moved, before)
        torch._foreach_add_(moved, way)

    def _note(self, step: int) -> None:
        waiting = [
            (index, parameter.grad)
            for index, (parameter, first) in enumerate(zip(self.parameters, self._first, strict=True))
            if first == _NEVER and parameter.grad is not None
        ]
        if not waiting:
            return
        largest = torch._foreach_norm([gradient for _, gradient in waiting], math.inf)
        for (index, _), reached in zip(waiting, torch.stack(largest).ne(0).tolist(), strict=True):
            if reached:
                self._first[index] = step
            else:  # so that neither weight decay nor Adam's step count applies to it
                self.parameters[index].grad = None

    def state_dict(self) -> dict[str, Tensor]:
        """Return the step of every parameter's first gradient as ``first`` (n,), int64; -1 for none yet."""
        return {"first": torch.tensor(self._first, dtype=torch.int64)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Load the result of :meth:`state_dict`.

        Raises:
            ValueError: The state has another number of parameters.
        """
        first: list[int] = state["first"].tolist()
        if len(first) != len(self.parameters):
            raise ValueError(f"expected first steps of {len(self.parameters)} parameters, got {len(first)}")
        self._first = first


@dataclass
class EarlyStopping:
    """Counts validations without an improvement.

    Attributes:
        limit: Validations without an improvement after which the training stops; None never stops it.
        best: Smallest rank so far.
        stale: Validations since the best one.
    """

    limit: int | None
    best: float = math.inf
    stale: int = 0

    def update(self, rank: float) -> bool:
        """Count a validation; return whether its rank is the smallest so far."""
        found = rank < self.best
        self.best = min(rank, self.best)
        self.stale = 0 if found else self.stale + 1
        return found

    @property
    def exhausted(self) -> bool:
        """Whether the limit is reached."""
        return self.limit is not None and self.stale >= self.limit
