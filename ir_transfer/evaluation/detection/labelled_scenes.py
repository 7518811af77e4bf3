"""Scenes with the frames of their objects, small enough that thousands fit into memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from kornia.color import rgb_to_grayscale
from numpy.typing import NDArray
from torch import Tensor

from ir_transfer.data.look_alike import fingerprint
from ir_transfer.data.pairs import Pair
from ir_transfer.errors import InputError, UnknownNameError
from ir_transfer.evaluation.boxes import read_boxes
from ir_transfer.evaluation.metrics.object_heat import Box
from ir_transfer.evaluation.scenes import load_scene

_LEAST_SIDE = 1.0  # pixels; what is thinner after scaling is no frame any more


@dataclass(frozen=True)
class LabelledScene:
    """A scene as a detector meets it.

    Attributes:
        pair: The files.
        real: The infrared picture, white-hot, 8 bit (1, H, W).
        gray: The photograph without colour, 8 bit (1, H, W).
        boxes: Left, top, right, bottom in pixels of these pictures (N, 4).
        labels: What is in each of them, in lower case.
        prints: Fingerprints of photograph and infrared picture, by which look-alikes are found.
    """

    pair: Pair
    real: Tensor
    gray: Tensor
    boxes: Tensor
    labels: tuple[str, ...]
    prints: tuple[NDArray[np.float32], NDArray[np.float32]]


def load_labelled(
    pairs: Sequence[Pair],
    boxes: Path,
    *,
    label: str | None = None,
    max_side: int | None = None,
    black_hot: bool = False,
) -> list[LabelledScene]:
    """Read scenes with their objects; those without objects stay, as detectors must learn what is none.

    Args:
        pairs: The files.
        boxes: Label files, see :func:`~ir_transfer.evaluation.boxes.read_boxes`; under the pair's name or that of
            its infrared file.
        label: Only objects of this label.
        max_side: Larger pictures are reduced to it.
        black_hot: Whether the infrared files are.

    Raises:
        InputError: No object in any scene, or two files of a pair of two sizes.
        UnknownNameError: The label does not occur.
        MissingFileError: No such label file.
    """
    scenes, all_labels = [], Counter[str]()
    for pair in pairs:
        found = read_boxes(boxes, pair.stem) or read_boxes(boxes, pair.ir.stem)
        all_labels.update(box.label.lower() for box in found)
        wanted = [box for box in found if label is None or box.label.lower() == label.lower()]
        scenes.append(_load(pair, wanted, max_side, black_hot))
    if not all_labels:
        raise InputError(
            f"expected objects of {pairs[0].stem} and {len(pairs) - 1} other scenes in {boxes}, got none: "
            "label files and pictures must have equal names"
        )
    if label is not None and label.lower() not in all_labels:
        raise UnknownNameError.among(f"label in {boxes}", label, all_labels)
    return scenes


def _load(pair: Pair, boxes: Sequence[Box], max_side: int | None, black_hot: bool) -> LabelledScene:
    scene = load_scene(pair, max_side, black_hot=black_hot)
    gray, (height, width) = rgb_to_grayscale(scene.photograph), scene.truth.shape[-2:]
    frames = torch.tensor([[b.left, b.top, b.right, b.bottom] for b in boxes], dtype=torch.float32).reshape(-1, 4)
    frames = (frames * scene.scale).clamp(min=0).minimum(torch.tensor([width, height, width, height]))
    kept = ((frames[:, 2:] - frames[:, :2]) >= _LEAST_SIDE).all(dim=1)
    return LabelledScene(
        pair,
        to_bytes(scene.truth[0]),
        to_bytes(gray[0]),
        frames[kept],
        tuple(box.label.lower() for box, keep in zip(boxes, kept.tolist(), strict=True) if keep),
        (fingerprint(gray[0, 0].numpy()), fingerprint(scene.truth[0, 0].numpy())),
    )


def to_bytes(picture: Tensor) -> Tensor:
    """Return a picture in [0, 1] in 8 bit, which is all that a small detector sees."""
    return (picture.clamp(0, 1) * 255).round().to(torch.uint8).cpu()


def common_labels(train: Sequence[LabelledScene], test: Sequence[LabelledScene]) -> tuple[list[str], list[str]]:
    """Return the labels that occur on both sides, sorted, and those that occur on one only.

    Raises:
        InputError: None occurs on both.
    """
    learnt, asked = ({name for scene in side for name in scene.labels} for side in (train, test))
    if not learnt & asked:
        raise InputError(
            f"expected a label that occurs in training and test scenes, got {sorted(learnt)} and {sorted(asked)}: "
            "name objects alike in both"
        )
    return sorted(learnt & asked), sorted(learnt ^ asked)
