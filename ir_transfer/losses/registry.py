"""Losses by the name that a recipe uses."""

from __future__ import annotations

from collections.abc import Mapping

from ir_transfer.errors import UnknownNameError
from ir_transfer.losses import edge, paired, perceptual, style
from ir_transfer.losses.base import Loss

LOSSES: Mapping[str, Loss] = {
    "l1": paired.l1,
    "charbonnier": paired.charbonnier,
    "coarse": paired.coarse,
    "laplacian": paired.laplacian,
    "hot_objects": paired.hot_objects,
    "correlation": paired.correlation,
    "perceptual": perceptual.perceptual,
    "mean_std": style.mean_std,
    "histogram": style.histogram,
    "mmd": style.mmd,
    "edge": edge.edge,
}
# These have a network of their own, so the training loop runs them.
ADVERSARIAL, HINTS = "adversarial", "hints"
NEED_VGG = frozenset({"perceptual", "mean_std", "mmd", HINTS})


def check_names(weights: Mapping[str, float]) -> None:
    """Raise :class:`UnknownNameError` for a loss that does not exist."""
    for name in weights:
        if name not in (*LOSSES, ADVERSARIAL, HINTS):
            raise UnknownNameError.among("loss", name, [*LOSSES, ADVERSARIAL, HINTS])
