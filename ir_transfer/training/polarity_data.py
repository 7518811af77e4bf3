"""White-hot infrared images for the polarity classifier: reading, folds of whole scenes, batched augmentation."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.errors import InputError, MissingFileError
from ir_transfer.imaging.exemplars.fill import without_invalid
from ir_transfer.imaging.image_io import read_image
from ir_transfer.imaging.image_names import is_image_name
from ir_transfer.nn.content_encoder import ContentEncoder
from ir_transfer.nn.odd_statistics import SIDES
from ir_transfer.nn.polarity import polarity_statistics

STORED = (3 * SIDES[0] // 2, 3 * SIDES[1] // 2)
"""Height and width in pixels of the images that crops are taken from."""

_BATCH = 16


@dataclass(frozen=True)
class PolaritySet:
    """Images of one source.

    Attributes:
        name: Name in the card and the error rates.
        folders: Folders of white-hot infrared images, relative to the data root.
        share: Share of the draws, relative to the other sets.
        scene: Pattern whose match in a file's stem names its scene; the whole stem by default.
    """

    name: str
    folders: list[str]
    share: float = 1.0
    scene: str = "^.*$"


@dataclass(frozen=True)
class PolarityImages:
    """Images of one set, in the order of their scenes.

    Attributes:
        name: Name of the set.
        share: Share of the draws, relative to the other sets.
        files: Path of each image.
        scenes: Scene of each image.
        levels: Reduced images (N, 1, 288, 384), uint8, each stretched to its own range.
        plain: Statistics (N, C) of the unmodified images.
    """

    name: str
    share: float
    files: tuple[Path, ...]
    scenes: tuple[str, ...]
    levels: Tensor
    plain: Tensor

    def folds(self, count: int) -> Tensor:
        """Return the fold (N,) of each image; a fold consists of consecutive whole scenes."""
        first = {scene: self.scenes.index(scene) for scene in self.scenes}
        return torch.tensor([first[scene] * count // len(self.scenes) for scene in self.scenes])

    @torch.inference_mode()
    def augmented(self, count: int, random: torch.Generator, encoder: ContentEncoder) -> Tensor:
        """Return the statistics (N, count, C) of augmented versions of each image."""
        augment, found = PolarityAugment(random), []
        for levels in torch.split(self.levels, _BATCH):
            versions = [polarity_statistics(augment(levels.float() / 255), encoder) for _ in range(count)]
            found.append(torch.stack(versions, dim=1))
        return torch.cat(found)


@torch.inference_mode()
def read_images(root: Path, section: PolaritySet, encoder: ContentEncoder) -> PolarityImages:
    """Read the images of a set and compute their statistics with ``encoder``.

    Raises:
        MissingFileError: A folder that does not exist.
        InputError: The folders contain no image.
    """
    found: list[tuple[str, Path]] = []
    for folder in (root / name for name in section.folders):
        if not folder.is_dir():
            raise MissingFileError(f"expected the folder {folder} of set {section.name!r}, found none: check --data")
        found += [(_scene(section, path), path) for path in folder.iterdir() if is_image_name(path)]
    if not found:
        raise InputError(f"expected images in the folders of set {section.name!r}, got none: check the recipe")
    ordered = sorted(found)
    read = [_read(path) for _, path in ordered]
    levels = torch.cat([_stored(gray) for gray in read])
    plain = torch.cat([polarity_statistics(gray, encoder) for gray in read])
    scenes, files = zip(*ordered, strict=True)
    return PolarityImages(section.name, section.share, files, scenes, levels, plain)


def _read(path: Path) -> Tensor:
    """Return an infrared image (1, 1, h, w) without invalid borders, as passed to the classifier in a conversion."""
    image = read_image(path)
    return torch.from_numpy(without_invalid(image.gray()[0], image.valid))[None, None]


def _scene(section: PolaritySet, path: Path) -> str:
    # A file whose name does not match is a separate scene.
    match = re.search(section.scene, path.stem)
    return path.stem if match is None else match[0].zfill(12)


def _stored(gray: Tensor) -> Tensor:
    small = F.interpolate(gray, STORED, mode="bilinear", antialias=True)
    low, high = small.aminmax()
    return ((small - low) / (high - low).clamp(min=1e-6) * 255).round().to(torch.uint8)


def draw_batch(statistics: Sequence[Tensor], shares: Sequence[float], count: int, random: torch.Generator) -> Tensor:
    """Draw a batch (count, C) of statistics, with each set's share of the draws.

    Args:
        statistics: Statistics of the images (N, V, C), set by set; a set may be empty.
        shares: Shares of the sets.
        count: Rows of the batch.
        random: Random generator.
    """
    present = torch.tensor([share if len(one) else 0.0 for one, share in zip(statistics, shares, strict=True)])
    hits = torch.multinomial(present, count, replacement=True, generator=random).bincount(minlength=len(statistics))
    batch = []
    for one, hit in zip(statistics, hits.tolist(), strict=True):
        rows = one.flatten(0, 1)
        if hit:
            batch.append(rows[torch.randint(len(rows), (hit,), generator=random)])
    return torch.cat(batch)


class PolarityAugment:
    """Crops, flips, tone curves, sharpening, blur, noise and burnt-in boxes; images stay white-hot."""

    def __init__(self, random: torch.Generator) -> None:
        self.random = random

    def __call__(self, images: Tensor) -> Tensor:
        """Return augmented images (B, 1, 192, 256) in [0, 1] of larger ones (B, 1, h, w) in [0, 1]."""
        x = self._toned(self._stretched(self._moved(images)))
        x = self._sharpened_or_blurred(x)
        x = x + self._uniform(len(x), 0, 0.2) * x.std((1, 2, 3), keepdim=True) * self._normal(x) * self._chance(x, 0.4)
        return self._with_box(x).clamp(0, 1)

    def _moved(self, images: Tensor) -> Tensor:
        """Crop 0.4 to 1 of the area, flip half, rotate slightly, and rotate one in eight by 90 degrees."""
        count = len(images)
        side = self._uniform(count, 0.4, 1).sqrt().view(-1)
        stretch = (0.15 * torch.randn(count, generator=self.random)).exp()
        across, down = (side * stretch).clamp(max=1), (side / stretch).clamp(max=1)
        mirror = torch.where(torch.rand(count, generator=self.random) < 0.5, -1.0, 1.0)
        quarter = (torch.rand(count, generator=self.random) < 0.125).float() * torch.pi / 2
        angle = quarter + 0.08 * torch.randn(count, generator=self.random)
        x, y = ((1 - part) * (2 * torch.rand(count, generator=self.random) - 1) for part in (across, down))
        rows = [across * mirror * angle.cos(), -down * angle.sin(), x, across * mirror * angle.sin()]
        theta = torch.stack([*rows, down * angle.cos(), y], dim=1).view(-1, 2, 3)
        grid = F.affine_grid(theta, [count, 1, *SIDES], align_corners=False)
        return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)

    def _stretched(self, x: Tensor) -> Tensor:
        low, high = x.amin((1, 2, 3), keepdim=True), x.amax((1, 2, 3), keepdim=True)
        return (x - low) / (high - low + 1e-4)

    def _toned(self, x: Tensor) -> Tensor:
        """Apply a gamma of 0.4 to 2.5, clipping of both ends, and to some images histogram equalisation."""
        gamma = self._uniform(len(x), -0.92, 0.92).exp()
        bent = torch.where(self._chance(x, 0.5) > 0, x.clamp(min=1e-4) ** gamma, 1 - (1 - x).clamp(min=1e-4) ** gamma)
        x = torch.where(self._chance(x, 0.7) > 0, bent, x)
        chosen = torch.nonzero(self._chance(x, 0.2).view(-1)).view(-1)
        ranks = x[chosen].flatten(1).argsort(1).argsort(1).view_as(x[chosen]) / (x[0].numel() - 1)
        x = x.index_copy(0, chosen, torch.lerp(x[chosen], ranks, self._uniform(len(chosen), 0.3, 1)))
        low = self._uniform(len(x), 0, 0.3) * self._chance(x, 0.3)
        high = 1 - self._uniform(len(x), 0, 0.4) * self._chance(x, 0.3)
        return ((x - low) / (high - low)).clamp(0, 1)

    def _sharpened_or_blurred(self, x: Tensor) -> Tensor:
        blurred = F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        amount = self._uniform(len(x), -1, 2) * self._chance(x, 0.4)
        x = x + amount * (x - blurred)
        small = F.interpolate(F.avg_pool2d(x, 3), x.shape[-2:], mode="bilinear")
        return torch.where(self._chance(x, 0.2) > 0, small, x)

    def _with_box(self, x: Tensor) -> Tensor:
        """Set a box at the border of some images to black or white, like a logo or a frame."""
        height, width = x.shape[-2:]
        for index in torch.nonzero(self._chance(x, 0.2).view(-1)).view(-1).tolist():
            draw = torch.rand(5, generator=self.random).tolist()
            tall, wide = 1 + int(draw[0] * height / 4), 1 + int(draw[1] * width)
            top, left = (height - tall) * int(draw[2] < 0.5), int(draw[3] * (width - wide))
            x[index, :, top : top + tall, left : left + wide] = round(draw[4])
        return x

    def _uniform(self, count: int, low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, 1, 1, 1, generator=self.random)

    def _normal(self, x: Tensor) -> Tensor:
        return torch.randn(x.shape, generator=self.random)

    def _chance(self, x: Tensor, share: float) -> Tensor:
        return (torch.rand(len(x), 1, 1, 1, generator=self.random) < share).float()
