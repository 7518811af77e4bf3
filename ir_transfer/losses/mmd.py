"""Maximum mean discrepancy between the sets of patches of output and ground truth."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.losses.base import Scene
from ir_transfer.nn.perceptual import unit

_PATCH = 64


def mmd(scene: Scene) -> Tensor:
    """Return the maximum mean discrepancy () of the batch's patches, kernel ``-|x - y|``: twice the energy distance.

    A sample is a patch of 64 x 64 pixels: the mean of its unit-normalised features at five levels, centred on the
    mean of the ground truth's patches and scaled by their spread. A per-patch distance is smallest at the mean of all
    plausible answers; comparing the patches as sets is not. The kernel (Sejdinovic et al. 2013, arXiv:1207.6076,
    section 3) has no bandwidth, and the gradient of an outlier has length 1, whereas with a polynomial kernel it
    would dominate the batch.
    """
    outputs, truths = [], []
    for depth, (level, features) in enumerate(scene.output_features.items()):
        output, truth = _patches(features, depth), _patches(scene.truth_features[level], depth)
        centre, spread = truth.mean(dim=0), truth.var(dim=0, correction=0).sum()
        scale = (spread * len(scene.output_features) + 1e-4).rsqrt()
        outputs.append((output - centre) * scale)
        truths.append((truth - centre) * scale)
    made, true = torch.cat(outputs, dim=1), torch.cat(truths, dim=1)
    return 2 * _distance(made, true) - _distance(made, made) - _distance(true, true)


def _distance(a: Tensor, b: Tensor) -> Tensor:
    """Return the mean distance of all pairs from two sets (N, C) and (M, C)."""
    squared = a.square().sum(dim=1)[:, None] + b.square().sum(dim=1) - 2 * a @ b.T
    return (squared.clamp(min=0) + 1e-6).sqrt().mean()


def _patches(features: Tensor, depth: int) -> Tensor:
    """Return the mean unit feature of every patch of a level, (N, C)."""
    pooled = F.avg_pool2d(unit(features.float()), _PATCH >> depth, _PATCH // 2 >> depth)
    return pooled.permute(0, 2, 3, 1).flatten(0, 2)
