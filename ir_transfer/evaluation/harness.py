"""Every method on the same scenes with the same exemplars, every column for each."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ir_transfer.errors import InputError
from ir_transfer.evaluation.cases import Cases
from ir_transfer.evaluation.columns import COLUMNS
from ir_transfer.evaluation.composite import MEASURED, CompositeSettings
from ir_transfer.evaluation.distribution_draws import DistributionJudge
from ir_transfer.evaluation.exemplars import Exemplar, ExemplarPolicy
from ir_transfer.evaluation.metrics.correlation import polarity_correlation
from ir_transfer.evaluation.metrics.lpips import Lpips
from ir_transfer.evaluation.metrics.object_heat import HeatObject
from ir_transfer.evaluation.metrics.style_distance import Moments, feature_moments
from ir_transfer.evaluation.outputs import OutputFolder
from ir_transfer.evaluation.samples import SampleFile
from ir_transfer.evaluation.scenes import Scene
from ir_transfer.evaluation.summary import Estimate, SceneDraws, Score
from ir_transfer.evaluation.yardstick import Figures, Yardstick
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.polarity import Polarity, polarity_of_exemplar
from ir_transfer.models.style_code import StyleCode
from ir_transfer.nn.perceptual import PerceptualEncoder

logger = logging.getLogger(__name__)

BASELINES = ("constant", "gray", "inverted", "histogram", "fda")
"""Rows of every comparison: PSNR and SSIM alone are won by a blank picture."""

TRUTH = "truth"
"""Row of the true infrared pictures themselves: what the figures without a reference can reach."""

_KEPT_CODES = 16


@dataclass(frozen=True)
class Method:
    """A row of the comparison.

    Attributes:
        label: How the row is called.
        model: What makes its pictures.
    """

    label: str
    model: TranslationModel


@dataclass(frozen=True)
class Judges:
    """Networks that judge, and what they are asked.

    Attributes:
        encoder: Of the perceptual, style and distribution distances; without it those are left out.
        lpips: LPIPS, or None.
        columns: Keys of the columns to measure.
        border: Pixels on each side of a picture that do not count.
        seed: Of the resamplings, and of models that draw.
    """

    encoder: PerceptualEncoder | None = None
    lpips: Lpips | None = None
    columns: Collection[str] = tuple(COLUMNS)
    border: int = 0
    seed: int = 0


@dataclass
class Results:
    """What a comparison found.

    Attributes:
        estimates: Figures with their draws by method and column; a column that does not apply is absent.
        per_scene: Values by method, column and scene.
        outputs: Pictures (H, W) by method and scene with the first exemplar, of the scenes to keep.
        exemplars: Names of the exemplars by scene.
        polarities: Polarity that the exemplars were taken to have, by name.
        validity: Scenes with invalid pixels: the share that is valid, the largest valid rectangle, and the columns that
            could not be computed.
        cases: Best and worst scenes of every method.
        composite: How composites of these figures are made.
    """

    estimates: dict[str, dict[str, Estimate]] = field(default_factory=dict)
    per_scene: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    outputs: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    exemplars: dict[str, list[str]] = field(default_factory=dict)
    polarities: dict[str, Polarity] = field(default_factory=dict)
    validity: dict[str, dict[str, Any]] = field(default_factory=dict)
    cases: Cases = field(default_factory=Cases)
    composite: CompositeSettings = MEASURED

    @property
    def scores(self) -> dict[str, dict[str, Score]]:
        """Figures with their intervals by method and column."""
        return {label: {key: e.score for key, e in row.items()} for label, row in self.estimates.items()}


class _Row:
    """Values of one method as they come in: column -> stem -> [(value, weight), ...]."""

    def __init__(self) -> None:
        self.values: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
        self.samples = SampleFile()

    def add(self, stem: str, figures: Figures) -> None:
        for column, (value, weight) in figures.items():
            if weight:
                self.values[column][stem].append((value, weight))

    def per_scene(self) -> dict[str, dict[str, float]]:
        return {
            column: {stem: float(np.mean([value for value, _ in found])) for stem, found in by_stem.items()}
            for column, by_stem in self.values.items()
        }

    def estimates(self, stems: Sequence[str], draws: SceneDraws) -> dict[str, Estimate]:
        found = {}
        for column, values in self.per_scene().items():
            weights = [self.values[column][stem][0][1] if stem in values else 0.0 for stem in stems]
            estimate = draws.mean([values.get(stem, 0.0) for stem in stems], weights)
            if estimate is not None:
                found[column] = estimate
        return found


class _Styles:
    """Style codes of every method for the exemplars at hand, upright and as a negative."""

    def __init__(
        self, methods: Sequence[Method], judges: Judges, white_hot: bool | None, polarities: dict[str, Polarity]
    ) -> None:
        self._methods, self._encoder = methods, judges.encoder
        self._white_hot, self._polarities = white_hot, polarities
        bands = {method.model.metadata.get("band") for method in methods if method.model.info.needs_weights}
        self._band = bands.pop() if len(bands) == 1 else None
        self._codes: dict[str, dict[str, tuple[StyleCode, StyleCode]]] = {}
        self._moments: dict[str, Moments | None] = {}

    def of(self, exemplar: Exemplar) -> dict[str, tuple[StyleCode, StyleCode]]:
        if exemplar.name not in self._codes:
            if len(self._codes) >= _KEPT_CODES:
                oldest = next(iter(self._codes))
                del self._codes[oldest], self._moments[oldest]
            upright, negative = exemplar.picture, 1 - exemplar.picture
            polarity = self._polarity(exemplar)
            opposite = None if self._white_hot is None else not self._white_hot
            turned = polarity_of_exemplar(negative, opposite, self._band)
            self._codes[exemplar.name] = {
                method.label: (_style(method, upright, polarity), _style(method, negative, turned))
                for method in self._methods
            }
            features = self._encoder(upright) if self._encoder else None
            self._moments[exemplar.name] = feature_moments(list(features.values())) if features else None
        return self._codes[exemplar.name]

    def _polarity(self, exemplar: Exemplar) -> Polarity:
        """Judge an exemplar once for all methods; the user is told of one that is inverted without being asked."""
        if exemplar.name not in self._polarities:
            if self._white_hot is not None:
                polarity = Polarity(self._white_hot, "option")
            else:
                polarity = polarity_of_exemplar(exemplar.picture, band=self._band)
            if polarity.inverted_by_auto:
                logger.warning("%s", polarity.warning(exemplar.name))
            self._polarities[exemplar.name] = polarity
        return self._polarities[exemplar.name]

    def moments_of(self, exemplar: Exemplar) -> Moments | None:
        self.of(exemplar)
        return self._moments[exemplar.name]


def _style(method: Method, picture: Tensor, polarity: Polarity) -> StyleCode:
    # Beside long-wave models a near-infrared one still takes its exemplar as it is.
    near_infrared = polarity.source == "auto" and method.model.metadata.get("band") == "nir"
    return method.model.style_for(picture, polarity.white_hot or near_infrared)


@torch.inference_mode()
def evaluate(
    methods: Sequence[Method],
    scenes: Iterable[Scene],
    policy: ExemplarPolicy,
    judges: Judges,
    *,
    boxes_of: Callable[[Scene], Sequence[HeatObject]] | None = None,
    outputs: Sequence[OutputFolder] = (),
    keep: Collection[str] = (),
    white_hot: bool | None = None,
    on_scene: Callable[[str], None] | None = None,
) -> Results:
    """Measure methods on scenes; every method sees the same exemplars.

    Each exemplar is used alone; a scene's value is the mean over exemplars.

    Args:
        methods: The rows; labels must differ.
        scenes: Read one after another, so that a generator keeps memory low.
        policy: Chooses the exemplars of a scene.
        judges: What is measured, and by what.
        boxes_of: Labelled objects of a scene, in its pixels.
        outputs: Rows whose pictures were made elsewhere; they are the same for every exemplar of a scene.
        keep: Stems of the scenes whose outputs with the first exemplar are kept.
        white_hot: Whether hot is bright in the exemplars; the shipped classifier judges each if None.
        on_scene: Called with the stem after each scene, for progress.

    Raises:
        InputError: No method, no scene, or a label twice.
    """
    labels = [method.label for method in methods] + [folder.label for folder in outputs]
    if not labels or len(set(labels)) != len(labels) or TRUTH in labels:
        raise InputError(f"expected at least one method and distinct labels, got {labels}")
    rows = {label: _Row() for label in [*labels, TRUTH]}
    results = Results()
    styles = _Styles(methods, judges, white_hot, results.polarities)
    for index, scene in enumerate(scenes):
        boxes = boxes_of(scene) if boxes_of else ()
        yardstick = Yardstick(scene, boxes, judges.columns, judges.encoder, judges.lpips, judges.border)
        if (validity := yardstick.validity) is not None:
            _report_validity(scene.stem, validity)
            results.validity[scene.stem] = validity
        figures, look = yardstick.measure_truth()
        rows[TRUTH].add(scene.stem, figures)
        if look:
            rows[TRUTH].samples.add(index, look.patches)
        exemplars = policy(scene)
        results.exemplars[scene.stem] = [exemplar.name for exemplar in exemplars]
        for number, exemplar in enumerate(exemplars):
            made = _translate_and_measure(rows, methods, scene, index, yardstick, styles, exemplar, judges)
            made |= _measure_files(rows, outputs, scene, index, yardstick, styles, exemplar)
            if number == 0:
                _keep(results, scene, exemplar, made, keep)
        if on_scene:
            on_scene(scene.stem)
    if not results.exemplars:
        raise InputError("expected at least one scene, got none")
    _summarise(results, rows, judges)
    return results


def _translate_and_measure(
    rows: Mapping[str, _Row],
    methods: Sequence[Method],
    scene: Scene,
    index: int,
    yardstick: Yardstick,
    styles: _Styles,
    exemplar: Exemplar,
    judges: Judges,
) -> dict[str, tuple[Tensor, Figures]]:
    """Add the figures of all methods with one exemplar and return outputs and figures."""
    moments, found = styles.moments_of(exemplar), {}
    for method in methods:
        upright, negative = styles.of(exemplar)[method.label]
        torch.manual_seed(judges.seed)
        output = method.model(scene.photograph, upright)
        figures, look = yardstick.measure(output, moments, exemplar.picture)
        if "polarity" in judges.columns:
            torch.manual_seed(judges.seed)
            flipped = method.model(scene.photograph, negative)
            agreement = polarity_correlation(yardstick.counted(output), yardstick.counted(flipped))
            figures["polarity"] = (agreement.item(), 1.0)
        row = rows[method.label]
        row.add(scene.stem, figures)
        if look:
            row.samples.add(index, look.patches)
        found[method.label] = (output, figures)
    return found


def _measure_files(
    rows: Mapping[str, _Row],
    outputs: Sequence[OutputFolder],
    scene: Scene,
    index: int,
    yardstick: Yardstick,
    styles: _Styles,
    exemplar: Exemplar,
) -> dict[str, tuple[Tensor, Figures]]:
    """Add the figures of pictures made elsewhere and return pictures and figures; what needs a model is left out."""
    moments, found = styles.moments_of(exemplar), {}
    for folder in outputs:
        output = folder.picture(scene)
        figures, look = yardstick.measure(output, moments, exemplar.picture)
        rows[folder.label].add(scene.stem, figures)
        if look:
            rows[folder.label].samples.add(index, look.patches)
        found[folder.label] = (output, figures)
    return found


def _report_validity(stem: str, validity: Mapping[str, Any]) -> None:
    missing = f"; not computed: {', '.join(validity['not_computed'])}" if validity["not_computed"] else ""
    width, height = validity["rectangle"]
    logger.warning(
        "scene %s: %.1f%% of its pixels are not valid and do not count (networks and spectra see the valid rectangle "
        "of %d x %d pixels%s)",
        *(stem, 100 * (1 - validity["valid"]), width, height, missing),
    )


def _keep(
    results: Results,
    scene: Scene,
    exemplar: Exemplar,
    outputs: Mapping[str, tuple[Tensor, Figures]],
    keep: Collection[str],
) -> None:
    for label, (output, figures) in outputs.items():
        if scene.stem in keep:
            results.outputs.setdefault(label, {})[scene.stem] = output[0, 0].cpu()
        if label not in BASELINES:
            results.cases.offer(label, scene, output, exemplar.picture, figures)


def _summarise(results: Results, rows: Mapping[str, _Row], judges: Judges) -> None:
    """Fill in the figures of all rows; those of patches one method after the other, so that memory stays low."""
    stems = list(results.exemplars)
    draws = SceneDraws(len(stems), judges.seed)
    wanted = {"patch_frechet", "patch_mmd"} & set(judges.columns)
    has_samples = judges.encoder and wanted and len(rows[TRUTH].samples)
    distances = DistributionJudge(rows[TRUTH].samples, draws) if has_samples else None
    for label, row in rows.items():
        results.per_scene[label] = row.per_scene()
        found = row.estimates(stems, draws)
        if distances and label != TRUTH:
            found |= {key: e for key, e in distances(row.samples).items() if key in wanted}
        results.estimates[label] = {key: found[key] for key in COLUMNS if key in found}


def with_baselines(methods: Sequence[Method], make: Callable[[str], TranslationModel]) -> list[Method]:
    """Return the methods with those of :data:`BASELINES` that are missing put before them."""
    present = {method.label for method in methods}
    return [Method(name, make(name)) for name in BASELINES if name not in present] + list(methods)
