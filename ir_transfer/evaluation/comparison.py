"""A comparison of models on registered pairs, from files to results."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ir_transfer.data.pair_checks import check_pairs
from ir_transfer.data.pairs import Pair
from ir_transfer.evaluation.boxes import read_boxes
from ir_transfer.evaluation.columns import COLUMNS
from ir_transfer.evaluation.contact_sheet import contact_sheet, spread
from ir_transfer.evaluation.data_set import DataSet, find_pairs
from ir_transfer.evaluation.evaluator import EvalSettings, evaluate
from ir_transfer.evaluation.exemplars import ExemplarPolicy, choose_policy
from ir_transfer.evaluation.feature_extractor import network_name
from ir_transfer.evaluation.masks import Masks, masks_of_card, open_masks, read_regions
from ir_transfer.evaluation.methods import Method, methods_of, refuse_unexpected_weights, with_baselines
from ir_transfer.evaluation.outputs import OutputFolder, open_outputs
from ir_transfer.evaluation.protocol import NONE, Protocol
from ir_transfer.evaluation.results import Results
from ir_transfer.evaluation.scene_metrics import PEOPLE, VEHICLES
from ir_transfer.evaluation.scenes import Scene, load_scene
from ir_transfer.evaluation.soft_objects import soft_regions
from ir_transfer.imaging.exemplars.polarity import ExemplarPolarity, is_white_hot
from ir_transfer.imaging.exemplars.range import AskedRange
from ir_transfer.imaging.image_io import encode_png, write_whole
from ir_transfer.imaging.image_names import composed
from ir_transfer.labels.soft_labels import open_soft_labels
from ir_transfer.metrics.lpips import Lpips
from ir_transfer.metrics.object_heat import Box, HeatObject, Region
from ir_transfer.nn.perceptual import PerceptualEncoder

SHEET_ROWS = 24
"""Largest number of scenes on a contact sheet; of more scenes, an evenly spaced selection is shown."""


@dataclass(frozen=True)
class Comparison:
    """Inputs and results of a comparison.

    Attributes:
        data: The measured pairs.
        policy: Chose the exemplars.
        methods: The rows.
        results: The measured values.
        protocol: The protocol with all changes applied.
        changes: Differences from the protocol's file; a changed table is not comparable with those of the protocol.
        settings: All other settings that change a value.
        networks: Name of the network that measured a column, by column.
        outputs: Rows of images produced by another program.
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
        """The measured folder."""
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
        """The protocol with its version and its changes."""
        return self.protocol.changed_title(self.changes)

    @property
    def columns(self) -> list[str]:
        """Keys of the measured columns."""
        return [key for key in COLUMNS if any(key in row for row in self.results.estimates.values())]

    def column_name(self, key: str) -> str:
        """Return a column's name with the network that measured it: ``patch_mmd[vgg19-16x]``."""
        return f"{key}[{self.networks[key]}]" if key in self.networks else key

    def write_sheet(self, path: Path, cell_width: int = 400) -> None:
        """Write a contact sheet as PNG: RGB image, exemplar, output of every method, ground truth.

        Args:
            path: The file.
            cell_width: Width of an image in pixels.

        Raises:
            EncodeError: It cannot be written.
        """
        labels = [method.label for method in self.methods] + [folder.label for folder in self.outputs]
        rows: list[list[NDArray[np.float32]]] = []
        for pair in spread(self.pairs, SHEET_ROWS):
            scene = load_scene(pair, self.protocol.max_side, black_hot=self.data.black_hot)
            exemplar = self.policy(scene)[0].image[0, 0].cpu().numpy()
            shown = [self.results.outputs[label][pair.stem].numpy() for label in labels]
            rgb = scene.rgb[0].permute(1, 2, 0).numpy()
            rows.append([rgb, exemplar, *shown, scene.ground_truth[0, 0].numpy()])
        sheet = contact_sheet(rows, ["RGB", "exemplar", *labels, "ground truth"], cell_width)
        write_whole(path, encode_png(sheet))


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
    """Measure models and the baselines on registered pairs.

    Args:
        data: Folder with ``rgb/`` and ``ir/``, or one that has them in the protocol's split; with a card, its root.
        exemplars: Files, ``nearest:FOLDER`` or ``oracle``; see :func:`choose_policy`.
        models: Names, with options as in ``gatys:steps=50``.
        weights: Weights by model, a row for each; the bundled ones where none is given.
        card: Name or file of a data set card; see :func:`find_pairs`.
        split: File of ``ir-transfer datasets split``.
        part: Subset of the split file, or of the published split.
        protocol: Settings that make tables comparable.
        vgg: File of the VGG whose features are measured, or ``"torchvision"``; None omits its columns.
        lpips: File of LPIPS's learned weights; None omits it.
        boxes: Folder of VOC files, or a JSON file, of labelled objects in the pixels of the files.
        masks: Folder of masks of labelled objects, see :func:`open_masks`; by default those that the card names.
        soft_labels: Folder of soft class labels of the RGB images, see :func:`open_soft_labels`. People or vehicles in
            the boxes or masks replace theirs.
        label: Only objects of this label.
        outputs: Rows of images produced by another program, each as ``NAME=FOLDER``; see :func:`open_outputs`.
        max_side: Larger images are reduced to this side in pixels, instead of the protocol's.
        exemplar_range: Values of the exemplars that become black and white; see :func:`open_exemplar`.
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        exemplar_polarity: Polarity of the exemplars; ``"auto"`` lets the bundled classifier decide for each.
        on_start: Called with the number of scenes before the first.
        on_scene: Called with the stem after each scene.

    Raises:
        InputError: Weights of a model that is not compared, or invalid input of any other argument.
    """
    refuse_unexpected_weights(models, weights)
    chosen = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    found = find_pairs(data, protocol, card, split, part)
    check_pairs(found.pairs)
    measured = {pair.ir for pair in found.pairs} if found.card and found.part else ()
    policy = choose_policy(exemplars, chosen, found.black_hot, found.card, measured, exemplar_range)
    applied, changes = changed_protocol(protocol, policy, max_side)
    methods = with_baselines([method for name in models for method in methods_of(name, weights)])
    for method in methods:
        method.model.to(chosen)
    evaluated = EvalSettings(
        PerceptualEncoder.load(vgg).to(chosen) if vgg else None,
        Lpips.load(lpips).to(chosen) if lpips else None,
        applied.columns,
        applied.border,
        applied.seed,
    )
    folders = [open_outputs(text, found.pairs, found.black_hot) for text in outputs]
    shapes = open_masks(masks) if masks else masks_of_card(data, found.card) if found.card and not boxes else None
    if on_start is not None:
        on_start(len(found.pairs))
    results = evaluate(
        methods,
        (load_scene(pair, applied.max_side, chosen, found.black_hot) for pair in found.pairs),
        policy,
        evaluated,
        objects_of=_object_reader(boxes, shapes, soft_labels, label, [pair.stem for pair in found.pairs]),
        outputs=folders,
        keep={pair.stem for pair in spread(found.pairs, SHEET_ROWS)},
        white_hot=is_white_hot(exemplar_polarity),
        on_scene=on_scene,
    )
    networks = {key: network_name(vgg) for key, column in COLUMNS.items() if vgg and column.uses_features}
    if evaluated.lpips:
        networks["lpips"] = evaluated.lpips.name
    columns = {column for row in results.estimates.values() for column in row}
    results.composite = applied.composite.resolved(network_name(vgg) if vgg else None, columns)
    if applied.version:
        changes = [*changes, *applied.composite.changes(results.composite)]
    paths = {"data": data, "card": card, "split": split, "part": found.part, "vgg": vgg, "lpips": lpips}
    paths |= {"boxes": boxes, "masks": masks, "labels": soft_labels}
    inverted = [name for name, polarity in results.polarities.items() if polarity.inverted_by_auto]
    settings = {
        **{key: None if value is None else str(value) for key, value in paths.items()},
        "label": label,
        "exemplar_polarity": exemplar_polarity,
        "exemplars_inverted": ", ".join(inverted) or None,
        **{f"outputs/{folder.label}": str(folder.folder) for folder in folders},
        "composite": results.composite.text,
    }
    return Comparison(found, policy, methods, results, applied, changes, settings, networks, folders)


