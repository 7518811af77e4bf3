"""Agreement of gradients with the ground truth: position, direction and strength of edges."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.losses.base import CANONICAL_DEVIATION, Scene

_WINDOW = 16
_REACH = 2
_FLOOR = 0.02  # deviations a pixel: below it, an image is flat


def gradient(scene: Scene) -> Tensor:
    """Return one minus the cosine of the gradients in windows, plus the log ratio of their strength: ().

    Each window of 16 x 16 pixels uses the best of 13 shifts of up to 2 pixels. A plain distance of gradients is
    smallest for a flat output; comparing strength separately removes that minimum.
    """
    output, truth = (_gradients(image / CANONICAL_DEVIATION) for image in (scene.output, scene.truth))
    energy, wanted = _energy(output), _energy(truth)
    cosine = torch.stack(
        [
            _mean((output * shifted).sum(1, keepdim=True)) / (energy * _energy(shifted)).sqrt()
            for shifted in _shifts(truth)
        ]
    ).amax(0)
    # Windows are weighted by the strength of the ground truth: flat ones have no gradient direction.
    counted = _whole_windows(scene, output)
    weight = wanted.sqrt() * counted
    strength = (energy / wanted).log().abs() / 4 * counted
    return (weight * (1 - cosine)).sum() / weight.sum().clamp(min=1e-12) + strength.sum() / counted.sum().clamp(min=1)


def _whole_windows(scene: Scene, field: Tensor) -> Tensor:
    """Return 1 for windows of valid pixels, else 0 (B, 1, h, w)."""
    counted = scene.counted(field).expand(len(field), 1, *field.shape[-2:])
    return (_mean(1 - counted) == 0).to(field)


def _energy(field: Tensor) -> Tensor:
    return _mean(field.square().sum(1, keepdim=True)) + _FLOOR**2


def _gradients(images: Tensor) -> Tensor:
    dx = images[..., 1:, 1:] - images[..., 1:, :-1]
    dy = images[..., 1:, 1:] - images[..., :-1, 1:]
    return torch.cat([dx, dy], dim=1)


def _mean(values: Tensor) -> Tensor:
    return F.avg_pool2d(values, _WINDOW, _WINDOW // 2, ceil_mode=True)


def _shifts(field: Tensor) -> list[Tensor]:
    height, width = field.shape[-2:]
    padded = F.pad(field, [_REACH] * 4)
    ends, near = (-_REACH, 0, _REACH), ((-1, 0), (1, 0), (0, -1), (0, 1))
    places = [*((dy, dx) for dy in ends for dx in ends), *near]
    return [padded[..., _REACH + dy :, _REACH + dx :][..., :height, :width] for dy, dx in places]
