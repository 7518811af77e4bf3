"""A comparison from files to files: pairs, exemplars and weights in; figures, tables and pictures out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ir_transfer.data.exemplars.polarity import ExemplarPolarity, is_white_hot
from ir_transfer.data.exemplars.range import AskedRange
from ir_transfer.data.image_io import encode_png, write_whole
from ir_transfer.data.pair_checks import check_pairs
from ir_transfer.data.pairs import Pair
from ir_transfer.data.picture_names import composed
from ir_transfer.data.soft_labels import open_soft_labels
from ir_transfer.errors import InputError
from ir_transfer.evaluation.boxes import read_boxes
from ir_transfer.evaluation.columns import COLUMNS
from ir_transfer.evaluation.contact_sheet import contact_sheet
from ir_transfer.evaluation.data_set import DataSet, find_pairs
from ir_transfer.evaluation.exemplars import ExemplarPolicy, choose_policy
from ir_transfer.evaluation.harness import Judges, Method, Results, evaluate, with_baselines
from ir_transfer.evaluation.judge import network_name
from ir_transfer.evaluation.masks import masks_of_card, open_masks, read_regions
from ir_transfer.evaluation.metrics.lpips import Lpips
from ir_transfer.evaluation.metrics.object_heat import Box, HeatObject, Region
from ir_transfer.evaluation.outputs import OutputFolder, open_outputs
from ir_transfer.evaluation.protocol import NONE, Protocol
from ir_transfer.evaluation.scenes import Scene, load_scene
from ir_transfer.evaluation.soft_objects import soft_regions
from ir_transfer.models.registry import create_model
from ir_transfer.nn.perceptual import PerceptualEncoder

SHEET_ROWS = 24
"""Most scenes on a contact sheet; of more, an even spread is shown."""


@dataclass(frozen=True)
class Comparison:
    """What was compared on what, and what came out.

    Attributes:
        data: What was measured.
        policy: Which exemplars they got.
        methods: The rows.
        results: The figures.
        protocol: How they were made, with all changes applied.
        changes: What differs from the protocol's file; figures with changes are not the protocol's.
        settings: What else decides the figures.
        networks: Name that a column's network has, by column.
        outputs: Rows whose pictures were made elsewhere.
    """

    data: DataSet
    policy: ExemplarPolicy
    methods: Sequence[Method]
    results: Results
    protocol: Protocol
    changes: Sequence[str]
    settings: Mapping[str, str | None]
    networks: Mapping[str, str]
    outputs: Sequence[OutputFolder] = ()

    @property
    def root(self) -> Path:
        """The folder that was measured."""
        return self.data.root

    @property
    def pairs(self) -> Sequence[Pair]:
        """The scenes."""
        return self.data.pairs

    @property
    def title(self) -> str:
        """One line for the table: scenes, exemplar, protocol."""
        scenes = f"{len(self.pairs)} {'scene' if len(self.pairs) == 1 else 'scenes'}"
        return f"{scenes} of {self.data.title}, exemplar {self.policy.description}; {self.made_with}"

    @property
    def made_with(self) -> str:
        """The protocol with its version, and what was changed."""
        return self.protocol.title + (f" (changed: {', '.join(self.changes)})" if self.changes else "")

    @property
    def columns(self) -> list[str]:
        """Keys of the columns that were measured."""
        return [key for key in COLUMNS if any(key in row for row in self.results.estimates.values())]

    def column_name(self, key: str) -> str:
        """Return a column's name with the network that measured it: ``patch_mmd[vgg19-16x]``."""
        return f"{key}[{self.networks[key]}]" if key in self.networks else key

    def write_sheet(self, path: Path, cell_width: int = 400) -> None:
        """Write a contact sheet: photograph, exemplar, output of every method, truth."""
        labels = [method.label for method in self.methods] + [folder.label for folder in self.outputs]
        rows: list[list[NDArray[np.float32]]] = []
        for pair in _spread(self.pairs):
            scene = load_scene(pair, self.protocol.max_side, black_hot=self.data.black_hot)
            exemplar = self.policy(scene)[0].picture[0, 0].cpu().numpy()
            shown = [self.results.outputs[label][pair.stem].numpy() for label in labels]
            photograph = scene.photograph[0].permute(1, 2, 0).numpy()
            rows.append([photograph, exemplar, *shown, scene.truth[0, 0].numpy()])
        sheet = contact_sheet(rows, ["photograph", "exemplar", *labels, "truth"], cell_width)
        write_whole(path, encode_png(sheet))


