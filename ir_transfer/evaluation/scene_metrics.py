"""All metrics of an output of one scene; what depends on the scene alone is computed once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from kornia.color import rgb_to_grayscale
from torch import Tensor

from ir_transfer.evaluation.feature_extractor import Features, extract_features
from ir_transfer.evaluation.metrics.appearance import (
    contrast,
    line_noise,
    spectrum_distance,
    wasserstein,
)
from ir_transfer.evaluation.metrics.correlation import (
    cell_correlation,
    gradient_agreement,
    gradient_correlation,
    highpass_correlation,
    tolerant_gradient_correlation,
)
from ir_transfer.evaluation.metrics.edges import edges_kept, shift
from ir_transfer.evaluation.metrics.features import Moments, style_distance, unit_distance
from ir_transfer.evaluation.metrics.fidelity import ms_ssim, normalised_mutual_information, psnr, ssim
from ir_transfer.evaluation.metrics.lpips import Lpips
from ir_transfer.evaluation.metrics.object_heat import HeatObject, hot_in_ground_truth, hot_regions, object_heat
from ir_transfer.evaluation.scenes import Scene
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
        border: Pixels on each side of the image that are left out.

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
        self.ground_truth = self.inner(scene.ground_truth)
        self._luma = self.inner(rgb_to_grayscale(scene.rgb))
        self._objects = self._objects_by_column([one.moved(-border) for one in objects])
        self._features = extract_features(encoder, self.ground_truth) if encoder else None

    def inner(self, image: Tensor) -> Tensor:
        """Return an image (..., H, W) without the border."""
        edge = self._border
        return image[..., edge : image.shape[-2] - edge, edge : image.shape[-1] - edge]

    def measure_ground_truth(self) -> tuple[MetricValues, Features | None]:
        """Return the values of the ground truth in columns that need no reference, and its features."""
        return self._own(self.ground_truth), self._features

    def measure(
        self, output: Tensor, moments: Moments | None = None, exemplar: Tensor | None = None
    ) -> tuple[MetricValues, Features | None]:
        """Return the values of an output, and its features.

        Args:
            output: (1, 1, H, W) in [0, 1].
            moments: Moments of the exemplar's features; without them the style distance is left out.
            exemplar: (1, 1, h, w) in [0, 1]; without one its columns are left out.
        """
        inner = self.inner(output)
        found = self._own(inner)
        for key in TO_GROUND_TRUTH.keys() & self._columns:
            found[key] = (TO_GROUND_TRUTH[key](inner, self.ground_truth).item(), 1.0)
        if exemplar is not None:
            for key in TO_EXEMPLAR.keys() & self._columns:
                found[key] = (TO_EXEMPLAR[key](inner, exemplar).item(), 1.0)
        if self._lpips and "lpips" in self._columns:
            found["lpips"] = (self._lpips(inner, self.ground_truth).item(), 1.0)
        features = extract_features(self._encoder, inner) if self._encoder else None
        if features and self._features:
            if "perceptual" in self._columns:
                found["perceptual"] = (unit_distance(features.units, self._features.units).item(), 1.0)
            if moments and "style" in self._columns:
                found["style"] = (style_distance(features.moments, moments).item(), 1.0)
        return found, features

    def _own(self, image: Tensor) -> MetricValues:
        """Return the values in columns that need no ground truth."""
        found: MetricValues = {}
        for key in TO_RGB.keys() & self._columns:
            found[key] = (TO_RGB[key](image, self._luma).item(), 1.0)
        if "shift" in self._columns:
            length, windows = shift(image, self._luma)
            found["shift"] = (length, min(windows, 1))
        if "line_noise" in self._columns:
            found["line_noise"] = (line_noise(image).item(), 1.0)
        for key, objects in self._objects.items():
            hot, seen = object_heat(image, objects)
            found[key] = (hot / max(seen, 1), seen)
        return found

    def _objects_by_column(self, objects: Sequence[HeatObject]) -> dict[str, Sequence[HeatObject]]:
        people = [one for one in objects if one.label.lower() in PEOPLE]
        vehicles = [one for one in objects if one.label.lower() in VEHICLES]
        found: dict[str, Sequence[HeatObject]] = {
            "object_heat": objects,
            "people_heat": people,
            "vehicle_heat": vehicles,
            "people_hot": hot_in_ground_truth(self.ground_truth, people),
            "vehicles_hot": hot_in_ground_truth(self.ground_truth, vehicles),
        }
        if "hot_region_share" in self._columns:
            found["hot_region_share"] = hot_regions(self.ground_truth)
        return {key: chosen for key, chosen in found.items() if key in self._columns}
