"""Measures every method on the same scenes, with the same exemplars and in the same columns."""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ir_transfer.errors import InputError
from ir_transfer.evaluation.bootstrap import SceneBootstrap
from ir_transfer.evaluation.columns import COLUMNS
from ir_transfer.evaluation.distribution_bootstrap import DistributionBootstrap
from ir_transfer.evaluation.exemplars import Exemplar, ExemplarPolicy
from ir_transfer.evaluation.methods import BASELINES, Method
from ir_transfer.evaluation.outputs import OutputFolder
from ir_transfer.evaluation.results import GROUND_TRUTH, MethodValues, Results
from ir_transfer.evaluation.scene_metrics import MetricValues, SceneEvaluator
from ir_transfer.evaluation.scenes import Scene
from ir_transfer.metrics.correlation import polarity_correlation
from ir_transfer.metrics.features import Moments, feature_moments
from ir_transfer.metrics.lpips import Lpips
from ir_transfer.metrics.object_heat import HeatObject
from ir_transfer.models.polarity import Polarity, polarity_of_exemplar
from ir_transfer.models.style_code import StyleCode
from ir_transfer.nn.perceptual import PerceptualEncoder

logger = logging.getLogger(__name__)

_CACHED_EXEMPLARS = 16


@dataclass(frozen=True)
class EvalSettings:
    """Columns to measure, and the networks used.

    Attributes:
        encoder: VGG of the perceptual, style and distribution distances; None omits them.
        lpips: LPIPS, or None.
        columns: Keys of the columns to measure.
        border: Number of pixels ignored on each side of an image.
        seed: Seed of the bootstrap, and of stochastic models.
    """

    encoder: PerceptualEncoder | None = None
    lpips: Lpips | None = None
    columns: Collection[str] = tuple(COLUMNS)
    border: int = 0
    seed: int = 0


@dataclass(frozen=True)
class _Styles:
    """Data derived from an exemplar: style codes (original and negative) by method, and the moments of its features."""

    codes: Mapping[str, tuple[StyleCode, StyleCode]]
    moments: Moments | None


class _StyleCache:
    """Styles of the latest exemplars."""

    def __init__(
        self,
        methods: Sequence[Method],
        encoder: PerceptualEncoder | None,
        white_hot: bool | None,
        polarities: dict[str, Polarity],
    ) -> None:
        self._methods, self._encoder = methods, encoder
        self._white_hot, self._polarities = white_hot, polarities
        bands = {method.model.metadata.get("band") for method in methods if method.model.info.needs_weights}
        self._band = bands.pop() if len(bands) == 1 else None
        self._kept: dict[str, _Styles] = {}

    def of(self, exemplar: Exemplar) -> _Styles:
        if exemplar.name not in self._kept:
            if len(self._kept) >= _CACHED_EXEMPLARS:
                del self._kept[next(iter(self._kept))]
            self._kept[exemplar.name] = self._encode(exemplar)
        return self._kept[exemplar.name]

    def _encode(self, exemplar: Exemplar) -> _Styles:
        upright, negative = exemplar.image, 1 - exemplar.image
        polarity = self._polarity(exemplar)
        opposite = None if self._white_hot is None else not self._white_hot
        inverted = polarity_of_exemplar(negative, opposite, self._band)
        codes = {
            method.label: (_style(method, upright, polarity), _style(method, negative, inverted))
            for method in self._methods
        }
        features = self._encoder(upright) if self._encoder else None
        return _Styles(codes, feature_moments(list(features.values())) if features else None)

    def _polarity(self, exemplar: Exemplar) -> Polarity:
        """Return the polarity of an exemplar for all methods; warn if it is inverted by default."""
        if exemplar.name not in self._polarities:
            if self._white_hot is not None:
                polarity = Polarity(self._white_hot, "option")
            else:
                polarity = polarity_of_exemplar(exemplar.image, band=self._band)
            if polarity.inverted_by_auto:
                logger.warning("%s", polarity.warning(exemplar.name))
            self._polarities[exemplar.name] = polarity
        return self._polarities[exemplar.name]


def _style(method: Method, image: Tensor, polarity: Polarity) -> StyleCode:
    # A near-infrared model uses its exemplar unchanged even next to long-wave models.
    near_infrared = polarity.source == "auto" and method.model.metadata.get("band") == "nir"
    return method.model.style_for(image, polarity.white_hot or near_infrared)