def _object_reader(
    boxes: Path | None, masks: Masks | None, soft_labels: Path | None, label: str | None, stems: Sequence[str]
) -> Callable[[Scene], Sequence[HeatObject]] | None:
    """Return a function that reads the labelled objects of a scene; None without any labels.

    Soft labels are predictions: their people are not used if a box in one of the scenes, given by their stems, or a
    value of the masks is a person. The same applies to vehicles.
    """
    files = open_soft_labels(soft_labels) if soft_labels else {}
    annotated = {box.label.lower() for stem in stems for box in read_boxes(boxes, stem)} if boxes and files else set()
    annotated |= {name.lower() for name in masks.names.values()} if masks else set()
    replaced = {kind for kind, names in (("person", PEOPLE), ("vehicle", VEHICLES)) if annotated & names}

    def read(scene: Scene) -> Sequence[HeatObject]:
        regions = read_regions(masks, scene, label) if masks else []
        frames = [_scaled(box, scene.scale) for box in read_boxes(boxes, scene.stem, label)] if boxes else []
        predicted = [region for region in _soft_regions(files, scene, label) if region.label not in replaced]
        return [*regions, *frames, *predicted]

    return read if boxes or masks or soft_labels else None


def changed_protocol(protocol: Protocol, policy: ExemplarPolicy, max_side: int | None) -> tuple[Protocol, list[str]]:
    """Return the protocol with its exemplar policy and largest side replaced, and a description of these changes.

    Args:
        protocol: As read from its file.
        policy: Chosen by the caller.
        max_side: In pixels; None keeps the protocol's.
    """
    changes = []
    applied = protocol
    if max_side is not None and max_side != protocol.max_side:
        applied = replace(applied, max_side=max_side)
        changes.append(f"max_side {max_side} instead of {protocol.max_side}")
    if protocol.exemplar not in {"any", policy.name}:
        applied = replace(applied, exemplar=policy.name)
        changes.append(f"exemplar {policy.name} instead of {protocol.exemplar}")
    return applied, changes if protocol.version else []


def _soft_regions(files: Mapping[str, Path], scene: Scene, label: str | None) -> list[Region]:
    """Return the objects of a scene in its soft labels; none without a label file."""
    path = files.get(composed(scene.stem))
    if path is None:
        return []
    height, width = scene.ground_truth.shape[-2:]
    file_size = round(height / scene.scale), round(width / scene.scale)
    found = soft_regions(path, file_size, (height, width))
    return [region for region in found if label is None or region.label == label.lower()]


def _scaled(box: Box, scale: float) -> Box:
    sides = {side: round(getattr(box, side) * scale) for side in ("left", "top", "right", "bottom")}
    return replace(box, **sides)
