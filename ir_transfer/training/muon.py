"""Muon optimiser: orthogonalised momentum for weight matrices, AdamW for all other parameters."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from ir_transfer.nn.precision import bfloat16_is_fast

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
_MOMENTUM = 0.95
_ADAMW_RMS = 0.2  # root mean square of an AdamW step, in units of the learning rate


class Muon(torch.optim.AdamW):
    """AdamW, except that hidden weights step along the orthogonalised momentum (Jordan et al. 2024).

    A convolution's weight is a matrix of (out, in x 9). Its step has all singular values near 1, so that rare gradient
    directions, such as those of few people in the images, are learned as fast as common ones. The step is scaled to
    the size of AdamW's (Liu et al. 2025, arXiv:2502.16982, equation 4), so that one learning
    rate serves both.

    Args:
        parameters: Parameters to train; matrices of at least ``smallest`` rows and columns are hidden weights.
        lr: Learning rate of both optimisers.
        betas: Momentum coefficients of AdamW.
        weight_decay: Decoupled weight decay of both optimisers.
        smallest: Smallest number of rows and columns of a hidden weight; first and last layers have fewer.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        lr: float,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.01,
        smallest: int = 8,
    ) -> None:
        hidden: list[nn.Parameter] = []
        rest: list[nn.Parameter] = []
        for parameter in parameters:
            # A depthwise convolution does not map between channels.
            matrix = (
                parameter.dim() > 1
                and parameter.shape[1] > 1
                and min(parameter.shape[0], parameter[0].numel()) >= smallest
            )
            (hidden if matrix else rest).append(parameter)
        groups = [{"params": rest, "orthogonal": False}, {"params": hidden, "orthogonal": True}]
        super().__init__([g for g in groups if g["params"]], lr, betas, weight_decay=weight_decay)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update all parameters; the gradients of hidden weights are cleared."""
        for group in self.param_groups:
            if group["orthogonal"]:
                self._orthogonal_step(group["params"], group["lr"], group["weight_decay"])
        return super().step(closure)

    def _orthogonal_step(self, parameters: Iterable[nn.Parameter], lr: float, weight_decay: float) -> None:
        alike: defaultdict[tuple[int, int], list[tuple[nn.Parameter, Tensor]]] = defaultdict(list)
        for parameter in parameters:
            gradient, parameter.grad = parameter.grad, None  # so that AdamW skips it
            if gradient is not None:
                matrix = self._nesterov(parameter, gradient).reshape(len(gradient), -1)
                alike[len(matrix), matrix.shape[1]].append((parameter, matrix))
        for shape, found in alike.items():  # one batched product per shape: launching many small ones is slow on a GPU
            steps = _orthogonalised(torch.stack([matrix for _, matrix in found]))
            moved: list[Tensor] = [parameter for parameter, _ in found]
            ways = [step.reshape(p.shape) for step, p in zip(steps.unbind(), moved, strict=True)]
            torch._foreach_mul_(moved, 1 - lr * weight_decay)
            torch._foreach_add_(moved, ways, alpha=-lr * _ADAMW_RMS * max(shape) ** 0.5)

    def _nesterov(self, parameter: nn.Parameter, gradient: Tensor) -> Tensor:
        """Return the Nesterov momentum."""
        state = self.state[parameter]
        if not state:
            # AdamW expects "step" in every state that it loads.
            state |= {"step": torch.zeros(()), "momentum": torch.zeros_like(gradient)}
        momentum: Tensor = state["momentum"]
        momentum.lerp_(gradient, 1 - _MOMENTUM)
        return gradient.lerp(momentum, _MOMENTUM)


def _orthogonalised(matrices: Tensor) -> Tensor:
    """Return matrices (N, R, C) with the same singular vectors and singular values near 1 (Newton-Schulz, quintic)."""
    a, b, c = _COEFFICIENTS
    transposed = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if transposed else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    x = x.bfloat16() if bfloat16_is_fast(x.device) else x
    for _ in range(_ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    orthogonal: Tensor = (x.mT if transposed else x).to(matrices.dtype)
    return orthogonal
