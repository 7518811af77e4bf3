"""L-BFGS optimisation of an image (Liu and Nocedal 1989), as in the paper."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor

from ir_transfer.errors import InputError

Losses = Callable[[Tensor], Mapping[str, Tensor]]
OnStep = Callable[[int, int, Mapping[str, float]], None]

PATIENCE = 10
"""Steps over which the loss must fall by the tolerance."""

_HISTORY = 50
_EVALUATIONS = 25  # of one line search at most


@contextmanager
def differentiable(device: torch.device) -> Iterator[None]:
    """Enable gradients in full precision, independent of inference mode, no_grad and autocast of the caller."""
    with torch.inference_mode(False), torch.enable_grad(), torch.autocast(device.type, enabled=False):
        yield


def style_of_image(style: Mapping[str, Tensor], index: int) -> dict[str, Tensor]:
    """Return the style tensors of one image of a batch; styles with a batch size of 1 are shared."""
    return {name: tensor[index : index + 1] if len(tensor) > 1 else tensor for name, tensor in style.items()}


def noise(height: int, width: int, like: Tensor) -> Tensor:
    """Return white noise (1, 1, height, width) in [0, 1], the same for one seed of torch on every device."""
    generator = torch.Generator().manual_seed(torch.initial_seed())
    return torch.rand(1, 1, height, width, generator=generator).to(like)


def search(start: Tensor, losses: Losses, steps: int, tolerance: float = 0.0, on_step: OnStep | None = None) -> Tensor:
    """Return the image (1, 1, H, W) that L-BFGS finds by minimising the sum of losses.

    Args:
        start: Initial image (1, 1, H, W).
        losses: Function from an image to its losses by name.
        steps: Largest number of steps; a step is one direction with a line search.
        tolerance: Stop when the sum has decreased by less than this share over ten steps.
        on_step: Called after every step with step, largest number of steps, and losses by name.

    Raises:
        InputError: The losses are not finite.
    """
    landscape = _Landscape(start, losses)
    optimiser = torch.optim.LBFGS(
        [landscape.image],
        max_iter=1,
        max_eval=_EVALUATIONS,
        tolerance_grad=0,
        tolerance_change=0,
        history_size=_HISTORY,
        line_search_fn="strong_wolfe",
    )
    totals = [landscape.total()]
    for step in range(1, steps + 1):
        optimiser.step(landscape.evaluate)  # type: ignore[no-untyped-call]
        totals.append(landscape.total())
        if on_step is not None:
            on_step(step, steps, landscape.values)
        if step >= PATIENCE and totals[-1 - PATIENCE] - totals[-1] <= tolerance * totals[-1 - PATIENCE]:
            break
    return landscape.image.detach()


class _Landscape:
    """The image with its losses; the last evaluation is cached, since a step starts where the previous one ended."""

    def __init__(self, start: Tensor, losses: Losses) -> None:
        self.image = start.detach().clone(memory_format=torch.contiguous_format).requires_grad_()
        self.values: dict[str, float] = {}
        self._losses = losses
        self._seen: tuple[Tensor, Tensor, Tensor] | None = None

    def evaluate(self) -> Tensor:
        """Set the image's gradient and return the sum of its losses, both times the number of pixels.

        L-BFGS drops directions with a curvature below 1e-10, which a mean over pixels might reach.
        """
        if self._seen is None or not torch.equal(self._seen[0], self.image):
            losses = self._losses(self.image)
            total = torch.stack([*losses.values()]).sum() * self.image.numel()
            (gradient,) = torch.autograd.grad(total, self.image)
            self.values = {name: loss.item() for name, loss in losses.items()}
            self._seen = (self.image.detach().clone(), total.detach(), gradient.contiguous())
        _, total, self.image.grad = self._seen
        return total

    def total(self) -> float:
        """Return the sum of the losses at the image."""
        total = self.evaluate().item()
        if not abs(total) < float("inf"):
            shown = ", ".join(f"{name} {value:.4g}" for name, value in self.values.items())
            raise InputError(f"expected finite losses of the optimised image, got {shown}: lower style_weight")
        return total
