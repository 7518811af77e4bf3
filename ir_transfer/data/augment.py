"""Training augmentation: joint geometry for both images, colour and blur for the RGB image, tone for infrared."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ir_transfer.data.pair_files import to_unit
from ir_transfer.imaging.image_io import OutputLevels
from ir_transfer.imaging.pixels.kinds import Levels

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would query a server for its newest version

import albumentations

Floats = NDArray[np.float32]


class PairAugment:
    """Random crop, flip and slight rotation of RGB image and ground truth; colour and blur for the RGB image.

    Args:
        size: Side of the square crop in pixels.
        seed: Seed of its random state.
    """

    def __init__(self, size: int, seed: int) -> None:
        self.geometry = albumentations.Compose(
            [
                albumentations.Affine(rotate=(-6, 6), shear=(-4, 4), border_mode=4, p=0.3),
                albumentations.RandomResizedCrop((size, size), scale=(0.2, 1.0), ratio=(0.75, 1.33)),
                albumentations.HorizontalFlip(p=0.5),
            ],
            additional_targets={"truth": "image", "valid": "image"},
            seed=seed,
        )
        self.camera = albumentations.Compose(
            [
                albumentations.ColorJitter(brightness=0.25, contrast=0.25, saturation=0.35, hue=0.04, p=0.7),
                albumentations.RandomGamma((70, 140), p=0.3),
                albumentations.ToGray(p=0.06),
                albumentations.GaussianBlur(blur_limit=(3, 5), p=0.1),
                albumentations.GaussNoise(std_range=(0.01, 0.04), p=0.15),
                albumentations.ImageCompression(quality_range=(50, 95), p=0.15),
            ],
            seed=seed + 1,
        )

    def reseed(self, seed: int) -> None:
        """Reset the random state."""
        self.geometry.set_random_seed(seed)
        self.camera.set_random_seed(seed + 1)

    def __call__(
        self, rgb: OutputLevels, ir: OutputLevels, valid: OutputLevels | None = None
    ) -> tuple[Floats, Floats, NDArray[np.bool_] | None]:
        """Return a crop of both, (3, size, size) and (1, size, size) in [0, 1], and of the valid pixels.

        Args:
            rgb: RGB image (H, W, 3).
            ir: Infrared image (H, W).
            valid: 255 where both are valid, else 0 (H, W); None if all pixels are valid.
        """
        images = {"image": _working(rgb), "truth": np.repeat(_working(ir)[..., None], 3, axis=2)}
        if valid is not None:
            images["valid"] = np.repeat(valid[..., None], 3, axis=2)
        moved = self.geometry(**images)
        shown = self.camera(image=moved["image"])["image"]
        content = to_unit(shown).transpose(2, 0, 1)
        truth = to_unit(moved["truth"][..., 0])[None]
        # A pixel interpolated from an invalid one is invalid.
        seen = None if valid is None else np.ascontiguousarray(moved["valid"][..., 0][None] == 255)
        return np.ascontiguousarray(content), np.ascontiguousarray(truth), seen


class ExemplarAugment:
    """Random crop and flip of a style exemplar.

    Args:
        size: (height, width) of the crop.
        seed: Seed of its random state.
    """

    def __init__(self, size: tuple[int, int], seed: int) -> None:
        self.geometry = albumentations.Compose(
            [
                albumentations.RandomResizedCrop(size, scale=(0.5, 1.0), ratio=(1.0, 1.6)),
                albumentations.HorizontalFlip(p=0.5),
            ],
            seed=seed,
        )

    def reseed(self, seed: int) -> None:
        """Reset the random state."""
        self.geometry.set_random_seed(seed)

    def __call__(self, ir: OutputLevels) -> Floats:
        """Return a crop (1, h, w) in [0, 1]."""
        return np.ascontiguousarray(to_unit(self.geometry(image=_working(ir))["image"])[None])


def _working(levels: OutputLevels) -> Levels:
    """Return levels of 8 bits unchanged, which is fastest, and others as floats, which no step rounds."""
    return levels if levels.dtype == np.uint8 else to_unit(levels)


@dataclass(frozen=True)
class Tone:
    """The tone of a camera: ``gain * x^gamma + offset``, then the polarity.

    It is applied to exemplar and ground truth alike, so that the network can only learn the tone from the exemplar.
    """

    gamma: float = 1.0
    gain: float = 1.0
    offset: float = 0.0
    inverted: bool = False

    @classmethod
    def draw(cls, random: np.random.Generator, spread: float = 1.0, flips: float = 0.5) -> Tone:
        """Draw a tone; ``spread`` 0 gives the identity, ``flips`` is the share of black-hot tones."""
        gamma = float(np.exp(random.normal(0, 0.25 * spread)))
        gain = float(np.exp(random.normal(0, 0.2 * spread)))
        offset = float(random.normal(0, 0.06 * spread)) + 0.5 * (1 - gain) * float(random.random() < 0.5)
        return cls(gamma, gain, offset, bool(random.random() < flips))

    def __call__(self, image: Floats) -> Floats:
        """Apply to an image in [0, 1]; the result is clipped to [0, 1]."""
        toned = np.clip(self.gain * image**self.gamma + self.offset, 0, 1)
        return np.asarray(1 - toned if self.inverted else toned, dtype=np.float32)
