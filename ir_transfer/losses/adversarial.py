"""Patch-adversarial loss with a small critic (discriminator) of real and generated infrared patches."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


class PatchCritic(nn.Module):
    """PatchGAN critic (Isola et al. 2017, section 3.2.2) with spectral normalisation (Miyato et al. 2018).

    Its input is the RGB image concatenated with the infrared image, so that plausible texture on the wrong object
    is detected too.

    Args:
        width: Channels of the first level.
    """

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        widths = (4, width, 2 * width, 4 * width)
        layers: list[nn.Module] = []
        for a, b in pairwise(widths):
            layers += [spectral_norm(nn.Conv2d(a, b, 4, stride=2, padding=1)), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, spectral_norm(nn.Conv2d(widths[-1], 1, 3, padding=1)))

    def forward(self, content: Tensor, infrared: Tensor) -> Tensor:
        """Return the score map (B, 1, H / 8, W / 8) of content (B, 3, H, W) and infrared (B, 1, H, W)."""
        score: Tensor = self.layers(torch.cat([content, infrared], dim=1) * 2 - 1)
        return score


def critic_loss(critic: PatchCritic, content: Tensor, truth: Tensor, output: Tensor) -> Tensor:
    """Return the hinge loss () of the critic (Lim and Ye 2017); no gradient reaches the output."""
    real: Tensor = critic(content, truth)
    made: Tensor = critic(content, output.detach())
    return F.relu(1 - real).mean() + F.relu(1 + made).mean()


def adversarial(critic: PatchCritic, content: Tensor, output: Tensor) -> Tensor:
    """Return the hinge loss () of the generator for an output (B, 1, H, W)."""
    score: Tensor = critic(content, output)
    return -score.mean()
