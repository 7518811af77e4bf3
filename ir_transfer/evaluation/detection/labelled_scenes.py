"""Scenes with object boxes, stored in 8 bits so that thousands fit into memory."""

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
from ir_transfer.evaluation.scenes import load_scene
from ir_transfer.metrics.object_heat import Box

_LEAST_SIDE = 1.0  # pixels; narrower boxes are left out after scaling


@dataclass(frozen=True)
class LabelledScene:
    """A scene for training or testing a detector.

    Attributes:
        pair: The files.
        real: The infrared image, white-hot, 8-bit (1, H, W).
        gray: The RGB image in grayscale, 8-bit (1, H, W).
        boxes: Left, top, right, bottom in pixels of these images (N, 4).
        labels: Label of each box, in lower case.
        prints: Fingerprints of the RGB and infrared image, used to find near-duplicates.
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
    """Read scenes with their objects; scenes without objects are kept as negatives.

    Args:
        pairs: The files.
        boxes: Label files, see :func:`~ir_transfer.evaluation.boxes.read_boxes`; named like the pair or its
            infrared file.
        label: Only objects of this label.
        max_side: Larger images are reduced to this side in pixels.
        black_hot: Whether the infrared files are black-hot.

    Raises:
        InputError: No object in any scene, or the images of a pair differ in size.
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
            "label files and images must have the same names"
        )
    if label is not None and label.lower() not in all_labels:
        raise UnknownNameError.among(f"label in {boxes}", label, all_labels)
    return scenes


def _load(pair: Pair, boxes: Sequence[Box], max_side: int | None, black_hot: bool) -> LabelledScene:
    scene = load_scene(pair, max_side, black_hot=black_hot)
    gray, (height, width) = rgb_to_grayscale(scene.rgb), scene.ground_truth.shape[-2:]
    frames = torch.tensor([[b.left, b.top, b.right, b.bottom] for b in boxes], dtype=torch.float32).reshape(-1, 4)
    frames = (frames * scene.scale).clamp(min=0).minimum(torch.tensor([width, height, width, height]))
    kept = ((frames[:, 2:] - frames[:, :2]) >= _LEAST_SIDE).all(dim=1)
    return LabelledScene(
        pair,
        to_bytes(scene.ground_truth[0]),
        to_bytes(gray[0]),
        frames[kept],
        tuple(box.label.lower() for box, keep in zip(boxes, kept.tolist(), strict=True) if keep),
        (fingerprint(gray[0, 0].numpy()), fingerprint(scene.ground_truth[0, 0].numpy())),
    )


def to_bytes(image: Tensor) -> Tensor:
    """Return an image in [0, 1] as 8-bit levels of the same shape."""
    return (image.clamp(0, 1) * 255).round().to(torch.uint8).cpu()


def common_labels(train: Sequence[LabelledScene], test: Sequence[LabelledScene]) -> tuple[list[str], list[str]]:
    """Return the common labels of training and test scenes, sorted, and those that occur in only one of the two.

    Raises:
        InputError: No label occurs in both.
    """
    learnt, asked = ({name for scene in side for name in scene.labels} for side in (train, test))
    if not learnt & asked:
        raise InputError(
            f"expected a label that occurs in training and test scenes, got {sorted(learnt)} and {sorted(asked)}: "
            "use the same label names in both"
        )
    return sorted(learnt & asked), sorted(learnt ^ asked)
