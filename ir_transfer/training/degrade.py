"""Degradation of clean RGB images: darkness, glare, blur, noise, compression, loss of colour."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from ir_transfer.imaging.image_io import LUMA


@dataclass(frozen=True)
class Degradation:
    """Shares of RGB images that are degraded in training.

    Attributes:
        degraded: Share with noise, blur, compression or changed colours; see :func:`degrade`.
        darkened: Share of those that are darkened as if taken at night.
        glare: Share with lamps and streaks; see :func:`add_glare`.
    """

    degraded: float = 0.4
    darkened: float = 0.0
    glare: float = 0.0

    def __call__(self, image: Tensor, random: np.random.Generator) -> Tensor:
        """Return an RGB image (3, H, W) in [0, 1], degraded or unchanged."""
        if random.random() < self.degraded:
            image = degrade(image, random, night=self.darkened)
        return add_glare(image, random) if random.random() < self.glare else image


def degrade(image: Tensor, random: np.random.Generator, night: float = 0.35) -> Tensor:
    """Return a degraded RGB image of the same shape and range as ``image`` (3, H, W) in [0, 1].

    Labels of the clean image remain valid, so that an encoder can be trained on degraded images with labels that its
    teachers predict reliably only by day.

    Args:
        image: sRGB in [0, 1].
        random: Source of the random choices.
        night: Share of images that are darkened.
    """
    image = darken(image, random) if random.random() < night else _jitter(image, random)
    if random.random() < 0.2:
        image = _blur(image, random.uniform(0.5, 2.0))
    if random.random() < 0.3:
        image = image + _noise(image.shape, random) * random.uniform(0.01, 0.04)
    if random.random() < 0.18:
        image = (image * image.new_tensor(LUMA)[:, None, None]).sum(0, keepdim=True).expand(3, -1, -1)
    if random.random() < 0.06:
        image = torch.lerp(image, torch.full_like(image, random.uniform(0.5, 0.9)), random.uniform(0.2, 0.7))
    image = image.clamp(0, 1)
    return _compressed(image, int(random.integers(15, 75))) if random.random() < 0.2 else image


def darken(image: Tensor, random: np.random.Generator) -> Tensor:
    """Return a daylight RGB image (3, H, W) in [0, 1] as if taken at night: dark, tinted, noisy, with lamps."""
    dark = image.pow(random.uniform(1.4, 3.2)) * random.uniform(0.45, 1.2)
    tint = 1 - random.uniform(0, 0.6) * torch.tensor([0.0, 0.4, 0.9]) if random.random() < 0.6 else torch.ones(3)
    if random.random() < 0.2:
        tint = tint.flip(0)
    dark = dark * tint.to(image)[:, None, None]
    if random.random() < 0.7:
        dark = dark + _lamps(image.shape[-2], image.shape[-1], random)
    return (dark + _noise(image.shape, random) * random.uniform(0.005, 0.05)).clamp(0, 1)


def add_glare(image: Tensor, random: np.random.Generator) -> Tensor:
    """Return an RGB image (3, H, W) in [0, 1] with saturated lamps and the streaks that they cause in a lens.

    Content hidden by glare keeps its label and infrared intensity, which can only be inferred from the surroundings.
    """
    height, width = image.shape[-2:]
    rows, columns = torch.arange(height).view(-1, 1), torch.arange(width).view(1, -1)
    light = torch.zeros(3, height, width)
    for _ in range(int(random.integers(1, 5))):
        down, across = rows - random.uniform(0, height), columns - random.uniform(0, width)
        radius, flattened = float(np.exp(random.uniform(0.7, 3.4))), random.uniform(1, 2.5)
        distance = ((down * flattened).square() + across.square()).sqrt() / radius
        disc = torch.sigmoid((1 - distance) * random.uniform(3, 12)) * 1.5 + 0.3 / (1 + distance.square())
        if random.random() < 0.25:
            angle = random.uniform(0, np.pi)
            off = (down * np.cos(angle) - across * np.sin(angle)).abs()
            along = (down * np.sin(angle) + across * np.cos(angle)).abs()
            fading = (-along / random.uniform(40, 300)).exp() * random.uniform(0.2, 0.9)
            disc = disc + fading * (-(off / random.uniform(1.5, 12)).square()).exp()
        colour = torch.tensor([random.uniform(0.7, 1), random.uniform(0.7, 1), random.uniform(0.5, 1)])
        light = light + colour[:, None, None] * disc
    return (image + light.to(image)).clamp(0, 1)


def _lamps(height: int, width: int, random: np.random.Generator) -> Tensor:
    rows = torch.arange(height).view(-1, 1)
    columns = torch.arange(width).view(1, -1)
    glow = torch.zeros(3, height, width)
    for _ in range(int(random.integers(1, 7))):
        squared = (rows - random.uniform(0, height)) ** 2 + (columns - random.uniform(0, width)) ** 2
        radius = float(np.exp(random.uniform(0.7, 3.0)))
        colour = torch.tensor([1.0, random.uniform(0.6, 1), random.uniform(0.3, 1)])[:, None, None]
        halo = 0.35 / (1 + squared / (4 * radius**2))
        glow = glow + colour * ((-squared / (2 * radius**2)).exp() * 1.2 + halo**2)
    return glow


def _jitter(image: Tensor, random: np.random.Generator) -> Tensor:
    gray = (image * image.new_tensor(LUMA)[:, None, None]).sum(0, keepdim=True)
    image = torch.lerp(gray.expand_as(image), image, random.uniform(0.3, 1.5))
    image = (image - image.mean()) * random.uniform(0.6, 1.35) + image.mean() + random.uniform(-0.15, 0.15)
    cast = torch.tensor(random.uniform(0.88, 1.12, 3), dtype=image.dtype)
    return (image * cast[:, None, None]).clamp(0, 1)


def _blur(image: Tensor, sigma: float) -> Tensor:
    radius = max(1, round(2.5 * sigma))
    kernel = torch.exp(-0.5 * (torch.arange(-radius, radius + 1) / sigma) ** 2)
    kernel = (kernel / kernel.sum()).view(1, 1, 1, -1)
    padded = F.pad(image[:, None], (radius, radius, radius, radius), mode="reflect")
    return F.conv2d(F.conv2d(padded, kernel), kernel.transpose(2, 3))[:, 0]


def _noise(shape: torch.Size, random: np.random.Generator) -> Tensor:
    return torch.from_numpy(random.standard_normal(tuple(shape), dtype=np.float32))


def _compressed(image: Tensor, quality: int) -> Tensor:
    levels = (image * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "JPEG", quality=quality)
    decoded = np.asarray(Image.open(file))
    return torch.from_numpy(decoded.copy()).permute(2, 0, 1).float() / 255
