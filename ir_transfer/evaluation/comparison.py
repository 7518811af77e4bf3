"""A comparison from files to files: pairs, exemplars and weights in, ``results.json`` and a contact sheet out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

import ir_transfer
from ir_transfer.data.pairs import Pair, list_pairs
from ir_transfer.errors import InputError
from ir_transfer.evaluation.boxes import read_boxes
from ir_transfer.evaluation.contact_sheet import contact_sheet
from ir_transfer.evaluation.harness import METRICS, Method, Results, evaluate, with_baselines
from ir_transfer.evaluation.metrics.object_heat import Box
from ir_transfer.evaluation.scenes import Scene, load_exemplar, load_scene
from ir_transfer.models.registry import create_model
from ir_transfer.nn.perceptual import PerceptualEncoder

SHEET_ROWS = 24
"""Most scenes on a contact sheet; of more, an even spread is shown."""


@dataclass(frozen=True)
class Comparison:
    """What was compared on what, and what came out.

    Attributes:
        pairs: The scenes.
        exemplars: Files of the exemplars.
        methods: The rows.
        results: The figures.
        settings: What else decides the figures.
        max_side: Larger pictures were reduced to it.
    """

    pairs: Sequence[Pair]
    exemplars: Sequence[Path]
    methods: Sequence[Method]
    results: Results
    settings: Mapping[str, str | None]
    max_side: int | None = None

    @property
    def title(self) -> str:
        """One line for the table."""
        names = ", ".join(path.name for path in self.exemplars)
        return f"{len(self.pairs)} scenes of {self.settings['data']}, exemplar {names}"

    @property
    def metrics(self) -> list[str]:
        """Names of the metrics that were measured."""
        return [name for name in METRICS if any(name in scores for scores in self.results.scores.values())]

    def write(self, folder: Path, cell_width: int = 400) -> None:
        """Write ``results.json`` and ``sheet.png`` into a folder, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        described = {
            "version": ir_transfer.__version__,
            "torch": torch.__version__,
            "settings": {**self.settings, "max_side": self.max_side},
            "exemplars": [str(path) for path in self.exemplars],
            "metrics": {name: METRICS[name] for name in self.metrics},
            "methods": {
                m.label: {"model": m.model.info.name, "weights_hash": m.model.weights_hash} for m in self.methods
            },
            "scores": {
                method: {metric: asdict(score) for metric, score in scores.items()}
                for method, scores in self.results.scores.items()
            },
            "per_scene": self.results.per_scene,
        }
        (folder / "results.json").write_text(json.dumps(described, indent=1) + "\n")
        self._sheet(folder / "sheet.png", cell_width)

    def _sheet(self, path: Path, cell_width: int) -> None:
        exemplar = load_exemplar(self.exemplars[0])[0, 0].numpy()
        labels = [method.label for method in self.methods]
        rows: list[list[NDArray[np.float32]]] = []
        for pair in _spread(self.pairs):
            scene = load_scene(pair, self.max_side)
            outputs = [self.results.outputs[label][pair.stem].numpy() for label in labels]
            photograph = scene.photograph[0].permute(1, 2, 0).numpy()
            rows.append([photograph, exemplar, *outputs, scene.truth[0, 0].numpy()])
        contact_sheet(rows, ["photograph", "exemplar", *labels, "truth"], cell_width).save(path)


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


def compare(
    root: Path,
    exemplars: Sequence[Path],
    models: Sequence[str],
    weights: Mapping[str, Sequence[str]],
    *,
    vgg: str | None = None,
    boxes: Path | None = None,
    label: str | None = None,
    max_side: int | None = None,
    device: str = "auto",
    on_scene: Callable[[str], None] | None = None,
) -> Comparison:
    """Measure models beside the baselines.

    Args:
        root: Folder with ``rgb/`` and ``ir/``.
        exemplars: Files; each is used alone and figures are means over them.
        models: Names.
        weights: Weights by model; the bundled ones where none is given, a row for each otherwise.
        vgg: File of the judging VGG, or ``"torchvision"``; None leaves its metrics out.
        boxes: Folder of VOC files, or a JSON file, of labelled objects in the pixels of the files.
        label: Only objects of this label.
        max_side: Larger pictures are reduced to it.
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        on_scene: Called with the stem after each scene.

    Raises:
        InputError: Weights of a model that is not compared, and what the parts refuse.
    """
    if stray := weights.keys() - set(models):
        raise InputError(f"expected --weights of compared models {', '.join(models)}, got {', '.join(sorted(stray))}")
    chosen = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    pairs = list_pairs(root)
    methods = [method for name in models for method in _methods(name, weights.get(name, ()))]
    methods = with_baselines(methods, create_model)
    for method in methods:
        method.model.to(chosen)
    encoder = PerceptualEncoder.load(vgg).to(chosen) if vgg else None

    def boxes_of(scene: Scene) -> list[Box]:
        return [_scaled(box, scene.scale) for box in read_boxes(boxes, scene.stem, label)] if boxes else []

    results = evaluate(
        methods,
        (load_scene(pair, max_side, chosen) for pair in pairs),
        [load_exemplar(path, chosen) for path in exemplars],
        encoder,
        boxes_of=boxes_of if boxes else None,
        keep={pair.stem for pair in _spread(pairs)},
        on_scene=on_scene,
    )
    settings = {"data": str(root), "vgg": vgg, "boxes": str(boxes) if boxes else None, "label": label}
    return Comparison(pairs, exemplars, methods, results, settings, max_side)


def _spread(pairs: Sequence[Pair]) -> list[Pair]:
    """Return at most :data:`SHEET_ROWS` pairs, evenly spread."""
    rows = min(len(pairs), SHEET_ROWS)
    return [pairs[index * len(pairs) // rows] for index in range(rows)]


def _methods(name: str, files: Sequence[str]) -> list[Method]:
    if not files:
        return [Method(name, create_model(name))]
    models = [create_model(name, weights=file) for file in files]
    if len(files) == 1:
        return [Method(name, models[0])]
    return [Method(f"{name} {Path(file).stem}", model) for file, model in zip(files, models, strict=True)]


def _scaled(box: Box, scale: float) -> Box:
    sides = {side: round(getattr(box, side) * scale) for side in ("left", "top", "right", "bottom")}
    return replace(box, **sides)
