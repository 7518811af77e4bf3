"""A validation set in memory: images, ground truths, labels and exemplars, loaded and checked before the first step."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ir_transfer.data.pair_checks import check_pairs
from ir_transfer.data.pair_files import load_pair, to_unit
from ir_transfer.data.pairs import Single
from ir_transfer.errors import InputError
from ir_transfer.evaluation.scenes import Scene
from ir_transfer.evaluation.soft_objects import soft_regions
from ir_transfer.imaging.image_io import OutputLevels
from ir_transfer.imaging.image_names import composed
from ir_transfer.labels.soft_labels import open_soft_labels
from ir_transfer.metrics.object_heat import Region
from ir_transfer.training.images import load_infrared, load_rgb
from ir_transfer.training.recipe import DataSection, ValidationSet
from ir_transfer.training.sources import ImageFiles, find_sources, find_validations, style_files

_SAMPLE = 48
"""Images of a set from which the typical ones are chosen."""


def validation_exemplars(
    data: DataSection, root: Path, chosen: ValidationSet, found: ImageFiles
) -> list[tuple[OutputLevels, Path]]:
    """Return the exemplars (h, w) of a validation set, white-hot, each with its file.

    If the set names no exemplar, it is the first file of the recipe's first style. In a recipe without styles, they are
    :func:`typical` images of the set's own ground truths, which have the right band, camera and time of day, or of the
    first source if the set is unpaired. The choice is deterministic.

    Args:
        data: The recipe's data section.
        root: Folder to which its paths are relative.
        chosen: The set.
        found: Its image files.

    Raises:
        InputError: A file named in the recipe is missing.
        DecodeError: A file is not an image.
    """
    sources = find_sources(data, root)
    if not chosen.exemplars and data.looks:
        singles = style_files(next(iter(data.looks)), data.looks, root)[:1]
    elif not chosen.exemplars:
        held_out = {single for other in find_validations(data, root) for single in other.infrared}
        singles = typical(found.infrared) if found.infrared else typical(sources[0].infrared, held_out)
    else:
        # An image of a source or of the set is read with its card, which states its polarity.
        known = {single.path: single for other in (*sources, found) for single in other.infrared}
        paths = [_existing(root / text, found.where) for text in chosen.exemplars]
        singles = [known.get(path, Single(path.stem, path, "ir")) for path in paths]
    return [(load_infrared(single), single.path) for single in singles]


def typical(infrared: Sequence[Single], held_out: Collection[Single] = ()) -> list[Single]:
    """Return two typical images, one of the darker and one of the brighter half of an even sample.

    In each half it is the image whose mean and deviation are closest to the medians of that half. A set of one image
    gives that image only.

    Args:
        infrared: Images to choose from.
        held_out: Images to exclude, if others remain.
    """
    usable = [single for single in infrared if single not in held_out] or infrared
    count = min(len(usable), _SAMPLE)
    sample = [usable[index * len(usable) // count] for index in range(count)]
    moments = np.array([(p.mean(), p.std()) for p in (to_unit(load_infrared(single)) for single in sample)])
    order = np.argsort(moments[:, 0], kind="stable")
    halves = [half for half in np.array_split(order, 2) if half.size]
    return [sample[half[_most_typical(moments[half])]] for half in halves]


def _most_typical(moments: NDArray[np.float64]) -> int:
    return int(np.square(moments - np.median(moments, axis=0)).sum(axis=1).argmin())


def _existing(path: Path, where: str) -> Path:
    if not path.is_file():
        key = f"{where}_exemplar" if where == "data.validation" else f"an exemplar of {where}"
        raise InputError(
            f"expected {key} at {path}, found none: set it to an infrared image, or omit the key to use typical ones"
        )
    return path


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
