"""The detection experiment on data roots, label files, exemplars and weights."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ir_transfer.data.cards import Card
from ir_transfer.data.pairs import Pair, list_pairs
from ir_transfer.data.splits import read_split
from ir_transfer.errors import InputError
from ir_transfer.evaluation.comparison import changed_protocol
from ir_transfer.evaluation.data_set import check_band, is_black_hot
from ir_transfer.evaluation.detection.average_precision import Precision, check_torchmetrics
from ir_transfer.evaluation.detection.conditions import SceneTranslator, check_names
from ir_transfer.evaluation.detection.experiment import Outcome, Training, run_experiment
from ir_transfer.evaluation.detection.labelled_scenes import load_labelled
from ir_transfer.evaluation.detection.leakage import refuse_shared_names, refuse_test_exemplars
from ir_transfer.evaluation.exemplars import Fixed, choose_policy
from ir_transfer.evaluation.methods import methods_of, refuse_unexpected_weights
from ir_transfer.evaluation.protocol import NONE, Protocol
from ir_transfer.imaging.exemplars.polarity import ExemplarPolarity, is_white_hot
from ir_transfer.imaging.exemplars.range import AskedRange

_TRAIN, _TEST = "train", ("test", "val")


@dataclass(frozen=True)
class DetectionFiles:
    """Training and test data.

    Attributes:
        data: Root of the training pairs, or of all pairs.
        boxes: Label files of the training pairs, or of all pairs.
        test: Root of the test pairs.
        test_boxes: Label files of the test pairs; ``boxes`` if None.
        split: Split file of the pairs in ``data``.
        card: Data set card of the roots; ``rgb/`` and ``ir/`` if None.
        label: Only objects of this label.
    """

    data: Path
    boxes: Path
    test: Path | None = None
    test_boxes: Path | None = None
    split: Path | None = None
    card: Card | None = None
    label: str | None = None

    def subsets(self) -> tuple[list[Pair], list[Pair]]:
        """Return training and test pairs: of two roots, of a split file, or of the card's published split.

        Raises:
            InputError: No test pairs, both ``test`` and ``split``, or a pair or scene in both subsets.
        """
        if self.test is not None and self.split is not None:
            raise InputError("expected --test or --split, got both: omit one")
        pairs = list_pairs(self.data, self.card)
        if self.test is not None:
            train, test = pairs, list_pairs(self.test, self.card)
        else:
            train, test = self._split(pairs)
        refuse_shared_names(train, test)
        return train, test

    def _split(self, pairs: Sequence[Pair]) -> tuple[list[Pair], list[Pair]]:
        if self.split is not None:
            subsets = read_split(self.split, pairs)
        else:
            subsets = {name: [p for p in pairs if p.part == name] for name in {p.part for p in pairs} if name}
        test = next((subsets[name] for name in _TEST if subsets.get(name)), None)
        if test is None or not subsets.get(_TRAIN):
            raise InputError(
                f"expected scenes to test on besides those of {self.data}, got subsets {sorted(subsets) or 'none'}: "
                "give --test ROOT, or --split FILE of ir-transfer datasets split"
            )
        return subsets[_TRAIN], test


def detect_on_files(
    files: DetectionFiles,
    exemplars: Sequence[str],
    models: Sequence[str],
    weights: Mapping[str, Sequence[str]],
    training: Training,
    *,
    protocol: Protocol = NONE,
    max_side: int | None = None,
    exemplar_polarity: ExemplarPolarity = "auto",
    exemplar_range: AskedRange = "auto",
    report: Callable[[str], None] = lambda _: None,
) -> tuple[Outcome, str, dict[str, str | None]]:
    """Run the experiment.

    Args:
        files: Pairs and labels.
        exemplars: Files, ``nearest:FOLDER`` or ``oracle``; see :func:`choose_policy`. Infrared images of
            test scenes are refused.
        models: Names of models.
        weights: Weights by model; the bundled ones where none is given.
        training: Steps, seeds and device.
        protocol: Its largest side, polarity and exemplar policy apply.
        max_side: Larger images are reduced to this side in pixels, instead of the protocol's.
        exemplar_polarity: Polarity of the exemplars; ``"auto"`` lets the bundled classifier decide for each.
        exemplar_range: Values of the exemplars that become black and white; see :func:`open_exemplar`.
        report: Called with lines on the progress.

    Returns:
        The result, the title of the protocol with all changes, and all other settings that change a value.

    Raises:
        InputError: Weights of a model that is not compared, leakage, no objects, or invalid input.
        MissingFileError: torchmetrics is not installed.
    """
    check_torchmetrics()
    refuse_unexpected_weights(models, weights)
    black_hot = _is_black_hot(files.card, protocol)
    train, test = files.subsets()
    policy = choose_policy(
        exemplars, training.device, black_hot, files.card, {pair.ir for pair in test}, exemplar_range
    )
    applied, changes = changed_protocol(protocol, policy, max_side)
    if isinstance(policy, Fixed):  # other policies choose by the scene, and are checked for each scene
        refuse_test_exemplars(policy.paths, test)
    methods = [method for name in models for method in methods_of(name, weights)]
    check_names(methods)
    for method in methods:
        method.model.to(training.device)
    read = partial(load_labelled, label=files.label, max_side=applied.max_side, black_hot=black_hot)
    report(f"reading {len(train)} training and {len(test)} test scenes")
    learnt, tested = read(train, files.boxes), read(test, files.test_boxes or files.boxes)
    white_hot = is_white_hot(exemplar_polarity)
    translate = SceneTranslator(
        policy, test, max_side=applied.max_side, black_hot=black_hot, device=training.device, white_hot=white_hot
    )

    def on_step(condition: str, seed: int, step: int, loss: float) -> None:
        if step % 100 == 0 or step == training.steps:
            report(f"  {condition}, seed {seed}: step {step} of {training.steps}, loss {loss:.3f}")

    def on_row(condition: str, precision: Precision) -> None:
        report(f"{condition}: mAP {precision.map:.3f}, mAP50 {precision.map50:.3f} (seed {training.seeds[0]})")

    outcome = run_experiment(learnt, tested, methods, translate, training, on_step=on_step, on_row=on_row)
    paths = {"data": files.data, "test": files.test, "split": files.split}
    labels = {"boxes": files.boxes, "test_boxes": files.test_boxes, "label": files.label}
    settings = {key: None if value is None else str(value) for key, value in {**paths, **labels}.items()}
    hashes = ", ".join(f"{method.label} {method.model.weights_hash}" for method in methods)
    more = {"card": files.card.name if files.card else None, "exemplar": policy.description, "weights_hashes": hashes}
    more |= {"exemplar_polarity": exemplar_polarity, "exemplars_inverted": ", ".join(translate.inverted) or None}
    return outcome, protocol.changed_title(changes), {**settings, **more}


def _is_black_hot(card: Card | None, protocol: Protocol) -> bool:
    if card is None:
        return protocol.polarity == "black-hot"
    check_band(card, protocol)
    return is_black_hot(card, protocol)
