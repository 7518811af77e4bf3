"""What a detector is trained on: real infrared, gray photographs, translated ones, gray and translated ones."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from ir_transfer.data.pairs import Pair
from ir_transfer.errors import InputError
from ir_transfer.evaluation.detection.labelled_scenes import LabelledScene, to_bytes
from ir_transfer.evaluation.detection.leaks import refuse_test_exemplars
from ir_transfer.evaluation.exemplars import ExemplarPolicy
from ir_transfer.evaluation.harness import Method
from ir_transfer.evaluation.scenes import load_scene
from ir_transfer.models.polarity import Polarity
from ir_transfer.models.style_code import StyleCode

logger = logging.getLogger(__name__)

Translate = Callable[[Method, Pair], Tensor]
"""Turns the photograph of a pair into a picture (1, H, W) in 8 bit."""

Kind = Literal["real", "gray", "translated", "both"]
REAL, GRAY = "real", "gray"


@dataclass(frozen=True)
class Arm:
    """Pictures to train on, all of the same scenes with the same frames.

    Attributes:
        name: How its row is called.
        kind: What it is made of.
        versions: One picture (1, H, W) in 8 bit per scene, in the scenes' order; a batch draws from all versions.
    """

    name: str
    kind: Kind
    versions: tuple[Sequence[Tensor], ...]


def make_arms(train: Sequence[LabelledScene], methods: Sequence[Method], translate: Translate) -> Iterator[Arm]:
    """Yield the arms one after another, so that the translations of one model only are in memory."""
    gray = [scene.gray for scene in train]
    yield Arm(REAL, "real", ([scene.real for scene in train],))
    yield Arm(GRAY, "gray", (gray,))
    for method in methods:
        translated = [translate(method, scene.pair) for scene in train]
        yield Arm(method.label, "translated", (translated,))
        yield Arm(f"{GRAY} + {method.label}", "both", (gray, translated))


class Translator:
    """Translates training scenes; of several exemplars of a scene each has its turn.

    Args:
        policy: Chooses the exemplars of a scene.
        tested: Scenes whose infrared pictures must not be exemplars.
        max_side: Larger pictures are reduced to it.
        black_hot: Whether the infrared files are.
        device: Where the models are.
        white_hot: Whether hot is bright in the exemplars; the shipped classifier judges each if None.

    Attributes:
        inverted: Names of the exemplars that the classifier alone called black-hot.
    """

    def __init__(
        self,
        policy: ExemplarPolicy,
        tested: Sequence[Pair] = (),
        *,
        max_side: int | None = None,
        black_hot: bool = False,
        device: str = "cpu",
        white_hot: bool | None = None,
    ) -> None:
        self._white_hot = white_hot
        self.inverted: list[str] = []
        self._policy, self._tested = policy, tested
        self._max_side, self._black_hot, self._device = max_side, black_hot, device
        self._codes: dict[tuple[str, str], StyleCode] = {}
        self._turn = 0

    @torch.inference_mode()
    def __call__(self, method: Method, pair: Pair) -> Tensor:
        """Return the translated photograph in 8 bit (1, H, W).

        Raises:
            InputError: The exemplar is the infrared picture of a test scene.
        """
        scene = load_scene(pair, self._max_side, self._device, self._black_hot)
        exemplars = self._policy(scene)
        exemplar = exemplars[self._turn % len(exemplars)]
        self._turn += 1
        key = (method.label, exemplar.name)
        if key not in self._codes:
            refuse_test_exemplars([Path(exemplar.name)], self._tested)
            self._codes[key] = method.model.style_for(exemplar.picture, self._white_hot)
            self._tell(exemplar.name, self._codes[key])
        torch.manual_seed(0)  # for models that draw
        return to_bytes(method.model(scene.photograph, self._codes[key])[0])

    def _tell(self, name: str, code: StyleCode) -> None:
        """Tell the user of an exemplar that is inverted without being asked, once."""
        facts = code.metadata
        if facts.get("polarity_source") != "auto" or facts["polarity"] == "white-hot" or name in self.inverted:
            return
        self.inverted.append(name)
        logger.warning("%s", Polarity(False, "auto", float(facts["polarity_score"])).warning(name))


def check_names(methods: Sequence[Method]) -> None:
    """Refuse models whose rows would be called like others.

    Raises:
        InputError: No model, one twice, or one that is an arm anyway.
    """
    names = [method.label for method in methods]
    if not names or len({*names, REAL, GRAY}) != len(names) + 2:
        raise InputError(
            f"expected --models with distinct names besides {REAL} and {GRAY}, which are always trained on, got {names}"
        )