def parse_weights(texts: Sequence[str]) -> dict[str, list[str]]:
    """Return weights by model from ``MODEL=FILE`` texts; a model may have several.

    Raises:
        InputError: A text without ``=``.
    """
    weights: dict[str, list[str]] = {}
    for text in texts:
        name, sign, file = text.partition("=")
        if not sign or not name or not file:
            raise InputError(f"expected MODEL=FILE_OR_NAME, for example adain=my.safetensors, got {text!r}")
        weights.setdefault(name, []).append(file)
    return weights


def refuse_stray_weights(models: Sequence[str], weights: Mapping[str, Sequence[str]]) -> None:
    """Refuse weights of a model that is not compared.

    Raises:
        InputError: Names it.
    """
    if stray := weights.keys() - {name.partition(":")[0] for name in models}:
        raise InputError(f"expected --weights of compared models {', '.join(models)}, got {', '.join(sorted(stray))}")


def compare(
    data: Path,
    exemplars: Sequence[str],
    models: Sequence[str],
    weights: Mapping[str, Sequence[str]],
    *,
    card: str | None = None,
    split: Path | None = None,
    part: str | None = None,
    protocol: Protocol = NONE,
    vgg: str | None = None,
    lpips: Path | None = None,
    boxes: Path | None = None,
    masks: Path | None = None,
    soft_labels: Path | None = None,
    label: str | None = None,
    outputs: Sequence[str] = (),
    max_side: int | None = None,
    exemplar_range: AskedRange = "auto",
    device: str = "auto",
    exemplar_polarity: ExemplarPolarity = "auto",
    on_start: Callable[[int], None] | None = None,
    on_scene: Callable[[str], None] | None = None,
) -> Comparison:
    """Measure models beside the baselines.

    Args:
        data: Folder with ``rgb/`` and ``ir/``, or one that has them in the protocol's split; with a card, its root.
        exemplars: Files, ``nearest:FOLDER`` or ``oracle``; see :func:`choose_policy`.
        models: Names, with options as in ``gatys:steps=50``.
        weights: Weights by model; the bundled ones where none is given, a row for each otherwise.
        card: Name or file of a data set card; see :func:`find_pairs`.
        split: File of ``ir-transfer datasets split``.
        part: Which part of it, or of those that the set was published with.
        protocol: What else must be equal for two tables to compare.
        vgg: File of the judging VGG, or ``"torchvision"``; None leaves its columns out.
        lpips: File of LPIPS's learned weights; None leaves it out.
        boxes: Folder of VOC files, or a JSON file, of labelled objects in the pixels of the files.
        masks: Folder of masks of labelled objects, see :func:`open_masks`; by default those that the card tells of.
        soft_labels: Folder of soft class labels of the photographs, see :func:`open_soft_labels`.
        label: Only objects of this label.
        outputs: Rows of pictures made elsewhere, each as ``NAME=FOLDER``; see :func:`open_outputs`.
        max_side: Larger pictures are reduced to it, instead of what the protocol says.
        exemplar_range: Numbers of the exemplars that become black and white; see :func:`open_exemplar`.
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        exemplar_polarity: Which way round the exemplars are; ``"auto"`` lets the shipped classifier judge each.
        on_start: Called with the number of scenes before the first.
        on_scene: Called with the stem after each scene.

    Raises:
        InputError: Weights of a model that is not compared, and what the parts refuse.
    """
    refuse_stray_weights(models, weights)
    chosen = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    found = find_pairs(data, protocol, card, split, part)
    check_pairs(found.pairs)
    measured = {pair.ir for pair in found.pairs} if found.card and found.part else ()
    policy = choose_policy(exemplars, chosen, found.black_hot, found.card, measured, exemplar_range)
    applied, changes = changed_protocol(protocol, policy, max_side)
    methods = [method for name in models for method in methods_of(name, weights)]
    methods = with_baselines(methods, create_model)
    for method in methods:
        method.model.to(chosen)
    judges = Judges(
        PerceptualEncoder.load(vgg).to(chosen) if vgg else None,
        Lpips.load(lpips).to(chosen) if lpips else None,
        applied.columns,
        applied.border,
        applied.seed,
    )

    folders = [open_outputs(text, found.pairs, found.black_hot) for text in outputs]
    shapes = open_masks(masks) if masks else masks_of_card(data, found.card) if found.card and not boxes else None
    soft = open_soft_labels(soft_labels) if soft_labels else {}

    def boxes_of(scene: Scene) -> Sequence[HeatObject]:
        regions = read_regions(shapes, scene, label) if shapes else []
        frames = [_scaled(box, scene.scale) for box in read_boxes(boxes, scene.stem, label)] if boxes else []
        return [*regions, *frames, *_soft_regions(soft, scene, label)]

    if on_start is not None:
        on_start(len(found.pairs))
    results = evaluate(
        methods,
        (load_scene(pair, applied.max_side, chosen, found.black_hot) for pair in found.pairs),
        policy,
        judges,
        boxes_of=boxes_of if boxes or shapes or soft else None,
        outputs=folders,
        keep={pair.stem for pair in _spread(found.pairs)},
        white_hot=is_white_hot(exemplar_polarity),
        on_scene=on_scene,
    )
    paths = {"data": data, "card": card, "split": split, "part": found.part, "vgg": vgg, "lpips": lpips}
    paths |= {"boxes": boxes, "masks": masks, "labels": soft_labels}
    settings = {key: None if value is None else str(value) for key, value in paths.items()} | {"label": label}
    inverted = [name for name, polarity in results.polarities.items() if polarity.inverted_by_auto]
    settings |= {"exemplar_polarity": exemplar_polarity, "exemplars_inverted": ", ".join(inverted) or None}
    networks = {key: network_name(vgg) for key, column in COLUMNS.items() if vgg and column.judged}
    if judges.lpips:
        networks["lpips"] = judges.lpips.name
    settings |= {f"outputs/{folder.label}": str(folder.folder) for folder in folders}
    columns = {column for row in results.estimates.values() for column in row}
    results.composite = applied.composite.resolved(network_name(vgg) if vgg else None, columns)
    if applied.version:
        changes = [*changes, *applied.composite.changes(results.composite)]
    settings["composite"] = results.composite.text
    return Comparison(found, policy, methods, results, applied, changes, settings, networks, folders)


