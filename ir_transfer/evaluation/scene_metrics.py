"""All metrics of the outputs of one scene; values that depend only on the scene are computed once."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from kornia.color import rgb_to_grayscale
from torch import Tensor

from ir_transfer.evaluation import masked_metrics
from ir_transfer.evaluation.feature_extractor import Features, extract_features
from ir_transfer.evaluation.masked_metrics import LEAST_SIDE_OF_NETWORKS, LEAST_SIDES, ValidPixels
from ir_transfer.evaluation.scenes import Scene
from ir_transfer.metrics.appearance import (
    contrast,
    line_noise,
    spectrum_distance,
    wasserstein,
)
from ir_transfer.metrics.correlation import (
    cell_correlation,
    gradient_agreement,
    gradient_correlation,
    highpass_correlation,
    tolerant_gradient_correlation,
)
from ir_transfer.metrics.edges import edges_kept, shift
from ir_transfer.metrics.features import Moments, style_distance, unit_distance
from ir_transfer.metrics.fidelity import ms_ssim, normalised_mutual_information, psnr, ssim
from ir_transfer.metrics.lpips import Lpips
from ir_transfer.metrics.object_heat import HeatObject, hot_in_ground_truth, hot_regions, object_heat
from ir_transfer.nn.perceptual import PerceptualEncoder

MetricValues = dict[str, tuple[float, float]]
"""Column -> (value, weight); the weight is a number of objects, or 1."""

TO_GROUND_TRUTH: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "psnr": psnr,
    "ssim": ssim,
    "ms_ssim": ms_ssim,
    "nmi": normalised_mutual_information,
    "cell_correlation": cell_correlation,
    "gradient_agreement": gradient_agreement,
    "truth_highpass": highpass_correlation,
    "contrast_truth": contrast,
    "gradient_truth": gradient_correlation,
    "gradient_truth_3px": tolerant_gradient_correlation,
    "histogram_emd": wasserstein,
    "spectrum": spectrum_distance,
}
TO_EXEMPLAR: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "exemplar_distance": wasserstein,
    "contrast_exemplar": contrast,
}
TO_RGB: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "gradient_input": gradient_correlation,
    "edges_kept": edges_kept,
    "luma_highpass": highpass_correlation,
}
PEOPLE = frozenset({"person", "people", "pedestrian", "rider", "cyclist"})
"""Labels that count as people, in lower case."""
VEHICLES = frozenset(
    {"car", "truck", "bus", "van", "motor", "motorcycle", "motorbike", "train", "vehicle", "othervehicle", "tractor"}
    | {"pickup", "camper", "freight car", "feright car", "feright_car", "freight_car", "other vehicle"}
)
"""Labels that count as vehicles, in lower case, with the misspellings of DroneVehicle. Bicycles have no engine."""


class SceneEvaluator:
    """Measures outputs of one scene.

    Args:
        scene: The scene.
        objects: Its labelled objects, in its pixels.
        columns: Keys of the columns to measure.
        encoder: VGG whose features are compared, or None.
        lpips: LPIPS, or None.
        border: Number of pixels ignored on each side of the image.

    Attributes:
        scene: The scene.
        ground_truth: Its ground truth (1, 1, h, w) without the border.
    """

    def __init__(
        self,
        scene: Scene,
        objects: Sequence[HeatObject],
        columns: Collection[str],
        encoder: PerceptualEncoder | None = None,
        lpips: Lpips | None = None,
        border: int = 0,
    ) -> None:
        self.scene = scene
        self._columns, self._encoder, self._lpips, self._border = columns, encoder, lpips, border
        self._valid = None if scene.valid is None else ValidPixels(self.inner(scene.valid))
        self.ground_truth = self.inner(scene.ground_truth)
        self._luma = self.inner(rgb_to_grayscale(scene.rgb))
        self._objects = self._objects_by_column([one.moved(-border) for one in objects])
        self._features = self._extract(self.ground_truth)

    def inner(self, image: Tensor) -> Tensor:
        """Return an image (..., H, W) without the border."""
        edge = self._border
        return image[..., edge : image.shape[-2] - edge, edge : image.shape[-1] - edge]

    def counted(self, image: Tensor) -> Tensor:
        """Return the valid pixels of :meth:`inner`: (1, 1, 1, N) where some are not."""
        inner = self.inner(image)
        return inner if self._valid is None else self._valid.counted(inner)

    @property
    def validity(self) -> dict[str, Any] | None:
        """The valid pixels and the columns that cannot be computed for the scene; None if all pixels are valid."""
        if self._valid is None:
            return None
        top, left, bottom, right = self._valid.largest
        missing = masked_metrics.not_computed(self._valid, networks=self._encoder is not None, lpips=bool(self._lpips))
        return {
            "valid": round(self._valid.share, 4),
            "rectangle": [right - left, bottom - top],
            "not_computed": [key for key in self._columns if key in missing],
        }

    def measure_ground_truth(self) -> tuple[MetricValues, Features | None]:
        """Return the values of the ground truth in columns that need no reference, and its features."""
        return self._own(self.ground_truth), self._features

    def measure(
        self, output: Tensor, moments: Moments | None = None, exemplar: Tensor | None = None
    ) -> tuple[MetricValues, Features | None]:
        """Return the values of an output, and its features.

        Args:
            output: (1, 1, H, W) in [0, 1].
            moments: Moments of the exemplar's features; without them the style distance is omitted.
            exemplar: (1, 1, h, w) in [0, 1]; without one its columns are omitted.
        """
        inner = self.inner(output)
        found = self._own(inner)
        found |= self._compared(inner, self.ground_truth, TO_GROUND_TRUTH, masked_metrics.TO_GROUND_TRUTH)
        if exemplar is not None:
            for key in TO_EXEMPLAR.keys() & self._columns:
                found[key] = (TO_EXEMPLAR[key](self.counted(output), exemplar).item(), 1.0)
        if self._lpips and "lpips" in self._columns:
            ours, theirs = (self._whole(image, LEAST_SIDE_OF_NETWORKS) for image in (inner, self.ground_truth))
            if ours is not None and theirs is not None:
                found["lpips"] = (self._lpips(ours, theirs).item(), 1.0)
        features = self._extract(inner)
        if features and self._features:
            if "perceptual" in self._columns:
                found["perceptual"] = (unit_distance(features.units, self._features.units).item(), 1.0)
            if moments and "style" in self._columns:
                found["style"] = (style_distance(features.moments, moments).item(), 1.0)
        return found, features

    def _own(self, image: Tensor) -> MetricValues:
        """Return the values in columns that need no ground truth."""
        found = self._compared(image, self._luma, TO_RGB, masked_metrics.TO_RGB)
        if "shift" in self._columns:
            moved, fixed = (self._whole(one, LEAST_SIDES["shift"]) for one in (image, self._luma))
            if moved is not None and fixed is not None:
                length, windows = shift(moved, fixed)
                found["shift"] = (length, min(windows, 1))
        if "line_noise" in self._columns and (whole := self._whole(image, LEAST_SIDES["line_noise"])) is not None:
            found["line_noise"] = (line_noise(whole).item(), 1.0)
        for key, objects in self._objects.items():
            hot, seen = object_heat(self._hidden(image), objects)
            found[key] = (hot / max(seen, 1), seen)
        return found

    def _compared(
        self,
        image: Tensor,
        reference: Tensor,
        metrics: Mapping[str, Callable[[Tensor, Tensor], Tensor]],
        masked: Mapping[str, masked_metrics.Metric],
    ) -> MetricValues:
        """Return the metrics of an image over its valid pixels, except those that are undefined there."""
        values: dict[str, Tensor | None] = {}
        for key in metrics.keys() & self._columns:
            if self._valid is None:
                values[key] = metrics[key](image, reference)
            elif key in masked:
                values[key] = masked[key](image, reference, self._valid)
            else:
                ours, theirs = (self._whole(one, LEAST_SIDES[key]) for one in (image, reference))
                values[key] = None if ours is None or theirs is None else metrics[key](ours, theirs)
        return {key: (value.item(), 1.0) for key, value in values.items() if value is not None}

    def _whole(self, image: Tensor, least: int) -> Tensor | None:
        """Return an image, or its largest valid rectangle; None if that has sides below ``least`` pixels."""
        return image if self._valid is None else self._valid.rectangle(image, least)

    def _hidden(self, image: Tensor) -> Tensor:
        return image if self._valid is None else self._valid.hidden(image)

    def _extract(self, image: Tensor) -> Features | None:
        whole = self._whole(image, LEAST_SIDE_OF_NETWORKS) if self._encoder else None
        return None if self._encoder is None or whole is None else extract_features(self._encoder, whole)

    def _objects_by_column(self, objects: Sequence[HeatObject]) -> dict[str, Sequence[HeatObject]]:
        people = [one for one in objects if one.label.lower() in PEOPLE]
        vehicles = [one for one in objects if one.label.lower() in VEHICLES]
        found: dict[str, Sequence[HeatObject]] = {
            "object_heat": objects,
            "people_heat": people,
            "vehicle_heat": vehicles,
            "people_hot": hot_in_ground_truth(self._hidden(self.ground_truth), people),
            "vehicles_hot": hot_in_ground_truth(self._hidden(self.ground_truth), vehicles),
        }
        if "hot_region_share" in self._columns:
            found["hot_region_share"] = (
                hot_regions(self.ground_truth)
                if self._valid is None
                else masked_metrics.hot_regions_within(self.ground_truth, self._valid)
            )
        return {key: chosen for key, chosen in found.items() if key in self._columns}
