"""Apparent contrast of people and vehicles against the background around them, and their outlines."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.losses.base import CANONICAL_DEVIATION, CANONICAL_MEAN, Scene

_CELL = 4
_REACH = 15  # cells of the window in which an object is compared with its ring
_OUTLINE = 7  # cells of the windows in which outlines are compared
_LEAST_RING = 0.02  # share of the window
_EXPECTED = 1.2  # deviations; the means of three sets of registered pairs are 0.3, 1.5 and 2.4
_PERSON, _VEHICLE = 1, 3
_LARGEST = 2.5  # deviations: larger contrasts of the ground truth are capped


def people_contrast(scene: Scene) -> Tensor:
    """Return the mean shortfall of people's contrast against the ground truth's, in deviations (scalar, >= 0)."""
    return _shortfall(scene, (_PERSON,))


def vehicle_contrast(scene: Scene) -> Tensor:
    """Return the mean shortfall of vehicles' contrast against the ground truth's, in deviations (scalar, >= 0)."""
    return _shortfall(scene, (_VEHICLE,))


def expected_people(scene: Scene) -> Tensor:
    """Return the mean shortfall of people against a contrast of 1.2 deviations over their ring (scalar, >= 0).

    For RGB images with class labels and without a ground truth.
    """
    if scene.classes is None:
        return scene.output[..., :0].sum()
    likely = scene.classes[:, [_PERSON]]
    inside, ring = _object_and_ring(likely, scene.counted(likely))
    image = (scene.output - CANONICAL_MEAN) / CANONICAL_DEVIATION
    counted = inside * (_box(ring) > _LEAST_RING).to(inside)
    short = F.relu(_EXPECTED - _contrast(F.avg_pool2d(image, _CELL), inside, ring))
    return (counted * short).sum() / (counted.sum() + 1e-3 * counted.numel())


def outlines(scene: Scene) -> Tensor:
    """Return one minus the correlation of output and people around the people's outlines (scalar, in [0, 2]).

    Registration errors of a few pixels blur the outlines learned from pairs; class labels follow the edges of the RGB
    image. For samples without a ground truth, since in others people may be as warm as their background.
    """
    if scene.classes is None:
        return scene.output[..., :0].sum()
    people = scene.classes[:, [_PERSON]]
    image = F.avg_pool2d((scene.output - CANONICAL_MEAN) / CANONICAL_DEVIATION, _CELL)
    values = torch.cat([people, image, people.square(), image.square(), people * image], dim=1)
    mean, level, square, level_square, product = F.avg_pool2d(values, _OUTLINE, 1).chunk(5, dim=1)
    variance, spread = square - mean.square(), level_square - level.square()
    correlation = (product - mean * level) / ((variance + 1e-3) * (spread + 1e-2)).sqrt()
    counted = F.avg_pool2d(scene.counted(people).expand_as(people), _OUTLINE, 1) > 1 - 1e-3
    weight = variance.clamp(min=0) * counted
    return (weight * (1 - correlation)).sum() / (weight.sum() + 1e-3 * weight.numel())


def _shortfall(scene: Scene, wanted: tuple[int, ...]) -> Tensor:
    """One-sided, and only where the ground truth's contrast is positive: in front of a warm wall, people are dark."""
    if scene.classes is None:
        return scene.output[..., :0].sum()  # zero, with a gradient like every other loss
    likely = scene.classes[:, list(wanted)].sum(1, keepdim=True)
    inside, ring = _object_and_ring(likely, scene.counted(likely))
    pair = ((image - CANONICAL_MEAN) / CANONICAL_DEVIATION for image in (scene.output, scene.truth))
    found, asked = (_contrast(F.avg_pool2d(image, _CELL), inside, ring) for image in pair)
    # The middle of an object that fills the window has no ring within the window.
    counted = inside * ((asked > 0.1) & (_box(ring) > _LEAST_RING)).to(inside)
    short = F.relu(asked.clamp(max=_LARGEST) - found)
    return (counted * short).sum() / (counted.sum() + 1e-3 * counted.numel())


def _object_and_ring(likely: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    """Return the weights of an object's cells and of the ring around them.

    Args:
        likely: Probability of the object (B, 1, h, w).
        valid: 1 for cells that count, else 0, in a shape that broadcasts to it.
    """
    near, far = (F.max_pool2d(likely, side, 1, side // 2) for side in (3, 9))
    ring = (far - near).clamp(min=0) * (far > 0.5).to(likely)
    return likely * (likely > 0.5).to(likely) * valid, ring * valid


def _contrast(image: Tensor, inside: Tensor, ring: Tensor) -> Tensor:
    def local_mean(values: Tensor, weight: Tensor) -> Tensor:
        return _box(values * weight) / (_box(weight) + 1e-4)

    # Without detach, the loss would darken the ring, which is visible as a halo.
    return local_mean(image, inside) - local_mean(image.detach(), ring)


def _box(values: Tensor) -> Tensor:
    return F.avg_pool2d(values, _REACH, 1, _REACH // 2, count_include_pad=False)
