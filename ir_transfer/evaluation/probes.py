"""Probes of a network: which of its channels are dead, and how far away a pixel looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ir_transfer.models.base import TranslationModel
from ir_transfer.models.style_code import StyleCode

RADIUS = 64
"""Pixels around a probed pixel that :func:`context_reach` leaves as they are."""

_VARIES = 1e-4  # least range of a live channel, relative to the largest range in its layer
_PROBED = (0.3, 0.7)  # rows and columns of the probed pixels, as a share of the sides
_LEAST_REPLACED = 0.25  # of a picture's pixels; with less of it replaced, reach would be small by construction
_ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.ELU, nn.SiLU, nn.GELU, nn.Sigmoid, nn.Tanh, nn.Hardswish, nn.Softplus)


class _Ranges:
    """Least and largest value of every channel of every layer's pictures."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[Tensor, Tensor]] = {}

    def see(self, name: str, values: Any) -> None:
        if not isinstance(values, Tensor) or values.dim() != 4 or values.shape[-2:].numel() == 1:
            return  # a code or a statistic is no picture
        low, high = (reduce(values.detach(), dim=(0, 2, 3)).float() for reduce in (torch.amin, torch.amax))
        if name in self.found:
            low, high = torch.minimum(low, self.found[name][0]), torch.maximum(high, self.found[name][1])
        self.found[name] = low, high


@contextmanager
def _watched(model: nn.Module) -> Iterator[_Ranges]:
    """Note what goes into every convolution, and what comes out of convolutions and activations.

    What goes into a convolution is watched because an activation may be a function, which no hook sees.
    """
    ranges, hooks = _Ranges(), []

    def on(name: str, side: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(module: nn.Module, given: Any, made: Any) -> None:
            if side == "in":
                ranges.see(f"{name} (input)", given[0] if given else None)
            else:
                ranges.see(name, made)

        return hook

    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            hooks += [module.register_forward_hook(on(name, "in")), module.register_forward_hook(on(name, "out"))]
        elif isinstance(module, _ACTIVATIONS):
            hooks.append(module.register_forward_hook(on(name, "out")))
    try:
        yield ranges
    finally:
        for hook in hooks:
            hook.remove()


@torch.no_grad()
def dead_shares(
    model: TranslationModel, photographs: Sequence[Tensor], style: Callable[[], Sequence[StyleCode]]
) -> dict[str, float]:
    """Return the share of dead channels of every layer that sees pictures, by the layer's name.

    A channel is dead if it has the same value at all pixels of all pictures, however many are shown: nothing that
    follows can learn anything from it. ``NAME (input)`` is what a convolution is given.

    Args:
        model: In evaluation mode.
        photographs: Each (1, 3, H, W) in [0, 1]; a few that differ, such as by day and by night.
        style: Makes the styles to translate them with, so that the exemplar's encoder is watched too.
    """
    with _watched(model) as ranges:
        for code in style():
            for photograph in photographs:
                model(photograph, code)
    shares = {}
    for name, (low, high) in ranges.found.items():
        spread = high - low
        shares[name] = float((spread <= _VARIES * spread.max()).double().mean())
    return shares


@torch.no_grad()
def context_reach(
    model: TranslationModel, photographs: Sequence[Tensor], style: StyleCode, radius: int = RADIUS
) -> float | None:
    """Return by how much pixels change, as a share of the range, if all that is farther away than ``radius`` changes.

    The surroundings are replaced by the picture's own, mirrored left to right. Colours, rows and the statistics of
    features stay nearly as they are, so that what moves every pixel alike (a tone curve over the whole picture,
    normalised features) cannot pass for context. A picture that is its own mirror image shows no reach.

    Args:
        model: In evaluation mode.
        photographs: Each (1, 3, H, W) in [0, 1]; those of which less than a quarter would be replaced are left out.
        style: Of the model.
        radius: In pixels.

    Returns:
        The mean over four pixels of every picture; None if all pictures are too small.
    """
    changes = []
    for photograph in photographs:
        height, width = photograph.shape[-2:]
        points = [(int(y * height), int(x * width)) for y in _PROBED for x in _PROBED]
        far = [_farther(height, width, point, radius).to(photograph.device) for point in points]
        if min(float(mask.double().mean()) for mask in far) < _LEAST_REPLACED:
            continue
        before = model(photograph, style)
        mirrored = photograph.flip(3)
        for (y, x), mask in zip(points, far, strict=True):
            after = model(torch.where(mask, mirrored, photograph), style)
            changes.append(float((after - before)[0, 0, y, x].abs()))
    return sum(changes) / len(changes) if changes else None


def _farther(height: int, width: int, point: tuple[int, int], radius: int) -> Tensor:
    rows, columns = torch.arange(height)[:, None] - point[0], torch.arange(width)[None] - point[1]
    return rows.square() + columns.square() > radius**2
