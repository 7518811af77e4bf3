"""Style loss of Gatys et al. 2016: relative distance of Gram matrices."""

import torch
from torch import Tensor

from ir_transfer.losses.base import Scene
from ir_transfer.nn.gram import gram_matrix


def relative_distance(output: Tensor, wanted: Tensor) -> Tensor:
    """Return the squared Frobenius distance of matrices (B, C, C) over the squared norm of the target, averaged over B.

    The constants in the papers depend on layer, network and image size; the relative distance does not.
    """
    distance = (output - wanted).square().sum((1, 2))
    return (distance / (wanted.square().sum((1, 2)) + 1e-12)).mean()


def gram(scene: Scene) -> Tensor:
    """Return the relative distance () of Gram matrices, averaged over five levels (Gatys et al. 2016, eq. 3 to 5).

    The infrared image of the style may have another size, since the matrices are means over positions.
    """
    pairs = [(scene.output_features[level], wanted) for level, wanted in scene.truth_features.items()]
    return torch.stack([relative_distance(gram_matrix(a), gram_matrix(b)) for a, b in pairs]).mean()
