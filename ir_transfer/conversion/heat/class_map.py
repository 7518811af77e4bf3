"""``--heat auto``: detects people, two-wheelers and vehicles in the class map of the network's encoder."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, find_objects, label

from ir_transfer.conversion.devices import pick_device
from ir_transfer.conversion.heat.finder import CachedSearch, resized
from ir_transfer.conversion.heat.masks import MappedObject
from ir_transfer.conversion.heat.rules import CLASS_MAP, MAP_CLASSES
from ir_transfer.imaging.image_io import DecodedImage
from ir_transfer.labels.soft_labels import CLASSES
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.encoder_files import NAME, load_encoder
from ir_transfer.models.thermal import OVERVIEW_PIXELS, ThermalModel
from ir_transfer.models.weight_files import tensors_hash
from ir_transfer.nn.content_encoder import ContentEncoder, class_probabilities

LIKELY, POSSIBLE = 0.5, 0.25
"""Probability thresholds: an object is a connected component of possible positions with at least one likely one."""
SMALLEST = 4
"""Smallest number of positions of an object; most smaller components are false positives."""

_SHORTEST = 16  # smallest side in pixels that the encoder supports
_NEIGHBOURS = np.ones((3, 3), bool)


class ClassMapFinder:
    """Finds objects in the class map of a content encoder, with one position per 4 pixels of an overview.

    Touching objects are one object: people who stand close together are shifted together.

    Args:
        encoder: The encoder, which is copied.
    """

    def __init__(self, encoder: ContentEncoder) -> None:
        self._encoder = copy.deepcopy(encoder).eval().requires_grad_(False)
        self._weights_hash = tensors_hash(encoder.state_dict())
        self._found = CachedSearch(self._search)

    @classmethod
    def of_model(cls, model: TranslationModel, device: torch.device) -> Self:
        """Return a finder with the encoder of the model, or with the bundled encoder if the model has none."""
        if isinstance(model, ThermalModel):
            return cls(model.encoder)
        encoder = ContentEncoder()
        load_encoder(encoder, NAME)
        return cls(encoder.to(device))

    @property
    def facts(self) -> Mapping[str, Any]:
        """Settings that determine its results, for the manifest."""
        return {"finder": CLASS_MAP, "weights": self._weights_hash, "likely": LIKELY, "possible": POSSIBLE}

    def __reduce__(self) -> tuple[Callable[[ContentEncoder], ClassMapFinder], tuple[ContentEncoder]]:
        """Pickle on the CPU; another process moves it to its own device."""
        return _unpickled, (copy.deepcopy(self._encoder).cpu(),)

    def __call__(self, image: DecodedImage) -> list[MappedObject]:
        """Return the objects in an image.

        Raises:
            MemoryError: The device has too little memory for one image.
        """
        return self._found(image)

    @torch.inference_mode()
    def _search(self, image: DecodedImage) -> list[MappedObject]:
        height, width = overview_size(image.height, image.width)
        overview = torch.from_numpy(resized(image, height, width).rgb())[None]
        logits = self._encoder(overview.to(next(self._encoder.parameters()).device)).logits
        shares = class_probabilities(logits)[0].cpu().numpy()
        # A position is 4 pixels of the overview, also the last one, which may extend beyond the overview.
        cell = 4 * image.height / height, 4 * image.width / width
        return [one for name in MAP_CLASSES for one in objects_of(name, shares[CLASSES.index(name)], cell)]


def overview_size(height: int, width: int) -> tuple[int, int]:
    """Return height and width of the overview of an image: that of the models, but not below their smallest size."""
    factor = max(1, math.ceil(math.sqrt(height * width / OVERVIEW_PIXELS)))
    factor = min(factor, min(height, width) // _SHORTEST)
    return -(-height // factor), -(-width // factor)


def objects_of(name: str, share: NDArray[np.float32], cell: tuple[float, float]) -> list[MappedObject]:
    """Find the objects of a class in its probability map (h, w).

    Args:
        name: Name of the class.
        share: Probability in [0, 1].
        cell: Height and width of a position in pixels of the image.
    """
    numbers, _ = label(share >= POSSIBLE, _NEIGHBOURS)
    found = []
    for number, place in enumerate(find_objects(numbers), start=1):
        inside = share[place][numbers[place] == number]
        if inside.size < SMALLEST or inside.max() < LIKELY:
            continue
        # With a margin of one position, where the probability falls to 0.
        rows, columns = (slice(max(side.start - 1, 0), side.stop + 1) for side in place)
        near = binary_dilation(numbers[rows, columns] == number, _NEIGHBOURS)
        own = np.where(near, share[rows, columns], 0)
        found.append(MappedObject(name, (rows.start, columns.start), own.astype(np.float32), cell))
    return found


def _unpickled(encoder: ContentEncoder) -> ClassMapFinder:
    return ClassMapFinder(encoder.to(pick_device()))
