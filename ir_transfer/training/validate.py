"""Validation on whole pictures, as a user would convert them: several sets, each with exemplars of its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ir_transfer.evaluation.contact_sheet import contact_sheet
from ir_transfer.evaluation.metrics.distribution import Samples, joined, kernel_distance, standardised
from ir_transfer.evaluation.metrics.features import feature_moments
from ir_transfer.evaluation.scene_metrics import SceneEvaluator
from ir_transfer.evaluation.scenes import Scene
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.fixed_looks import FixedLooks
from ir_transfer.models.style_code import StyleCode
from ir_transfer.nn.perceptual import PerceptualEncoder
from ir_transfer.training.gates import REFLECTED, Gate, network_gates, score_gates
from ir_transfer.training.recipe import DataSection
from ir_transfer.training.validation_pictures import ValidationExemplar, ValidationPictures, load_validations

PAIRED = (
    *("cell_correlation", "people_hot", "vehicles_hot", "people_heat", "gradient_agreement", "truth_highpass"),
    *(
        "luma_highpass",
        "exemplar_distance",
        "histogram_emd",
        "contrast_exemplar",
        "contrast_truth",
        "perceptual",
        "psnr",
    ),
)
"""Columns of a set with truths; those of a judge or of labels are left out without them."""
UNPAIRED = ("style", "exemplar_distance", "contrast_exemplar", "gradient_input", "luma_highpass", "people_heat")
"""Columns of a set without truths."""
THERMAL_ONLY = frozenset({"people_hot", "vehicles_hot", "people_heat", "luma_highpass"})
"""Columns that mean nothing where reflected light is shown."""
EDGES_ENOUGH = 0.26
"""Correlation of gradient magnitudes with the photograph that true infrared pictures have; more counts no more."""

_SHEET_ROWS = 5
_CELL_WIDTH = 400
_PROBED = 3  # pictures that the gates look at
_LEAST_PATCHES = 4


@dataclass(frozen=True)
class ValidationReport:
    """What a validation found.

    Attributes:
        scores: Means over pictures and exemplars, by set and column.
        gates: What must be fulfilled whatever the scores are; empty after a shortened validation.
        sheets: A contact sheet of every set.
    """

    scores: Mapping[str, Mapping[str, float]]
    gates: Sequence[Gate] = ()
    sheets: Mapping[str, Image.Image] = field(default_factory=dict)

    @property
    def rank(self) -> float:
        """The mean of the sets' :func:`rank_of`; smaller is better."""
        return float(np.mean([rank_of(columns) for columns in self.scores.values()]))

    @property
    def failed(self) -> list[Gate]:
        """The gates that are not passed."""
        return [gate for gate in self.gates if not gate.passed]

    def figures(self) -> dict[str, float]:
        """Return all figures by name: ``<set>/<column>``, ``gates/<gate>`` and ``rank``."""
        found = {f"{name}/{key}": value for name, row in self.scores.items() for key, value in row.items()}
        found |= {f"gates/{gate.name}": gate.value for gate in self.gates}
        return found | {"rank": self.rank}


def rank_of(columns: Mapping[str, float]) -> float:
    """Return what ranks a set's figures; smaller is better, and a column that was not measured adds nothing.

    With truths: warm and cold areas where they are (``cell_correlation``), people hot, gradients as the truth's,
    intensities distributed as the exemplar's, and patches as those of true images (a kernel distance of 1 counts
    .03). PSNR, which fog wins, only decides between equals: 10 dB outweigh .001.
    Without: features and intensities like the exemplar's, people hot, and edges up to what infrared has of them.
    """
    short = 2 * columns["exemplar_distance"] + 0.03 * columns.get("patch_mmd", 0.0)
    if "cell_correlation" in columns:
        short += 1 - columns["cell_correlation"] + 0.5 * (1 - columns["gradient_agreement"])
        short += 0.5 * (1 - columns.get("people_hot", 1.0)) - 1e-4 * columns["psnr"]
    else:
        short += columns.get("style", 0.0) + max(0.0, EDGES_ENOUGH - columns["gradient_input"])
        short += 0.5 * (1 - columns.get("people_heat", 1.0))
    return short


