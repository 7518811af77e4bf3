"""The experiment from files to an outcome: data roots, label files, exemplars and weights in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ir_transfer.data.cards import Card
from ir_transfer.data.exemplars.polarity import ExemplarPolarity, is_white_hot
from ir_transfer.data.exemplars.range import AskedRange
from ir_transfer.data.pairs import Pair, list_pairs
from ir_transfer.data.splits import read_split
from ir_transfer.errors import InputError
from ir_transfer.evaluation.comparison import changed_protocol, methods_of, refuse_stray_weights
from ir_transfer.evaluation.data_set import check_band, is_black_hot
from ir_transfer.evaluation.detection.arms import Translator, check_names
from ir_transfer.evaluation.detection.experiment import Outcome, Training, run_experiment
from ir_transfer.evaluation.detection.labelled_scenes import load_labelled
from ir_transfer.evaluation.detection.leaks import refuse_shared_names, refuse_test_exemplars
from ir_transfer.evaluation.detection.score import Precision, check_torchmetrics
from ir_transfer.evaluation.exemplars import Fixed, choose_policy
from ir_transfer.evaluation.protocol import NONE, Protocol

_TRAIN, _TEST = "train", ("test", "val")


@dataclass(frozen=True)
class Files:
    """What is learnt from and tested on.

    Attributes:
        data: Root of the training pairs, or of all pairs.
        boxes: Label files of the training pairs, or of all.
        test: Root of the test pairs.
        test_boxes: Their label files; ``boxes`` if None.
        split: A split file of the pairs in ``data``.
        card: How the roots are laid out; ``rgb/`` and ``ir/`` if None.
        label: Only objects of this label.
    """

    data: Path
    boxes: Path
    test: Path | None = None
    test_boxes: Path | None = None
    split: Path | None = None
    card: Card | None = None
    label: str | None = None

    def parts(self) -> tuple[list[Pair], list[Pair]]:
        """Return the pairs to train and to test on: of two roots, of a split file, or the card's published parts.

        Raises:
            InputError: No test pairs, both ``test`` and ``split``, or a pair or scene on both sides.
        """
        if self.test is not None and self.split is not None:
            raise InputError("expected --test or --split, got both: leave one out")
        pairs = list_pairs(self.data, self.card)
        if self.test is not None:
            train, test = pairs, list_pairs(self.test, self.card)
        else:
            train, test = self._parted(pairs)
        refuse_shared_names(train, test)
        return train, test

    def _parted(self, pairs: Sequence[Pair]) -> tuple[list[Pair], list[Pair]]:
        if self.split is not None:
            parts = read_split(self.split, pairs)
        else:
            parts = {name: [p for p in pairs if p.part == name] for name in {p.part for p in pairs} if name is not None}
        test = next((parts[name] for name in _TEST if parts.get(name)), None)
        if test is None or not parts.get(_TRAIN):
            raise InputError(
                f"expected scenes to test on besides those of {self.data}, got parts {sorted(parts) or 'none'}: "
                "give --test ROOT, or --split FILE of ir-transfer datasets split"
            )
        return parts[_TRAIN], test


def detect_on_files(
    files: Files,
    exemplars: Sequence[str],
    models: Sequence[str],
    weights: Mapping[str, Sequence[str]],
    training: Training,
    *,
    protocol: Protocol = NONE,
    max_side: int | None = None,
    exemplar_polarity: ExemplarPolarity = "auto",
    exemplar_range: AskedRange = "auto",
    say: Callable[[str], None] = lambda _: None,
) -> tuple[Outcome, str, dict[str, str | None]]:
    """Run the experiment.

    Args:
        files: Pairs and labels.
        exemplars: Files, ``nearest:FOLDER`` or ``oracle``; see :func:`choose_policy`. None may be a test scene's.
        models: Names.
        weights: Weights by model; the bundled ones where none is given.
        training: Steps and seeds.
        protocol: Its size, polarity and exemplar policy hold; what is tested is said by ``files``.
        max_side: Larger pictures are reduced to it, instead of what the protocol says.
        exemplar_polarity: Which way round the exemplars are; ``"auto"`` lets the shipped classifier judge each.
        exemplar_range: Numbers of the exemplars that become black and white; see :func:`open_exemplar`.
        say: Told how far it is.

    Returns:
        The outcome, the protocol with all changes in words, and what else decides the figures.

    Raises:
        InputError: Weights of a model that is not compared, a leak, no objects, and what the parts refuse.
        MissingFileError: torchmetrics is not installed.
    """
    check_torchmetrics()
    refuse_stray_weights(models, weights)
    black_hot = _is_black_hot(files.card, protocol)
    train, test = files.parts()
    policy = choose_policy(
        exemplars, training.device, black_hot, files.card, {pair.ir for pair in test}, exemplar_range
    )
    applied, changes = changed_protocol(protocol, policy, max_side)
    if isinstance(policy, Fixed):  # others choose by the scene, and are checked when they have chosen
        refuse_test_exemplars(policy.paths, test)
    methods = [method for name in models for method in methods_of(name, weights)]
    check_names(methods)
    for method in methods:
        method.model.to(training.device)
    read = partial(load_labelled, label=files.label, max_side=applied.max_side, black_hot=black_hot)
    say(f"reading {len(train)} training and {len(test)} test scenes")
    learnt, tested = read(train, files.boxes), read(test, files.test_boxes or files.boxes)
    white_hot = is_white_hot(exemplar_polarity)
    translate = Translator(
        policy, test, max_side=applied.max_side, black_hot=black_hot, device=training.device, white_hot=white_hot
    )

    def on_step(arm: str, seed: int, step: int, loss: float) -> None:
        if step % 100 == 0 or step == training.steps:
            say(f"  {arm}, seed {seed}: step {step} of {training.steps}, loss {loss:.3f}")

    def on_row(arm: str, precision: Precision) -> None:
        say(f"{arm}: mAP {precision.map:.3f}, mAP50 {precision.map50:.3f} (seed {training.seeds[0]})")

    outcome = run_experiment(learnt, tested, methods, translate, training, on_step=on_step, on_row=on_row)
    paths = {"data": files.data, "test": files.test, "split": files.split}
    labels = {"boxes": files.boxes, "test_boxes": files.test_boxes, "label": files.label}
    settings = {key: None if value is None else str(value) for key, value in {**paths, **labels}.items()}
    hashes = ", ".join(f"{method.label} {method.model.weights_hash}" for method in methods)
    more = {"card": files.card.name if files.card else None, "exemplar": policy.description, "weights_hashes": hashes}
    more |= {"exemplar_polarity": exemplar_polarity, "exemplars_inverted": ", ".join(translate.inverted) or None}
    title = protocol.title + (f" (changed: {', '.join(changes)})" if changes else "")
    return outcome, title, {**settings, **more}


def _is_black_hot(card: Card | None, protocol: Protocol) -> bool:
    if card is None:
        return protocol.polarity == "black-hot"
    check_band(card, protocol)
    return is_black_hot(card, protocol)
