"""Distances between the output and the registered ground truth."""

import torch.nn.functional as F
from torch import Tensor

from ir_transfer.losses.base import Scene

_HOT_GAIN = 8.0
_LEVELS = 5
_COARSE = 4


def charbonnier(scene: Scene) -> Tensor:
    """Return the Charbonnier distance () with weight ``1 + 8 |truth - blurred truth|``.

    The weight raises the share of people and engines, which cover few pixels.
    """
    weight = (1 + _HOT_GAIN * (scene.truth - _surroundings(scene.truth)).abs()) * scene.counted(scene.truth)
    distance = ((scene.output - scene.truth) ** 2 + 1e-6).sqrt()
    return (weight * distance).mean() / weight.mean().clamp(min=1e-6)


def coarse(scene: Scene) -> Tensor:
    """Return :func:`charbonnier` of both images, averaged over cells of 4 x 4 pixels.

    Pairs are registered to a few pixels at best. At full resolution, a sharp edge displaced by two pixels is penalised
    twice and a blurred one once; at a quarter of the resolution, blur has no advantage.
    """
    content, truth, output = (F.avg_pool2d(image, _COARSE) for image in (scene.content, scene.truth, scene.output))
    valid = None if scene.valid is None else scene.counted(truth) > 0
    return charbonnier(Scene(content, truth, output, valid=valid))


def laplacian(scene: Scene) -> Tensor:
    """Return the L1 distance () of Laplacian pyramids of five levels (Bojanowski et al. 2018).

    Errors where the ground truth is hotter than its surroundings count double.
    """
    output, truth = scene.output, scene.truth
    total = output.new_zeros(())
    for level in range(_LEVELS):
        output_low, truth_low = F.avg_pool2d(output, 2), F.avg_pool2d(truth, 2)
        size = output.shape[-2:]
        output_band = output - F.interpolate(output_low, size, mode="bilinear")
        truth_band = truth - F.interpolate(truth_low, size, mode="bilinear")
        hot = 1 + (truth_band > 0.02).to(truth.dtype)
        total = total + (2.0**level) ** 0.5 * scene.mean(hot * (output_band - truth_band).abs())
        output, truth = output_low, truth_low
    return total


def hot_objects(scene: Scene) -> Tensor:
    """Return the mean shortfall () of the output's local contrast where the ground truth is locally hot.

    One-sided, on compact regions: an output that is too cold is penalised, one that is too hot is not.
    """
    truth = scene.truth - _surroundings(scene.truth)
    output = scene.output - _surroundings(scene.output)
    hot = ((truth - 0.08) / 0.12).clamp(0, 1) * scene.counted(truth)
    return (hot * F.relu(truth - output)).sum() / (hot.sum() + 1e-3 * hot.numel())


def correlation(scene: Scene) -> Tensor:
    """Return ``1 - r`` (), where r is the Pearson correlation of output and ground truth over each image.

    Invariant to gain and offset. Where the exemplar does not determine the tone, a distance is smallest for a gray
    output; this loss is not.
    """
    return (1 - scene.correlation(scene.output, scene.truth, 1e-6)).mean()


def _surroundings(image: Tensor) -> Tensor:
    """Return the local mean over 40 x 40 pixels."""
    factor = 8
    small = F.avg_pool2d(image, factor)
    small = F.avg_pool2d(small, 5, stride=1, padding=2, count_include_pad=False)
    return F.interpolate(small, image.shape[-2:], mode="bilinear")


def l1(scene: Scene) -> Tensor:
    """Return the mean absolute difference ()."""
    return scene.mean((scene.output - scene.truth).abs())