def changed_protocol(protocol: Protocol, policy: ExemplarPolicy, max_side: int | None) -> tuple[Protocol, list[str]]:
    """Return the protocol as it is applied, and what of its file was changed."""
    changes = []
    applied = protocol
    if max_side is not None and max_side != protocol.max_side:
        applied = replace(applied, max_side=max_side)
        changes.append(f"max_side {max_side} instead of {protocol.max_side}")
    if protocol.exemplar not in {"any", policy.name}:
        applied = replace(applied, exemplar=policy.name)
        changes.append(f"exemplar {policy.name} instead of {protocol.exemplar}")
    return applied, changes if protocol.version else []


def _spread(pairs: Sequence[Pair]) -> list[Pair]:
    """Return at most :data:`SHEET_ROWS` pairs, evenly spread."""
    rows = min(len(pairs), SHEET_ROWS)
    return [pairs[index * len(pairs) // rows] for index in range(rows)]


def methods_of(name: str, weights: Mapping[str, Sequence[str]]) -> list[Method]:
    """Return the rows of a model: one for each of its weights; with the bundled ones where none is given.

    Args:
        name: Of the model, with options behind it, each after a colon: ``gatys:steps=50``.
        weights: Weights by model.

    Raises:
        UnknownNameError: No such model or option.
        InputError: An option without a value, or with one that it cannot have.
    """
    registered, *options = name.split(":")
    files = weights.get(registered) or ("default",)
    if bare := [option for option in options if "=" not in option]:
        raise InputError(f"expected options as in {registered}:KEY=VALUE, got {bare[0]!r} in {name!r}")
    models = [create_model(registered, weights=file) for file in files]
    for model in models:
        model.configure(dict(option.split("=", 1) for option in options))
    if len(files) == 1:
        return [Method(name, models[0])]
    return [Method(f"{name} {Path(file).stem}", model) for file, model in zip(files, models, strict=True)]


def _soft_regions(files: Mapping[str, Path], scene: Scene, label: str | None) -> list[Region]:
    """Return the labelled objects of a scene; one without a label has none."""
    path = files.get(composed(scene.stem))
    if path is None:
        return []
    height, width = scene.truth.shape[-2:]
    file_size = round(height / scene.scale), round(width / scene.scale)
    found = soft_regions(path, file_size, (height, width))
    return [region for region in found if label is None or region.label == label.lower()]


def _scaled(box: Box, scale: float) -> Box:
    sides = {side: round(getattr(box, side) * scale) for side in ("left", "top", "right", "bottom")}
    return replace(box, **sides)