@torch.inference_mode()
def evaluate(
    methods: Sequence[Method],
    scenes: Iterable[Scene],
    policy: ExemplarPolicy,
    settings: EvalSettings,
    *,
    objects_of: Callable[[Scene], Sequence[HeatObject]] | None = None,
    outputs: Sequence[OutputFolder] = (),
    keep: Collection[str] = (),
    white_hot: bool | None = None,
    on_scene: Callable[[str], None] | None = None,
) -> Results:
    """Measure methods on scenes; every method gets the same exemplars.

    Exemplars are used one at a time; a scene's value is the mean over exemplars.

    Args:
        methods: The rows; labels must differ.
        scenes: Read one after another, so that a generator keeps memory low.
        policy: Chooses the exemplars of a scene.
        settings: Columns and networks.
        objects_of: Returns the labelled objects of a scene, in its pixels.
        outputs: Rows of images produced by another program; they are the same for every exemplar of a scene.
        keep: Stems of the scenes whose outputs with the first exemplar are kept.
        white_hot: Whether the exemplars are white-hot; None lets the bundled classifier decide for each.
        on_scene: Called with the stem after each scene, for progress.

    Raises:
        InputError: No method, no scene, or a duplicate label.
    """
    labels = [method.label for method in methods] + [folder.label for folder in outputs]
    if not labels or len(set(labels)) != len(labels) or GROUND_TRUTH in labels:
        raise InputError(f"expected at least one method and distinct labels, got {labels}")
    rows = {label: MethodValues() for label in [*labels, GROUND_TRUTH]}
    results = Results()
    styles = _StyleCache(methods, settings.encoder, white_hot, results.polarities)
    for index, scene in enumerate(scenes):
        objects = objects_of(scene) if objects_of else ()
        evaluator = SceneEvaluator(scene, objects, settings.columns, settings.encoder, settings.lpips, settings.border)
        if (validity := evaluator.validity) is not None:
            _report_validity(scene.stem, validity)
            results.validity[scene.stem] = validity
        values, features = evaluator.measure_ground_truth()
        rows[GROUND_TRUTH].add(scene.stem, values)
        if features:
            rows[GROUND_TRUTH].patches.add(index, features.patches)
        exemplars = policy(scene)
        results.exemplars[scene.stem] = [exemplar.name for exemplar in exemplars]
        for number, exemplar in enumerate(exemplars):
            measured = _measure(rows, methods, outputs, evaluator, index, styles.of(exemplar), exemplar, settings)
            if number == 0:
                _keep(results, scene, exemplar, measured, keep)
        if on_scene:
            on_scene(scene.stem)
    if not results.exemplars:
        raise InputError("expected at least one scene, got none")
    _summarise(results, rows, settings)
    return results


def _measure(
    rows: Mapping[str, MethodValues],
    methods: Sequence[Method],
    outputs: Sequence[OutputFolder],
    evaluator: SceneEvaluator,
    index: int,
    styles: _Styles,
    exemplar: Exemplar,
    settings: EvalSettings,
) -> dict[str, tuple[Tensor, MetricValues]]:
    """Add the values of all rows with one exemplar and return outputs with their values, by label.

    Images produced by another program have no value in columns that need a model.
    """
    scene, measured = evaluator.scene, {}

    def add(label: str, output: Tensor, more: MetricValues) -> None:
        values, features = evaluator.measure(output, styles.moments, exemplar.image)
        values |= more
        rows[label].add(scene.stem, values)
        if features:
            rows[label].patches.add(index, features.patches)
        measured[label] = (output, values)

    for method in methods:
        upright, negative = styles.codes[method.label]
        torch.manual_seed(settings.seed)
        output = method.model(scene.rgb, upright)
        more: MetricValues = {}
        if "polarity" in settings.columns:
            torch.manual_seed(settings.seed)
            inverted = method.model(scene.rgb, negative)
            agreement = polarity_correlation(evaluator.counted(output), evaluator.counted(inverted))
            more["polarity"] = (agreement.item(), 1.0)
        add(method.label, output, more)
    for folder in outputs:
        add(folder.label, folder.image(scene), {})
    return measured


def _report_validity(stem: str, validity: Mapping[str, Any]) -> None:
    missing = f"; not computed: {', '.join(validity['not_computed'])}" if validity["not_computed"] else ""
    width, height = validity["rectangle"]
    logger.warning(
        "scene %s: %.1f%% of its pixels are invalid and ignored (networks and spectra use the valid rectangle "
        "of %d x %d pixels%s)",
        *(stem, 100 * (1 - validity["valid"]), width, height, missing),
    )


def _keep(
    results: Results,
    scene: Scene,
    exemplar: Exemplar,
    measured: Mapping[str, tuple[Tensor, MetricValues]],
    keep: Collection[str],
) -> None:
    for label, (output, values) in measured.items():
        if scene.stem in keep:
            results.outputs.setdefault(label, {})[scene.stem] = output[0, 0].cpu()
        if label not in BASELINES:
            results.cases.offer(label, scene, output, exemplar.image, values)


def _summarise(results: Results, rows: Mapping[str, MethodValues], settings: EvalSettings) -> None:
    """Fill in the estimates of all rows; patch distances are computed one method at a time to save memory."""
    stems = list(results.exemplars)
    bootstrap = SceneBootstrap(len(stems), settings.seed)
    wanted = {"patch_frechet", "patch_mmd"} & set(settings.columns)
    has_patches = settings.encoder and wanted and len(rows[GROUND_TRUTH].patches)
    distances = DistributionBootstrap(rows[GROUND_TRUTH].patches, bootstrap) if has_patches else None
    for label, row in rows.items():
        results.per_scene[label] = row.per_scene()
        found = row.estimates(stems, bootstrap)
        if distances and label != GROUND_TRUTH:
            found |= {key: e for key, e in distances(row.patches).items() if key in wanted}
        results.estimates[label] = {key: found[key] for key in COLUMNS if key in found}
