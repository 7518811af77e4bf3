"""The experiment: trains a detector in every condition and tests it on real infrared images."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ir_transfer.evaluation.bootstrap import Estimate, SceneBootstrap
from ir_transfer.evaluation.detection.average_precision import (
    Objects,
    Precision,
    bootstrap_precision,
    find_objects,
    mean_average_precision,
)
from ir_transfer.evaluation.detection.conditions import (
    GRAY,
    Kind,
    TrainingCondition,
    Translate,
    check_names,
    make_conditions,
)
from ir_transfer.evaluation.detection.detector import as_target, train_detector
from ir_transfer.evaluation.detection.labelled_scenes import LabelledScene, common_labels
from ir_transfer.evaluation.detection.leakage import look_alikes, refuse_shared_images
from ir_transfer.evaluation.methods import Method

RESAMPLES = 500
"""Resamplings of test scenes and of seeds; each sorts all detections."""

Conclusion = Literal["better than gray", "worse than gray", "no clear difference", ""]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Training:
    """Settings of the training of every condition.

    Attributes:
        steps: Number of batches.
        seeds: Seed of each training; precisions are averaged over them.
        device: Device of the training.
    """

    steps: int
    seeds: Sequence[int]
    device: str = "cpu"


@dataclass(frozen=True)
class ConditionResult:
    """The result of a condition.

    Attributes:
        name: Name of the condition.
        kind: Source of its images.
        map: Mean average precision over IoU from 0.50 to 0.95, mean over seeds.
        map50: The same at an IoU of 0.50.
        gain: ``map`` minus that of gray, with the same scenes and seeds in every resampling.
        gain50: ``map50`` minus that of gray.
        per_label: Average precision by label, mean over seeds.
        runs: Precisions of every seed.
        seconds: Time of all trainings.
        found: Detections in every test scene, by the detector of the first seed.
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
    def conclusion(self) -> Conclusion:
        """Whether the 95% interval of the gain in ``map`` excludes 0; empty for gray itself."""
        if self.kind == "gray":
            return ""
        score = self.gain.score
        if score.low > 0:
            return "better than gray"
        return "worse than gray" if score.high < 0 else "no clear difference"


@dataclass(frozen=True)
class Outcome:
    """The results of all conditions, and their scenes.

    Attributes:
        rows: Results in the order of the table.
        labels: Labels that were detected.
        left_out: Labels that occur only in training or only in test scenes.
        alike: Test scenes that are near-duplicates of a training scene, as ``test = train``.
        train: Training scenes.
        test: Test scenes.
        training: Settings of the training.
        side: Longer side in pixels of the largest image; the detector scales all images to it.
    """

    rows: Sequence[ConditionResult]
    labels: Sequence[str]
    left_out: Sequence[str]
    alike: Sequence[str]
    train: Sequence[LabelledScene]
    test: Sequence[LabelledScene]
    training: Training
    side: int


@dataclass(frozen=True)
class _Tested:
    """Precisions of a condition by seed; draws are (seeds, R)."""

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
    """Train and test every condition.

    Args:
        train: Training scenes.
        test: Test scenes.
        methods: Methods that translate.
        translate: Translates a scene by a method.
        training: Steps, seeds and device.
        on_step: Called with condition, seed, step and loss.
        on_row: Called with the condition and the precision of its first seed, after its trainings.

    Raises:
        InputError: An image in training and test scenes, no common label, or names of models that repeat.
    """
    check_names(methods)
    refuse_shared_images(train, test)
    labels, left_out = common_labels(train, test)
    counts = SceneBootstrap(len(test)).counts[:RESAMPLES]
    picks = np.random.default_rng(0).integers(len(training.seeds), size=(RESAMPLES, len(training.seeds)))
    side = max(max(scene.real.shape) for scene in [*train, *test])
    tested: dict[str, tuple[Kind, _Tested]] = {}
    for condition in make_conditions(train, methods, translate):
        result = _train_and_test(condition, train, test, labels, side, training, counts, on_step)
        tested[condition.name] = condition.kind, result
        if on_row:
            on_row(condition.name, result.runs[0])
    _, gray = tested[GRAY]
    rows = [_row(name, kind, result, gray, picks) for name, (kind, result) in tested.items()]
    return Outcome(rows, labels, left_out, look_alikes(train, test), train, test, training, side)


def _train_and_test(
    condition: TrainingCondition,
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

        def report(step: int, loss: float, seed: int = seed) -> None:
            if on_step:
                on_step(condition.name, seed, step, loss)

        detector = train_detector(
            condition, train, labels, side=side, steps=training.steps, seed=seed, device=training.device, on_step=report
        )
        seconds += perf_counter() - began
        found = find_objects(detector, test, training.device)
        runs.append(mean_average_precision(found, true, labels))
        both = bootstrap_precision(found, true, len(labels), counts)
        draws.append(both[0])
        draws50.append(both[1])
        kept = kept or found
    return _Tested(runs, np.stack(draws), np.stack(draws50), kept, seconds)


def _row(name: str, kind: Kind, tested: _Tested, gray: _Tested, picks: NDArray[np.int64]) -> ConditionResult:
    own = _estimate([run.map for run in tested.runs], tested.draws, picks)
    own50 = _estimate([run.map50 for run in tested.runs], tested.draws50, picks)
    gains = [run.map - other.map for run, other in zip(tested.runs, gray.runs, strict=True)]
    gains50 = [run.map50 - other.map50 for run, other in zip(tested.runs, gray.runs, strict=True)]
    return ConditionResult(
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
    """Return the mean over seeds with its draws (R,), in which scenes and seeds are resampled."""
    drawn = np.take_along_axis(draws.T, picks, axis=1).mean(axis=1)
    return Estimate(float(np.mean(values)), drawn)
