"""A validation set in memory: pictures, truths, labels and exemplars, found and checked before the first step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.data.image_io import OutputLevels
from ir_transfer.data.pair_checks import check_pairs
from ir_transfer.data.pair_files import load_pair, to_unit
from ir_transfer.data.picture_names import composed
from ir_transfer.data.soft_labels import open_soft_labels
from ir_transfer.errors import InputError
from ir_transfer.evaluation.metrics.object_heat import Region
from ir_transfer.evaluation.scenes import Scene
from ir_transfer.evaluation.soft_objects import soft_regions
from ir_transfer.training.exemplar import validation_exemplars
from ir_transfer.training.pictures import load_single
from ir_transfer.training.recipe import DataSection, ValidationSet
from ir_transfer.training.sources import Found, find_validations


@dataclass(frozen=True)
class ValidationExemplar:
    """What conditions a validation.

    Attributes:
        file: Where it was read.
        picture: White-hot (1, 1, h, w) in [0, 1].
    """

    file: Path
    picture: Tensor


@dataclass(frozen=True)
class ValidationPictures:
    """The pictures of one validation set.

    Attributes:
        section: What the recipe says of it.
        files: What was read.
        exemplars: What conditions it, each used alone.
        pictures: Photograph (H, W, 3) and truth (H, W), None without one.
        truth_files: The file of every truth, in their order; empty without.
        regions: Labelled people and vehicles of every picture.
    """

    section: ValidationSet
    files: Sequence[Path]
    exemplars: Sequence[ValidationExemplar]
    pictures: Sequence[tuple[OutputLevels, OutputLevels | None]]
    truth_files: Sequence[Path]
    regions: Sequence[Sequence[Region]]

    @property
    def paired(self) -> bool:
        """Whether there are truths."""
        return self.section.pairing == "paired"

    def scenes(
        self, exemplar: ValidationExemplar, limit: int | None = None
    ) -> Iterator[tuple[Scene, Sequence[Region]]]:
        """Yield the scenes with their labelled objects; without truths the exemplar takes their place.

        A scene whose own truth is the exemplar is left out where there are others: it would tell the answer's tone.

        Args:
            exemplar: One of the set's.
            limit: So many pictures only.
        """
        indices = range(len(self.pictures))
        foreign = [i for i in indices if not self.truth_files or self.truth_files[i] != exemplar.file]
        for index in (foreign or indices)[:limit]:
            rgb, ir = self.pictures[index]
            photograph = torch.from_numpy(to_unit(rgb.transpose(2, 0, 1)))[None]
            if ir is not None:
                truth = torch.from_numpy(to_unit(ir))[None, None]
            else:
                truth = F.interpolate(exemplar.picture, photograph.shape[-2:], mode="bilinear", antialias=True)
            yield Scene(str(index), photograph, truth.clamp(0, 1)), self.regions[index]


def load_validations(data: DataSection, root: Path) -> list[ValidationPictures]:
    """Read every validation set of a recipe.

    Raises:
        MissingFileError: A folder is missing.
        InputError: No picture, an exemplar is missing, a pair or a label has another size, or a truth is coloured.
        DecodeError: A file is no picture.
    """
    found = find_validations(data, root)
    return [_load(data, root, chosen, one) for chosen, one in zip(data.validation_sets, found, strict=True)]


def _load(data: DataSection, root: Path, chosen: ValidationSet, found: Found) -> ValidationPictures:
    if not found.photographs:
        raise InputError(f"expected pictures in {root / chosen.path} ({found.where}), got none: add some")
    pictures: list[tuple[OutputLevels, OutputLevels | None]]
    if found.pairs is not None:
        check_pairs(found.pairs)
        pictures = [load_pair(pair)[:2] for pair in found.pairs]
    else:
        pictures = [(load_single(single), None) for single in found.photographs]
    exemplars = [
        ValidationExemplar(path, torch.from_numpy(to_unit(levels))[None, None])
        for levels, path in validation_exemplars(data, root, chosen, found)
    ]
    truths = [single.path for single in found.infrared]
    labels = _labels(root, chosen)
    regions = []
    for single, (rgb, _) in zip(found.photographs, pictures, strict=True):
        size = rgb.shape[0], rgb.shape[1]
        label = labels.get(composed(single.stem))
        regions.append([] if label is None else soft_regions(label, size, size))
    return ValidationPictures(chosen, found.files, exemplars, pictures, truths, regions)


def _labels(root: Path, chosen: ValidationSet) -> dict[str, Path]:
    if chosen.labels is not None:
        return open_soft_labels(root / chosen.labels)
    usual = root / "labels" / chosen.path
    # With a card, rgb/ is elsewhere, and so may be what lies in such a folder.
    return open_soft_labels(usual) if usual.is_dir() and any(usual.glob("*.png")) else {}
