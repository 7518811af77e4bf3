"""The experiment: every arm teaches a detector, and each of those is tested on real infrared pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ir_transfer.evaluation.detection.arms import GRAY, Arm, Kind, Translate, check_names, make_arms
from ir_transfer.evaluation.detection.labelled_scenes import LabelledScene, common_labels
from ir_transfer.evaluation.detection.leaks import look_alikes, refuse_shared_pictures
from ir_transfer.evaluation.detection.resampled import resampled_precision
from ir_transfer.evaluation.detection.score import Objects, Precision, find_objects, mean_average_precision
from ir_transfer.evaluation.detection.train import as_target, train_detector
from ir_transfer.evaluation.harness import Method
from ir_transfer.evaluation.summary import Estimate, SceneDraws

RESAMPLES = 500
"""Of test scenes and of seeds; each costs a sort of all frames found."""

Verdict = Literal["beats gray", "loses to gray", "not told from gray", ""]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Training:
    """How every arm is trained.

    Attributes:
        steps: Batches.
        seeds: Seed of each training; the figure is the mean over them.
        device: Where.
    """

    steps: int
    seeds: Sequence[int]
    device: str = "cpu"


@dataclass(frozen=True)
class Row:
    """What came of an arm.

    Attributes:
        name: Of the arm.
        kind: What it was made of.
        map: Mean average precision over IoU from 0.50 to 0.95, mean over seeds.
        map50: The same at an IoU of 0.50.
        gain: Of ``map`` over gray, with the same scenes and seeds in every resampling.
        gain50: Of ``map50`` over gray.
        per_label: Average precision by label, mean over seeds.
        runs: Of every seed.
        seconds: That the trainings took.
        found: In every test scene, by the detector of the first seed.
    """

    name: str
    kind: Kind
    map: Estimate
    map50: Estimate
    gain: Estimate
    gain50: Estimate
    per_label: Mapping[str, float]
    runs: Sequence[Precision]
    seconds: float
    found: Sequence[Objects] = field(repr=False)

    @property
    def verdict(self) -> Verdict:
        """Whether the 95% interval of the gain in ``map`` tells the arm from gray."""
        if self.kind == "gray":
            return ""
        score = self.gain.score
        if score.low > 0:
            return "beats gray"
        return "loses to gray" if score.high < 0 else "not told from gray"


@dataclass(frozen=True)
class Outcome:
    """All arms and what they were taught and tested on.

    Attributes:
        rows: In the order of the table.
        labels: That were looked for.
        left_out: Labels that occur in training or test scenes only.
        alike: Test scenes that look like a training scene, as ``test = train``.
        train: Training scenes.
        test: Test scenes.
        training: How.
        side: Longer side of the largest picture, to which the detector scales them all.
    """

    rows: Sequence[Row]
    labels: Sequence[str]
    left_out: Sequence[str]
    alike: Sequence[str]
    train: Sequence[LabelledScene]
    test: Sequence[LabelledScene]
    training: Training
    side: int


@dataclass(frozen=True)
class _Tested:
    """An arm's figures by seed; draws are (seeds, R)."""

    runs: list[Precision]
    draws: Floats
    draws50: Floats
    found: Sequence[Objects]
    seconds: float


def run_experiment(
    train: Sequence[LabelledScene],
    test: Sequence[LabelledScene],
    methods: Sequence[Method],
    translate: Translate,
    training: Training,
    *,
    on_step: Callable[[str, int, int, float], None] | None = None,
    on_row: Callable[[str, Precision], None] | None = None,
) -> Outcome:
    """Train and test every arm.

    Args:
        train: Scenes to learn from.
        test: Others.
        methods: What translates.
        translate: How.
        training: Steps and seeds.
        on_step: Called with arm, seed, step and loss.
        on_row: Called with the arm and its first seed's figures as soon as they are known.

    Raises:
        InputError: A picture on both sides, no common label, or names of models that repeat.
    """
    check_names(methods)
    refuse_shared_pictures(train, test)
    labels, left_out = common_labels(train, test)
    counts = SceneDraws(len(test)).counts[:RESAMPLES]
    picks = np.random.default_rng(0).integers(len(training.seeds), size=(RESAMPLES, len(training.seeds)))
    side = max(max(scene.real.shape) for scene in [*train, *test])
    tested: dict[str, tuple[Kind, _Tested]] = {}
    for arm in make_arms(train, methods, translate):
        figures = _train_and_test(arm, train, test, labels, side, training, counts, on_step)
        tested[arm.name] = arm.kind, figures
        if on_row:
            on_row(arm.name, figures.runs[0])
    _, gray = tested[GRAY]
    rows = [_row(name, kind, figures, gray, picks) for name, (kind, figures) in tested.items()]
    return Outcome(rows, labels, left_out, look_alikes(train, test), train, test, training, side)


def _train_and_test(
    arm: Arm,
    train: Sequence[LabelledScene],
    test: Sequence[LabelledScene],
    labels: Sequence[str],
    side: int,
    training: Training,
    counts: Floats,
    on_step: Callable[[str, int, int, float], None] | None,
) -> _Tested:
    true = [as_target(scene, labels) for scene in test]
    runs, draws, draws50, seconds = [], [], [], 0.0
    kept: Sequence[Objects] = ()
    for seed in training.seeds:
        began = perf_counter()

        def told(step: int, loss: float, seed: int = seed) -> None:
            if on_step:
                on_step(arm.name, seed, step, loss)

        detector = train_detector(
            arm, train, labels, side=side, steps=training.steps, seed=seed, device=training.device, on_step=told
        )
        seconds += perf_counter() - began
        found = find_objects(detector, test, training.device)
        runs.append(mean_average_precision(found, true, labels))
        both = resampled_precision(found, true, len(labels), counts)
        draws.append(both[0])
        draws50.append(both[1])
        kept = kept or found
    return _Tested(runs, np.stack(draws), np.stack(draws50), kept, seconds)


def _row(name: str, kind: Kind, tested: _Tested, gray: _Tested, picks: NDArray[np.int64]) -> Row:
    own = _estimate([run.map for run in tested.runs], tested.draws, picks)
    own50 = _estimate([run.map50 for run in tested.runs], tested.draws50, picks)
    gains = [run.map - other.map for run, other in zip(tested.runs, gray.runs, strict=True)]
    gains50 = [run.map50 - other.map50 for run, other in zip(tested.runs, gray.runs, strict=True)]
    return Row(
        name,
        kind,
        own,
        own50,
        _estimate(gains, tested.draws - gray.draws, picks),
        _estimate(gains50, tested.draws50 - gray.draws50, picks),
        {label: float(np.mean([run.per_label[label] for run in tested.runs])) for label in tested.runs[0].per_label},
        tested.runs,
        tested.seconds,
        tested.found,
    )


def _estimate(values: Sequence[float], draws: Floats, picks: NDArray[np.int64]) -> Estimate:
    """Return the mean over seeds; in every resampling (R,) scenes and seeds are drawn anew."""
    drawn = np.take_along_axis(draws.T, picks, axis=1).mean(axis=1)
    return Estimate(float(np.mean(values)), drawn)
