"""Leakage: test scenes that are also training scenes or exemplars."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from ir_transfer.data.look_alike import find_look_alikes
from ir_transfer.data.pairs import Pair
from ir_transfer.errors import InputError, listed
from ir_transfer.evaluation.detection.labelled_scenes import LabelledScene

_REMEDY = "a score on training scenes is not valid; split by scene with ir-transfer datasets split"


def refuse_shared_names(train: Sequence[Pair], test: Sequence[Pair]) -> None:
    """Refuse the same names or scenes in training and test.

    Raises:
        InputError: Names the first five.
    """
    learnt = {pair.stem for pair in train}
    _refuse("pair", [pair.stem for pair in test if pair.stem in learnt])
    scenes = {pair.scene for pair in train if pair.scene is not None}
    _refuse("scene", sorted({pair.scene for pair in test if pair.scene in scenes and pair.scene is not None}))


def refuse_shared_images(train: Sequence[LabelledScene], test: Sequence[LabelledScene]) -> None:
    """Refuse test images that are also training images under another name.

    Raises:
        InputError: Names the first five.
    """
    known = {digest: scene.pair.stem for scene in train for digest in _digests(scene)}
    shared = {scene.pair.stem: known[digest] for scene in test for digest in _digests(scene) if digest in known}
    _refuse("image", [f"{tested} = {learnt}" for tested, learnt in shared.items()])


def refuse_test_exemplars(exemplars: Iterable[Path], test: Sequence[Pair]) -> None:
    """Refuse exemplars that are infrared images of test scenes.

    Raises:
        InputError: Names the first five.
    """
    tested = {pair.ir.resolve(): pair.stem for pair in test}
    if shared := [tested[path.resolve()] for path in exemplars if path.resolve() in tested]:
        raise InputError(f"expected exemplars outside the test scenes, got those of {listed(shared)}: use others")


def look_alikes(train: Sequence[LabelledScene], test: Sequence[LabelledScene]) -> list[str]:
    """Return test scenes that are near-duplicates of a training scene (frames of one video), as ``test = train``."""
    both = [*train, *test]
    rgb, ir = (np.stack([scene.prints[side] for scene in both]) for side in (0, 1))
    found: dict[str, str] = {}
    for one, other in find_look_alikes(rgb, ir):
        if one < len(train) <= other:
            found.setdefault(both[other].pair.stem, both[one].pair.stem)
    return [f"{tested} = {learnt}" for tested, learnt in found.items()]


def _digests(scene: LabelledScene) -> tuple[bytes, bytes]:
    return _digest(scene.real), _digest(scene.gray)


def _digest(image: Tensor) -> bytes:
    return hashlib.sha256(image.numpy().tobytes()).digest()


def _refuse(what: str, shared: Sequence[str]) -> None:
    if shared:
        raise InputError(f"expected no {what} in training and test at once, got {listed(shared)}: {_REMEDY}")
