"""``--heat auto:maskrcnn``: detects people, vehicles and animals in the RGB image with torchvision's Mask R-CNN."""

from __future__ import annotations

import copy
import hashlib
import math
import pickle
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torchvision.models.detection import MaskRCNN, MaskRCNN_ResNet50_FPN_V2_Weights, maskrcnn_resnet50_fpn_v2

from ir_transfer.conversion.devices import pick_device
from ir_transfer.conversion.heat.finder import CachedSearch, resized
from ir_transfer.conversion.heat.masks import Outlined, linear_weights
from ir_transfer.conversion.heat.rules import MASK_RCNN
from ir_transfer.errors import MissingFileError, WeightsError
from ir_transfer.imaging.image_io import DecodedImage
from ir_transfer.labels.label_maps.rasterize import Mask
from ir_transfer.labels.regions import Box, Region

SCORE = 0.5
"""Smallest score of a detection that is used."""

_WEIGHTS = MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1
CLASSES: tuple[str, ...] = tuple(_WEIGHTS.meta["categories"])
"""Class names by label of the detector; 0 is the background."""

_NO_CLASS = {"__background__", "N/A"}
FOUND = tuple(name for name in CLASSES if name not in _NO_CLASS)
"""Classes that can be found."""

_PROPOSALS = 300  # a third of the default: halves the time, and is enough for street scenes
_UNREADABLE = (SafetensorError, OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError)


@dataclass(frozen=True)
class _Found:
    """A detected object: class, box in pixels, and coverage (28, 28) of its box in 255ths."""

    name: str
    box: Box
    shares: NDArray[np.uint8]


class MaskRcnnFinder:
    """Finds objects with Mask R-CNN, and caches the results of recent images.

    Thread-safe: one image at a time is on the device.

    Attributes:
        weights_hash: Hash of the weight file.
        score: Smallest score of a detection that is used.

    Args:
        model: A detector with the labels of COCO.
        weights_hash: Hash of the weight file.
    """

    def __init__(self, model: MaskRCNN, weights_hash: str) -> None:
        self.weights_hash = weights_hash
        self.score = model.roi_heads.score_thresh
        self._model = model.eval().requires_grad_(False)
        self._found = CachedSearch(self._search)

    @property
    def facts(self) -> Mapping[str, Any]:
        """Settings that determine its results, for the manifest."""
        return {"finder": MASK_RCNN, "weights": self.weights_hash, "score": self.score}

    @classmethod
    def load(cls, path: str | Path | None, device: torch.device) -> Self:
        """Load weights of torchvision's ``maskrcnn_resnet50_fpn_v2``.

        Args:
            path: A ``.safetensors`` file, or a file of torch, of which only tensors are read. None uses torchvision's
                weights, which are downloaded on first use (177 MB).
            device: Device of the detector.

        Raises:
            MissingFileError: The file does not exist or cannot be downloaded.
            WeightsError: Not a weight file, or weights of another network.
        """
        file = _downloaded() if path is None else Path(path)
        if not file.is_file():
            raise MissingFileError(f"expected weights of the detector at {file}, found none: check --heat-weights")
        tensors = _tensors(file)
        model = maskrcnn_resnet50_fpn_v2(
            weights=None, weights_backbone=None, box_score_thresh=SCORE, rpn_post_nms_top_n_test=_PROPOSALS
        )
        try:
            model.load_state_dict(tensors)
        except RuntimeError as error:
            raise WeightsError(
                f"expected weights of torchvision's maskrcnn_resnet50_fpn_v2 in {file}, got others: "
                f"{str(error).splitlines()[-1].strip()}"
            ) from error
        with file.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()[:16]
        return cls(model.to(device), digest)

    def __reduce__(self) -> tuple[Callable[[MaskRCNN, str], MaskRcnnFinder], tuple[MaskRCNN, str]]:
        """Pickle on the CPU; another process moves it to its own device."""
        return _unpickled, (copy.deepcopy(self._model).cpu(), self.weights_hash)

    def __call__(self, image: DecodedImage) -> list[Outlined]:
        """Return the objects in an image, sorted by decreasing score.

        Raises:
            MemoryError: The device has too little memory for one image.
        """
        return [
            Outlined(Region(one.name, str(number), one.box, partial(_draw, one.box, one.shares)))
            for number, one in enumerate(self._found(image))
        ]

    @torch.inference_mode()
    def _search(self, image: DecodedImage) -> list[_Found]:
        device = next(self._model.parameters()).device
        scale = min(self._model.transform.max_size / max(image.height, image.width), 1)
        size = max(1, round(image.height * scale)), max(1, round(image.width * scale))
        content = torch.from_numpy(resized(image, *size).rgb()).to(device)
        # Stage by stage: the complete model would draw the mask of every object at the size of the image, as floats.
        images, _ = self._model.transform([content])
        features = self._model.backbone(images.tensors)
        proposals, _ = self._model.rpn(images, features)
        (result,), _ = self._model.roi_heads(features, proposals, images.image_sizes)
        height, width = images.image_sizes[0]
        to_image = torch.tensor([image.width / width, image.height / height] * 2)
        boxes: list[list[float]] = (result["boxes"].float().cpu() * to_image).tolist()
        shares: Tensor = (result["masks"][:, 0].float().cpu() * 255).round().to(torch.uint8)
        names = [CLASSES[label] for label in result["labels"].tolist()]
        return [
            _Found(name, (box[0], box[1], box[2], box[3]), share)
            for name, box, share in zip(names, boxes, shares.numpy(), strict=True)
            if name not in _NO_CLASS
        ]


def _unpickled(model: MaskRCNN, weights_hash: str) -> MaskRcnnFinder:
    return MaskRcnnFinder(model.to(pick_device()), weights_hash)


def _draw(box: Box, shares: NDArray[np.uint8], height: int, width: int) -> Mask:
    """Return the pixels (height, width) with a linearly interpolated coverage of at least a half at their centres."""
    left, top, right, bottom = box
    rows = slice(max(math.ceil(top - 0.5), 0), min(math.ceil(bottom - 0.5), height))
    columns = slice(max(math.ceil(left - 0.5), 0), min(math.ceil(right - 0.5), width))
    bins = shares.shape[0]
    y = (np.arange(rows.start, rows.stop) + 0.5 - top) / (bottom - top) * bins - 0.5
    x = (np.arange(columns.start, columns.stop) + 0.5 - left) / (right - left) * bins - 0.5
    inside = np.zeros((height, width), bool)
    inside[rows, columns] = linear_weights(y, bins) @ shares.astype(np.float32) @ linear_weights(x, bins).T >= 127.5
    return inside


def _tensors(path: Path) -> Mapping[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except _UNREADABLE as error:
        raise WeightsError(
            f"expected {path} to hold tensors, as .safetensors or written by torch.save, got: {error}"
        ) from error
    if not isinstance(found, Mapping):
        raise WeightsError(f"expected tensors by name in {path}, got a {type(found).__name__}: save a state_dict")
    return found


def _downloaded() -> Path:
    try:
        _WEIGHTS.get_state_dict(progress=sys.stderr.isatty(), check_hash=True)
    except (OSError, RuntimeError) as error:  # URLError is an OSError; a wrong hash is a RuntimeError
        raise MissingFileError(
            f"expected to download the detector of --heat auto:maskrcnn from {_WEIGHTS.url}, got: {error}: "
            "download the file on a machine with network access, and pass it as --heat-weights"
        ) from error
    return Path(torch.hub.get_dir()) / "checkpoints" / Path(_WEIGHTS.url).name
