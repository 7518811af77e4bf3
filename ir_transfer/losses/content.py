"""Content loss: distance of normalised VGG features to those of the RGB image."""

import torch.nn.functional as F
from torch import Tensor

from ir_transfer.losses.base import Scene

_LEVEL = "relu4_1"
_EPS = 1e-5  # that of torch's instance normalisation


def content(scene: Scene) -> Tensor:
    """Return the mean squared distance () of relu4_1 features of output and RGB image, each instance-normalised.

    Johnson et al. 2016, equation 2, on features without their channel means and deviations, which describe the style
    (Huang et al. 2018, MUNIT, the domain-invariant perceptual distance).
    """
    return content_distance(scene, _LEVEL).mean()


def content_distance(scene: Scene, level: str) -> Tensor:
    """Return the mean squared distance (B,) of the normalised features of a level, over the counted positions."""
    output, features = scene.output_features[level].float(), scene.content_features[level].float()
    if scene.valid is None:
        return (F.instance_norm(output) - F.instance_norm(features)).square().mean((1, 2, 3))
    counted = scene.counted(output)
    share = counted / counted.sum((2, 3), keepdim=True).clamp(min=1)
    difference = _normalised(output, share) - _normalised(features, share)
    return (difference.square() * share).sum((2, 3)).mean(1)


def _normalised(features: Tensor, share: Tensor) -> Tensor:
    """Return features (B, C, h, w) of mean 0 and variance 1 over positions that count by their share (B, 1, h, w)."""
    centred = features - (features * share).sum((2, 3), keepdim=True)
    return centred / ((centred.square() * share).sum((2, 3), keepdim=True) + _EPS).sqrt()
