"""A validation set in memory: images, ground truths, labels and exemplars, loaded and checked before the first step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ir_transfer.data.pair_checks import check_pairs
from ir_transfer.data.pair_files import load_pair, to_unit
from ir_transfer.errors import InputError
from ir_transfer.evaluation.scenes import Scene
from ir_transfer.evaluation.soft_objects import soft_regions
from ir_transfer.imaging.image_io import OutputLevels
from ir_transfer.imaging.image_names import composed
from ir_transfer.labels.soft_labels import open_soft_labels
from ir_transfer.metrics.object_heat import Region
from ir_transfer.training.images import load_rgb
from ir_transfer.training.recipe import DataSection, ValidationSet
from ir_transfer.training.sources import ImageFiles, find_validations
from ir_transfer.training.validation_exemplars import validation_exemplars

_Levels = tuple[OutputLevels, OutputLevels | None, NDArray[np.bool_] | None]


@dataclass(frozen=True)
class ValidationExemplar:
    """Exemplar of a validation set.

    Attributes:
        file: Path of the file.
        image: White-hot infrared image (1, 1, h, w) in [0, 1].
    """

    file: Path
    image: Tensor


@dataclass(frozen=True)
class ValidationImages:
    """Images of one validation set.

    Attributes:
        section: Entry of the recipe.
        files: Paths of all files.
        exemplars: Exemplars, used one at a time.
        images: RGB image (H, W, 3), ground truth (H, W) or None, and valid pixels (H, W) or None if all are, of each
            scene.
        truth_files: File of each ground truth; empty if unpaired.
        regions: Labelled people and vehicles of each scene.
    """

    section: ValidationSet
    files: Sequence[Path]
    exemplars: Sequence[ValidationExemplar]
    images: Sequence[_Levels]
    truth_files: Sequence[Path]
    regions: Sequence[Sequence[Region]]

    @property
    def paired(self) -> bool:
        """Whether the set has ground truths."""
        return self.section.pairing == "paired"

    def scenes(
        self, exemplar: ValidationExemplar, limit: int | None = None
    ) -> Iterator[tuple[Scene, Sequence[Region]]]:
        """Yield the scenes with their labelled objects; in an unpaired set the exemplar replaces the ground truth.

        A scene whose ground truth is the exemplar is omitted if there are others, since the exemplar would reveal the
        tone of the ground truth.

        Args:
            exemplar: One of the set's exemplars.
            limit: Largest number of scenes.
        """
        indices = range(len(self.images))
        foreign = [i for i in indices if not self.truth_files or self.truth_files[i] != exemplar.file]
        for index in (foreign or indices)[:limit]:
            rgb, ir, seen = self.images[index]
            content = torch.from_numpy(to_unit(rgb.transpose(2, 0, 1)))[None]
            if ir is not None:
                truth = torch.from_numpy(to_unit(ir))[None, None]
            else:
                truth = F.interpolate(exemplar.image, content.shape[-2:], mode="bilinear", antialias=True)
            valid = None if seen is None else torch.from_numpy(seen)[None, None]
            yield Scene(str(index), content, truth.clamp(0, 1), valid=valid), self.regions[index]


def load_validations(data: DataSection, root: Path) -> list[ValidationImages]:
    """Read every validation set of a recipe.

    Raises:
        MissingFileError: A folder is missing.
        InputError: No image, an exemplar is missing, a pair or a label has another size, or a ground truth is coloured.
        DecodeError: A file is not an image.
    """
    found = find_validations(data, root)
    return [_load(data, root, chosen, one) for chosen, one in zip(data.validation_sets, found, strict=True)]


def _load(data: DataSection, root: Path, chosen: ValidationSet, found: ImageFiles) -> ValidationImages:
    if not found.rgb:
        raise InputError(f"expected images in {root / chosen.path} ({found.where}), got none: add some")
    images: list[_Levels]
    if found.pairs is not None:
        check_pairs(found.pairs)
        images = [load_pair(pair) for pair in found.pairs]
    else:
        images = [(levels, None, valid) for levels, valid in map(load_rgb, found.rgb)]
    exemplars = [
        ValidationExemplar(path, torch.from_numpy(to_unit(levels))[None, None])
        for levels, path in validation_exemplars(data, root, chosen, found)
    ]
    truths = [single.path for single in found.infrared]
    labels = _labels(root, chosen)
    regions = []
    for single, (rgb, _, _) in zip(found.rgb, images, strict=True):
        size = rgb.shape[0], rgb.shape[1]
        label = labels.get(composed(single.stem))
        regions.append([] if label is None else soft_regions(label, size, size))
    return ValidationImages(chosen, found.files, exemplars, images, truths, regions)


def _labels(root: Path, chosen: ValidationSet) -> dict[str, Path]:
    if chosen.labels is not None:
        return open_soft_labels(root / chosen.labels)
    usual = root / "labels" / chosen.path
    # With a card, a folder of this name may contain other files.
    return open_soft_labels(usual) if usual.is_dir() and any(usual.glob("*.png")) else {}
