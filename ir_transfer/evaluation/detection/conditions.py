"""Training conditions of a detector: real infrared, grayscale RGB, translated, or grayscale and translated images."""

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
from ir_transfer.evaluation.detection.leakage import refuse_test_exemplars
from ir_transfer.evaluation.exemplars import ExemplarPolicy
from ir_transfer.evaluation.methods import Method
from ir_transfer.evaluation.scenes import load_scene
from ir_transfer.models.polarity import Polarity
from ir_transfer.models.style_code import StyleCode

logger = logging.getLogger(__name__)

Translate = Callable[[Method, Pair], Tensor]
"""Translates the RGB image of a pair to an 8-bit image (1, H, W)."""

Kind = Literal["real", "gray", "translated", "both"]
REAL, GRAY = "real", "gray"


@dataclass(frozen=True)
class TrainingCondition:
    """Training images; all conditions have the same scenes and boxes.

    Attributes:
        name: Name of its row.
        kind: Source of the images.
        versions: Each has one 8-bit image (1, H, W) per scene, in scene order; batches draw from all versions.
    """

    name: str
    kind: Kind
    versions: tuple[Sequence[Tensor], ...]


def make_conditions(
    train: Sequence[LabelledScene], methods: Sequence[Method], translate: Translate
) -> Iterator[TrainingCondition]:
    """Yield the conditions one after another, so that memory holds the translations of one model at a time."""
    gray = [scene.gray for scene in train]
    yield TrainingCondition(REAL, "real", ([scene.real for scene in train],))
    yield TrainingCondition(GRAY, "gray", (gray,))
    for method in methods:
        translated = [translate(method, scene.pair) for scene in train]
        yield TrainingCondition(method.label, "translated", (translated,))
        yield TrainingCondition(f"{GRAY} + {method.label}", "both", (gray, translated))


class SceneTranslator:
    """Translates training scenes; several exemplars are used in turn.

    Args:
        policy: Chooses the exemplars of a scene.
        tested: Test scenes, whose infrared images must not be exemplars.
        max_side: Larger images are reduced to this side in pixels.
        black_hot: Whether the infrared files are black-hot.
        device: Device of the models.
        white_hot: Whether the exemplars are white-hot; None lets the bundled classifier decide for each.

    Attributes:
        inverted: Names of the exemplars that the classifier found to be black-hot.
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
        """Return the translated RGB image, 8-bit (1, H, W).

        Raises:
            InputError: The exemplar is the infrared image of a test scene.
        """
        scene = load_scene(pair, self._max_side, self._device, self._black_hot)
        exemplars = self._policy(scene)
        exemplar = exemplars[self._turn % len(exemplars)]
        self._turn += 1
        key = (method.label, exemplar.name)
        if key not in self._codes:
            refuse_test_exemplars([Path(exemplar.name)], self._tested)
            self._codes[key] = method.model.style_for(exemplar.image, self._white_hot)
            self._report_polarity(exemplar.name, self._codes[key])
        torch.manual_seed(0)  # for stochastic models
        return to_bytes(method.model(scene.rgb, self._codes[key])[0])

    def _report_polarity(self, name: str, code: StyleCode) -> None:
        """Warn once about an exemplar that is inverted by default."""
        facts = code.metadata
        if facts.get("polarity_source") != "auto" or facts["polarity"] == "white-hot" or name in self.inverted:
            return
        self.inverted.append(name)
        logger.warning("%s", Polarity(False, "auto", float(facts["polarity_score"])).warning(name))


def check_names(methods: Sequence[Method]) -> None:
    """Refuse models whose row would have the same name as another.

    Raises:
        InputError: No model, one twice, or one with the name of another condition.
    """
    names = [method.label for method in methods]
    if not names or len({*names, REAL, GRAY}) != len(names) + 2:
        raise InputError(
            f"expected --models with distinct names besides {REAL} and {GRAY}, which are always trained on, got {names}"
        )