class Validation:
    """Holds the validation sets and scores a model on them.

    Attributes:
        sets: The sets.
        look: The recipe's first, which conditions a model of fixed looks.

    Args:
        data: The recipe's data section.
        root: Folder that its paths are relative to.
        vgg: The judge, or None.

    Raises:
        MissingFileError: A validation's folder is missing.
        InputError: An exemplar is missing, a pair or label has another size, or a truth is coloured.
    """

    def __init__(self, data: DataSection, root: Path, vgg: PerceptualEncoder | None) -> None:
        self.sets = load_validations(data, root)
        self.look = next(iter(data.looks), "")
        self.band, self.vgg = data.band, vgg

    @property
    def exemplar(self) -> ValidationExemplar:
        """The first set's first one, which stands for the run."""
        return self.sets[0].exemplars[0]

    @torch.inference_mode()
    def __call__(self, model: TranslationModel, limit: int | None = None) -> ValidationReport:
        """Score a model in evaluation mode.

        Args:
            model: On any device.
            limit: Score so many pictures of a set only, and ask no gate.
        """
        scores: dict[str, dict[str, float]] = {}
        sheets = {}
        for pictures in self.sets:
            name = pictures.section.name
            scores[name], sheets[name] = self._score(model, pictures, limit)
        gates = [] if limit is not None else [*self._network_gates(model), *score_gates(scores, self.band)]
        return ValidationReport(scores, gates, sheets)

    def _score(
        self, model: TranslationModel, pictures: ValidationPictures, limit: int | None
    ) -> tuple[dict[str, float], Image.Image]:
        wanted = [key for key in (PAIRED if pictures.paired else UNPAIRED) if self._has_sense(key)]
        found: dict[str, list[tuple[float, float]]] = defaultdict(list)
        patches: tuple[list[list[Samples]], list[list[Samples]]] = ([], [])
        shown: list[tuple[Scene, ValidationExemplar, Tensor]] = []
        device = _device(model)
        for exemplar in pictures.exemplars:
            style, picture = self._style(model, exemplar), exemplar.picture.to(device)
            moments = feature_moments(list(self.vgg(picture).values())) if self.vgg is not None else None
            for scene, regions in pictures.scenes(exemplar, limit):
                moved = Scene(scene.stem, scene.rgb.to(device), scene.ground_truth.to(device))
                evaluator = SceneEvaluator(moved, regions, wanted, self.vgg)
                output = model(moved.rgb, style)
                values, features = evaluator.measure(output, moments, picture)
                for key, value in values.items():
                    found[key].append(value)
                if features is not None:
                    patches[0].append(features.patches)
                    patches[1].append((evaluator.measure_ground_truth()[1] or features).patches)
                shown.append((scene, exemplar, output))
        scores = {key: _weighted(found[key]) for key in wanted if sum(weight for _, weight in found[key])}
        if pictures.paired and patches[0]:
            scores |= _kernel_distance(*patches)
        return scores, _sheet(shown, pictures.paired)

    def _has_sense(self, key: str) -> bool:
        return self.band not in REFLECTED or key not in THERMAL_ONLY

    def _style(self, model: TranslationModel, exemplar: ValidationExemplar) -> StyleCode:
        """Return a style; exemplars of a validation are white-hot by contract, so nothing is to be guessed."""
        if isinstance(model, FixedLooks):
            return model.look(self.look)
        device = _device(model)
        return model.prepare([exemplar.picture], white_hot=True).to(device)

    def _network_gates(self, model: TranslationModel) -> list[Gate]:
        """Return the gates of the network, on pictures spread over the sets."""
        device = _device(model)
        scenes = [[scene for scene, _ in one.scenes(one.exemplars[0])] for one in self.sets]
        rounds = max(len(found) for found in scenes)
        spread = [found[index] for index in range(rounds) for found in scenes if index < len(found)][:_PROBED]
        photographs = [scene.rgb.to(device) for scene in spread]
        return network_gates(model, photographs, lambda: [self._style(model, one.exemplars[0]) for one in self.sets])


def _device(model: TranslationModel) -> torch.device:
    return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))


def _weighted(figures: Sequence[tuple[float, float]]) -> float:
    """Return the mean by weights; of labelled objects each counts once, however many a picture has."""
    values, weights = zip(*figures, strict=True)
    return float(np.average(values, weights=weights))


def _kernel_distance(outputs: list[list[Samples]], truths: list[list[Samples]]) -> dict[str, float]:
    ours, theirs = joined(outputs), joined(truths)
    if len(theirs[0]) < _LEAST_PATCHES:
        return {}
    return {"patch_mmd": kernel_distance(standardised(ours, theirs), standardised(theirs, theirs))[0]}


def _sheet(shown: Sequence[tuple[Scene, ValidationExemplar, Tensor]], paired: bool) -> Image.Image:
    """Return photograph, exemplar, output, truth and difference of an even spread over pictures and exemplars."""
    rows = []
    for scene, exemplar, output in shown[:: max(1, len(shown) // _SHEET_ROWS)][:_SHEET_ROWS]:
        made = output.cpu()
        rows.append([scene.rgb, exemplar.picture, made, scene.ground_truth, _difference(made, scene.ground_truth)])
    headings = ("input", "exemplar", "output", "truth", "difference (gray: none)")
    columns = 5 if paired else 3
    return contact_sheet([[_array(p) for p in row[:columns]] for row in rows], headings[:columns], _CELL_WIDTH)


def _difference(output: Tensor, truth: Tensor) -> Tensor:
    """Return output minus truth around middle gray: bright where the output is too hot."""
    return (0.5 + (output - truth) / 2).clamp(0, 1)


def _array(pictures: Tensor) -> NDArray[np.float32]:
    picture: NDArray[np.float32] = pictures[0].squeeze(0).float().cpu().numpy()
    return picture.transpose(1, 2, 0) if picture.ndim == 3 else picture
