"""Scenes with a small random VGG."""

import torch
from torch import nn

from ir_transfer.losses.base import Scene
from ir_transfer.nn.perceptual import PerceptualEncoder


def random_vgg() -> PerceptualEncoder:
    """Return a VGG whose deep features are as large as its shallow ones, like those of a trained one."""
    torch.manual_seed(0)
    vgg = PerceptualEncoder((4, 5, 6, 7, 8))
    for module in vgg.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    return vgg


def random_scene(batch: int = 2, side: int = 64) -> Scene:
    """Return unrelated content, truth and output; contrast, people and vehicles grow from sample to sample."""
    vgg = random_vgg()
    images = (torch.rand(batch, channels, side // 4, side // 4) for channels in (3, 1, 1))
    content, truth, output = (nn.functional.interpolate(p, scale_factor=4, mode="bilinear") for p in images)
    contrast = torch.linspace(0.4, 1.0, batch)[:, None, None, None]
    classes = torch.zeros(batch, 11, side // 4, side // 4)
    classes[:, 7] = 1
    for sample in range(batch):
        for number, start in ((1, 1), (3, side // 8)):
            box = slice(start, start + 2 + sample)
            classes[sample, :, box, box] = 0
            classes[sample, number, box, box] = 1
    return Scene(content, truth * contrast, output, vgg, classes=classes)
