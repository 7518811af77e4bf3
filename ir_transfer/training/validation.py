"""Validation on whole images of several sets, each with its own exemplars."""

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
from ir_transfer.evaluation.scene_metrics import SceneEvaluator
from ir_transfer.evaluation.scenes import Scene
from ir_transfer.metrics.distribution import Samples, joined, kernel_distance, standardised
from ir_transfer.metrics.features import feature_moments
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.fixed_styles import FixedStyles
from ir_transfer.models.style_code import StyleCode
from ir_transfer.nn.perceptual import PerceptualEncoder
from ir_transfer.training.gates import REFLECTED, Gate, network_gates, score_gates
from ir_transfer.training.recipe import DataSection
from ir_transfer.training.validation_images import ValidationExemplar, ValidationImages, load_validations

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
"""Scores of a set with ground truths; some require a perceptual encoder or labels."""
UNPAIRED = ("style", "exemplar_distance", "contrast_exemplar", "gradient_input", "luma_highpass", "people_heat")
"""Scores of a set without ground truths."""
THERMAL_ONLY = frozenset({"people_hot", "vehicles_hot", "people_heat", "luma_highpass"})
"""Scores that do not apply to bands of reflected light."""
EDGES_ENOUGH = 0.26
"""Correlation of the gradient magnitudes of real infrared and RGB images, above which the score does not improve."""

_SHEET_ROWS = 5
_CELL_WIDTH = 400
_PROBED = 3  # number of images on which the gates are measured
_LEAST_PATCHES = 4


