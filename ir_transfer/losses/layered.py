"""Content and style losses per layer, weighted per sample: the losses behind the layer-weight sliders."""

import torch
from torch import Tensor, nn

from ir_transfer.losses.base import Scene
from ir_transfer.losses.content import content_distance
from ir_transfer.nn.gram import gram_matrix
from ir_transfer.nn.perceptual import CONTENT_LAYERS, LAYERS, STYLE_LAYERS

_DECAY = 0.99


class LayeredLoss(nn.Module):
    """Weighted sum of the losses of all layers, each divided by its moving average.

    ``L = sum_l alpha_l L_l / mean(L_l)`` with content losses at two layers and Gram losses at five (Babaeizadeh and
    Ghiasi 2020, equations 6 and 9): a layer's share follows its weight, independent of the loss's scale. Their common
    factor, the sum of all averages, is omitted, so that a difficult batch does not outweigh the other losses. The
    averages are updated at every forward pass in training mode.
    """

    average: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("average", torch.zeros(len(LAYERS)))

    def forward(self, scene: Scene, weights: Tensor) -> Tensor:
        """Return the loss of a batch.

        Args:
            scene: Output, RGB image and ground truth.
            weights: Weight of each layer per sample (B, 7) in [0, 1], in the order of :data:`LAYERS`.
        """
        return self.shares(layer_losses(scene), weights).sum(dim=1).mean()

    def shares(self, losses: Tensor, weights: Tensor) -> Tensor:
        """Return the contribution of each layer to the loss of each sample (B, 7)."""
        if self.training:
            with torch.no_grad():
                mean = losses.detach().mean(dim=0)
                new = torch.where(self.average > 0, torch.lerp(mean, self.average, _DECAY), mean)
                self.average.copy_(new)
        return weights * losses / (self.average + 1e-12)


def layer_losses(scene: Scene) -> Tensor:
    """Return the content losses, then the style losses of every sample (B, 7), in the order of :data:`LAYERS`.

    Content is the squared distance of instance-normalised features of output and RGB image. Style is the squared
    distance of the Gram matrices of output and ground truth, divided by the sum of their squared norms, since the norm
    of a dark ground truth alone is close to zero.
    """
    found = [content_distance(scene, name.removeprefix("content.")) for name in CONTENT_LAYERS]
    for level in STYLE_LAYERS:
        output, wanted = gram_matrix(scene.output_features[level]), gram_matrix(scene.truth_features[level])
        scale = wanted.square().sum((1, 2)) + output.detach().square().sum((1, 2)) + 1e-12
        found.append((output - wanted).square().sum((1, 2)) / scale)
    return torch.stack(found, dim=1)
