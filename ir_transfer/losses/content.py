"""Content loss: distance of normalised VGG features to those of the RGB image."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ir_transfer.losses.base import Scene

_LEVEL = "relu4_1"


def content(scene: Scene) -> Tensor:
    """Return the mean squared distance of relu4_1 features of output and RGB image, each instance-normalised.

    Johnson et al. 2016, equation 2, on features without their channel means and deviations, which describe the style
    (Huang et al. 2018, MUNIT, the domain-invariant perceptual distance).
    """
    output, content_features = scene.output_features[_LEVEL].float(), scene.content_features[_LEVEL].float()
    return F.mse_loss(F.instance_norm(output), F.instance_norm(content_features))