@dataclass(frozen=True)
class ValidationReport:
    """Result of a validation.

    Attributes:
        scores: Means over images and exemplars, by set and column.
        gates: Minimum requirements; empty after a shortened validation.
        sheets: Contact sheet of each set by name.
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
        """The gates that failed."""
        return [gate for gate in self.gates if not gate.passed]

    def figures(self) -> dict[str, float]:
        """Return all scores by name: ``<set>/<column>``, ``gates/<gate>`` and ``rank``."""
        found = {f"{name}/{key}": value for name, row in self.scores.items() for key, value in row.items()}
        found |= {f"gates/{gate.name}": gate.value for gate in self.gates}
        return found | {"rank": self.rank}


def rank_of(columns: Mapping[str, float]) -> float:
    """Return the score by which validations are compared; smaller is better, columns not measured add 0.

    With ground truths it sums the errors of ``cell_correlation``, ``gradient_agreement`` and ``people_hot``, the
    distance of the intensity distribution to the exemplar's and .03 times the kernel distance of patches. PSNR, which
    favours low contrast, only breaks ties: 10 dB outweigh .001. Without ground truths it sums the distances of features
    and intensities to the exemplar's, the shortfall of ``people_heat``, and that of ``gradient_input`` against
    :data:`EDGES_ENOUGH`.
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
        sets: The validation sets.
        style: Name of the recipe's first style, for models with fixed styles; empty without one.

    Args:
        data: The recipe's data section.
        root: Folder to which its paths are relative.
        vgg: Frozen perceptual encoder, or None.

    Raises:
        MissingFileError: The folder of a validation set is missing.
        InputError: An exemplar is missing, a pair or label has another size, or a ground truth is coloured.
    """

    def __init__(self, data: DataSection, root: Path, vgg: PerceptualEncoder | None) -> None:
        self.sets = load_validations(data, root)
        self.style = next(iter(data.looks), "")
        self.band, self.vgg = data.band, vgg

    @property
    def exemplar(self) -> ValidationExemplar:
        """First exemplar of the first set, which is recorded with the run."""
        return self.sets[0].exemplars[0]

    @torch.inference_mode()
    def __call__(self, model: TranslationModel, limit: int | None = None) -> ValidationReport:
        """Score a model in evaluation mode.

        Args:
            model: On any device.
            limit: Largest number of images of each set; with a limit, gates are not checked.
        """
        scores: dict[str, dict[str, float]] = {}
        sheets = {}
        for images in self.sets:
            name = images.section.name
            scores[name], sheets[name] = self._score(model, images, limit)
        gates = [] if limit is not None else [*self._network_gates(model), *score_gates(scores, self.band)]
        return ValidationReport(scores, gates, sheets)

    def _score(
        self, model: TranslationModel, images: ValidationImages, limit: int | None
    ) -> tuple[dict[str, float], Image.Image]:
        measured = PAIRED if images.paired else UNPAIRED
        wanted = [key for key in measured if self.band not in REFLECTED or key not in THERMAL_ONLY]
        found: dict[str, list[tuple[float, float]]] = defaultdict(list)
        patches: tuple[list[list[Samples]], list[list[Samples]]] = ([], [])
        shown: list[tuple[Scene, ValidationExemplar, Tensor]] = []
        device = model.device
        for exemplar in images.exemplars:
            style, image = self._style(model, exemplar), exemplar.image.to(device)
            moments = feature_moments(list(self.vgg(image).values())) if self.vgg is not None else None
            for scene, regions in images.scenes(exemplar, limit):
                moved = scene.to(device)
                evaluator = SceneEvaluator(moved, regions, wanted, self.vgg)
                output = model(moved.rgb, style)
                values, features = evaluator.measure(output, moments, image)
                for key, value in values.items():
                    found[key].append(value)
                if features is not None:
                    patches[0].append(features.patches)
                    patches[1].append((evaluator.measure_ground_truth()[1] or features).patches)
                shown.append((scene, exemplar, output))
        scores = {key: _weighted(found[key]) for key in wanted if sum(weight for _, weight in found[key])}
        if images.paired and patches[0]:
            scores |= _kernel_distance(*patches)
        return scores, _sheet(shown, images.paired)

    def _style(self, model: TranslationModel, exemplar: ValidationExemplar) -> StyleCode:
        """Return the style of a white-hot exemplar."""
        if isinstance(model, FixedStyles):
            return model.style(self.style)
        device = model.device
        return model.prepare([exemplar.image], white_hot=True).to(device)

    def _network_gates(self, model: TranslationModel) -> list[Gate]:
        """Return the gates of the network, measured on images of all sets."""
        device = model.device
        scenes = [[scene for scene, _ in one.scenes(one.exemplars[0])] for one in self.sets]
        rounds = max(len(found) for found in scenes)
        spread = [found[index] for index in range(rounds) for found in scenes if index < len(found)][:_PROBED]
        images = [scene.rgb.to(device) for scene in spread]
        return network_gates(model, images, lambda: [self._style(model, one.exemplars[0]) for one in self.sets])


def _weighted(figures: Sequence[tuple[float, float]]) -> float:
    """Return the weighted mean of (value, weight) pairs, so that each labelled object counts once."""
    values, weights = zip(*figures, strict=True)
    return float(np.average(values, weights=weights))


def _kernel_distance(outputs: list[list[Samples]], truths: list[list[Samples]]) -> dict[str, float]:
    ours, theirs = joined(outputs), joined(truths)
    if len(theirs[0]) < _LEAST_PATCHES:
        return {}
    return {"patch_mmd": kernel_distance(standardised(ours, theirs), standardised(theirs, theirs))[0]}


def _sheet(shown: Sequence[tuple[Scene, ValidationExemplar, Tensor]], paired: bool) -> Image.Image:
    """Return RGB image, exemplar, output, ground truth and difference for evenly spaced images and exemplars."""
    rows = []
    for scene, exemplar, output in shown[:: max(1, len(shown) // _SHEET_ROWS)][:_SHEET_ROWS]:
        made = output.cpu()
        rows.append([scene.rgb, exemplar.image, made, scene.ground_truth, _difference(made, scene.ground_truth)])
    headings = ("input", "exemplar", "output", "ground truth", "difference (gray: none)")
    columns = 5 if paired else 3
    return contact_sheet([[_array(p) for p in row[:columns]] for row in rows], headings[:columns], _CELL_WIDTH)


def _difference(output: Tensor, truth: Tensor) -> Tensor:
    """Return output minus ground truth, with middle gray for 0: bright where the output is too hot."""
    return (0.5 + (output - truth) / 2).clamp(0, 1)


def _array(images: Tensor) -> NDArray[np.float32]:
    image: NDArray[np.float32] = images[0].squeeze(0).float().cpu().numpy()
    return image.transpose(1, 2, 0) if image.ndim == 3 else image
