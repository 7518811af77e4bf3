"""Every method on the same scenes with the same exemplars, every metric for each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from kornia.color import rgb_to_grayscale
from torch import Tensor

from ir_transfer.errors import InputError
from ir_transfer.evaluation.metrics.correlation import gradient_correlation, polarity_correlation
from ir_transfer.evaluation.metrics.distribution import (
    Samples,
    frechet_distance,
    joined,
    kernel_distance,
    patch_features,
    standardised,
)
from ir_transfer.evaluation.metrics.hot_regions import hot_regions
from ir_transfer.evaluation.metrics.object_heat import Box, object_heat
from ir_transfer.evaluation.metrics.perceptual import perceptual_distance
from ir_transfer.evaluation.metrics.psnr import psnr
from ir_transfer.evaluation.metrics.ssim import ssim
from ir_transfer.evaluation.scenes import Scene
from ir_transfer.evaluation.summary import Score, summarise
from ir_transfer.models.base import TranslationModel
from ir_transfer.nn.perceptual import PerceptualEncoder

BASELINES = ("constant", "gray", "inverted", "histogram")
"""Rows of every comparison: PSNR and SSIM alone are won by a blank picture."""

TRUTH = "truth"
"""Row of the true infrared pictures themselves: what the figures without a reference can reach."""

METRICS: dict[str, str] = {
    "psnr": "PSNR in dB, higher is better",
    "ssim": "SSIM, 11 x 11 Gaussian window, higher is better",
    "perceptual": "distance of unit-normalised VGG features, lower is better",
    "frechet": "Frechet distance of patch features to all true pictures, lower is better",
    "kernel": "KID of patch features to all true pictures, lower is better (interval: of patches, not of scenes)",
    "gradient_input": "correlation of gradient magnitudes with the photograph",
    "gradient_truth": "correlation of gradient magnitudes with the truth, higher is better",
    "hot_region_share": "share of the truth's hot compact regions that are hotter than their ring",
    "object_heat": "share of labelled objects that are hotter than their ring",
    "polarity": "correlation of outputs with the exemplar and with its negative, -1 is best",
}


@dataclass(frozen=True)
class Method:
    """A row of the comparison.

    Attributes:
        label: How the row is called.
        model: What makes its pictures.
    """

    label: str
    model: TranslationModel


@dataclass
class Results:
    """What a comparison found.

    Attributes:
        scores: Figures by method and metric; a metric that does not apply is absent.
        per_scene: Values by method, metric and scene.
        outputs: Pictures (H, W) by method and scene with the first exemplar, of the scenes to keep.
    """

    scores: dict[str, dict[str, Score]] = field(default_factory=dict)
    per_scene: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    outputs: dict[str, dict[str, Tensor]] = field(default_factory=dict)


@dataclass
class _Row:
    """Values of one method as they come in: metric -> stem -> [(value, weight), ...]."""

    values: dict[str, dict[str, list[tuple[float, float]]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    samples: list[list[Samples]] = field(default_factory=list)

    def add(self, metric: str, stem: str, value: float, weight: float = 1.0) -> None:
        if weight:
            self.values[metric][stem].append((value, weight))


@torch.inference_mode()
def evaluate(
    methods: Sequence[Method],
    scenes: Iterable[Scene],
    exemplars: Sequence[Tensor],
    encoder: PerceptualEncoder | None,
    *,
    boxes_of: Callable[[Scene], Sequence[Box]] | None = None,
    keep: Collection[str] = (),
    on_scene: Callable[[str], None] | None = None,
) -> Results:
    """Measure methods on scenes; every method sees the same exemplars.

    Each exemplar is used alone; a scene's value is the mean over exemplars.

    Args:
        methods: The rows; labels must differ.
        scenes: Read one after another, so that a generator keeps memory low.
        exemplars: At least one (1, 1, h, w) in [0, 1], white-hot like the truth.
        encoder: Judge of the perceptual and distribution distances; without it those are left out.
        boxes_of: Labelled objects of a scene, in its pixels.
        keep: Stems of the scenes whose outputs with the first exemplar are kept.
        on_scene: Called with the stem after each scene, for progress.

    Raises:
        InputError: No exemplar, no scene, or a label twice.
    """
    labels = [method.label for method in methods]
    if not exemplars or len(set(labels)) != len(labels) or TRUTH in labels:
        raise InputError(f"expected at least one exemplar and distinct labels, got {len(exemplars)} and {labels}")
    styles = [[(m.model.prepare([e]), m.model.prepare([1 - e])) for e in exemplars] for m in methods]
    rows = {label: _Row() for label in [*labels, TRUTH]}
    results = Results()
    for scene in scenes:
        frames = {"hot_region_share": hot_regions(scene.truth), "object_heat": boxes_of(scene) if boxes_of else ()}
        _measure(rows[TRUTH], scene, scene.truth, encoder, frames)
        for method, codes in zip(methods, styles, strict=True):
            for index, (upright, negative) in enumerate(codes):
                output = method.model(scene.photograph, upright)
                flipped = method.model(scene.photograph, negative)
                _measure(rows[method.label], scene, output, encoder, frames)
                rows[method.label].add("polarity", scene.stem, polarity_correlation(output, flipped).item())
                if index == 0 and scene.stem in keep:
                    results.outputs.setdefault(method.label, {})[scene.stem] = output[0, 0].cpu()
        if on_scene:
            on_scene(scene.stem)
    if not labels or not rows[TRUTH].values:
        raise InputError("expected at least one scene and one method, got none")
    for label, row in rows.items():
        results.per_scene[label] = _per_scene(row)
        results.scores[label] = _scores(row, rows[TRUTH])
    return results


def _measure(
    row: _Row, scene: Scene, output: Tensor, encoder: PerceptualEncoder | None, frames: Mapping[str, Sequence[Box]]
) -> None:
    """Add the values of one output; those that compare with the truth make no sense for the truth itself."""
    stem, truth = scene.stem, scene.truth
    if output is not truth:
        row.add("psnr", stem, psnr(output, truth).item())
        row.add("ssim", stem, ssim(output, truth).item())
        row.add("gradient_truth", stem, gradient_correlation(output, truth).item())
        if encoder:
            row.add("perceptual", stem, perceptual_distance(encoder, output, truth).item())
    if encoder:
        row.samples.append(patch_features(encoder, output))
    row.add("gradient_input", stem, gradient_correlation(output, rgb_to_grayscale(scene.photograph)).item())
    for metric, boxes in frames.items():
        hot, seen = object_heat(output, boxes)
        row.add(metric, stem, hot / max(seen, 1), seen)


def _per_scene(row: _Row) -> dict[str, dict[str, float]]:
    return {
        metric: {stem: float(np.mean([value for value, _ in found])) for stem, found in by_stem.items()}
        for metric, by_stem in row.values.items()
    }


def _scores(row: _Row, truth: _Row) -> dict[str, Score]:
    scores: dict[str, Score] = {}
    for metric, by_stem in row.values.items():
        found = np.array(list(by_stem.values()))  # (scenes, exemplars, value and weight)
        score = summarise(found[:, :, 0].mean(axis=1).tolist(), found[:, 0, 1].tolist())
        if score is not None:
            scores[metric] = score
    if row is not truth and row.samples:
        own = joined(truth.samples)
        samples, reference = standardised(joined(row.samples), own), standardised(own, own)
        distance = frechet_distance(samples, reference)
        scores["frechet"] = Score(distance, distance, distance)
        mean, error = kernel_distance(samples, reference)
        scores["kernel"] = Score(mean, mean - 1.96 * error, mean + 1.96 * error)
    return {metric: scores[metric] for metric in METRICS if metric in scores}


def with_baselines(methods: Sequence[Method], make: Callable[[str], TranslationModel]) -> list[Method]:
    """Return the methods with those of :data:`BASELINES` that are missing put before them."""
    present: Mapping[str, Method] = {method.label: method for method in methods}
    return [Method(name, make(name)) for name in BASELINES if name not in present] + list(methods)
