"""All figures of one output, against what is known of its scene; the scene's own side is computed once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from kornia.color import rgb_to_grayscale
from torch import Tensor

from ir_transfer.evaluation import masked_metrics
from ir_transfer.evaluation.judge import Look, look_at
from ir_transfer.evaluation.masked_metrics import LEAST_SIDE_OF_NETWORKS, LEAST_SIDES
from ir_transfer.evaluation.metrics.cell_correlation import cell_correlation
from ir_transfer.evaluation.metrics.contrast import contrast
from ir_transfer.evaluation.metrics.correlation import gradient_correlation, tolerant_gradient_correlation
from ir_transfer.evaluation.metrics.edges import edges_kept, shift
from ir_transfer.evaluation.metrics.exemplar_distance import exemplar_distance
from ir_transfer.evaluation.metrics.gradient_agreement import gradient_agreement
from ir_transfer.evaluation.metrics.highpass import highpass_correlation
from ir_transfer.evaluation.metrics.histogram_distance import histogram_distance
from ir_transfer.evaluation.metrics.hot_regions import hot_regions
from ir_transfer.evaluation.metrics.line_noise import line_noise
from ir_transfer.evaluation.metrics.lpips import Lpips
from ir_transfer.evaluation.metrics.ms_ssim import ms_ssim
from ir_transfer.evaluation.metrics.mutual_information import normalised_mutual_information
from ir_transfer.evaluation.metrics.object_heat import HeatObject, hot_in_truth, object_heat
from ir_transfer.evaluation.metrics.perceptual import unit_distance
from ir_transfer.evaluation.metrics.psnr import psnr
from ir_transfer.evaluation.metrics.spectrum import spectrum_distance
from ir_transfer.evaluation.metrics.ssim import ssim
from ir_transfer.evaluation.metrics.style_distance import Moments, style_distance
from ir_transfer.evaluation.scenes import Scene
from ir_transfer.evaluation.valid_pixels import ValidPixels
from ir_transfer.nn.perceptual import PerceptualEncoder

Figures = dict[str, tuple[float, float]]
"""Column -> (value, weight); a weight is a number of objects, or 1."""

TO_TRUTH: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
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
    "histogram_emd": histogram_distance,
    "spectrum": spectrum_distance,
}
TO_EXEMPLAR: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "exemplar_distance": exemplar_distance,
    "contrast_exemplar": contrast,
}
TO_PHOTOGRAPH: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "gradient_input": gradient_correlation,
    "edges_kept": edges_kept,
    "luma_highpass": highpass_correlation,
}
PEOPLE = frozenset({"person", "people", "pedestrian", "rider", "cyclist"})
"""Labels that count as people, in small letters."""
VEHICLES = frozenset(
    {"car", "truck", "bus", "van", "motor", "motorcycle", "motorbike", "train", "vehicle", "othervehicle", "tractor"}
    | {"pickup", "camper", "freight car", "feright car", "feright_car", "freight_car", "other vehicle"}
)
"""Labels that count as vehicles; DroneVehicle's misspelling too. A bicycle has no engine."""


class Yardstick:
    """Measures outputs of one scene.

    Args:
        scene: The scene.
        boxes: Its labelled objects, in its pixels.
        columns: What to measure.
        encoder: The judge, or None.
        lpips: LPIPS, or None.
        border: Pixels on each side of the picture that do not count.
    """

    def __init__(
        self,
        scene: Scene,
        boxes: Sequence[HeatObject],
        columns: Collection[str],
        encoder: PerceptualEncoder | None = None,
        lpips: Lpips | None = None,
        border: int = 0,
    ) -> None:
        self._columns, self._encoder, self._lpips, self._border = columns, encoder, lpips, border
        self._valid = None if scene.valid is None else ValidPixels(self.inner(scene.valid))
        self.truth = self.inner(scene.truth)
        self._luma = self.inner(rgb_to_grayscale(scene.photograph))
        self._frames = self._heat_frames([box.moved(-border) for box in boxes])
        self._look = self._look_at(self.truth)

    def inner(self, picture: Tensor) -> Tensor:
        """Return the part of a picture that counts."""
        edge = self._border
        return picture[..., edge : picture.shape[-2] - edge, edge : picture.shape[-1] - edge]

    def counted(self, picture: Tensor) -> Tensor:
        """Return the valid pixels of :meth:`inner`, as one row where some are not."""
        inner = self.inner(picture)
        return inner if self._valid is None else self._valid.counted(inner)

    @property
    def validity(self) -> dict[str, Any] | None:
        """What of the scene is valid, and the columns that cannot be computed for it; None if all of it is."""
        if self._valid is None:
            return None
        top, left, bottom, right = self._valid.largest
        missing = masked_metrics.not_computed(self._valid, networks=self._encoder is not None, lpips=bool(self._lpips))
        return {
            "valid": round(self._valid.share, 4),
            "rectangle": [right - left, bottom - top],
            "not_computed": [key for key in self._columns if key in missing],
        }

    def measure_truth(self) -> tuple[Figures, Look | None]:
        """Return the figures that the truth itself has, and what the judge saw."""
        return self._own(self.truth), self._look

    def measure(
        self, output: Tensor, moments: Moments | None = None, exemplar: Tensor | None = None
    ) -> tuple[Figures, Look | None]:
        """Return the figures of an output (1, 1, H, W), and what the judge saw.

        Args:
            output: In [0, 1].
            moments: What the judge's features of the exemplar are like.
            exemplar: The exemplar (1, 1, h, w) in [0, 1]; without one its columns are left out.
        """
        inner = self.inner(output)
        found = self._own(inner)
        found |= self._compared(inner, self.truth, TO_TRUTH, masked_metrics.TO_TRUTH)
        if exemplar is not None:
            for key in TO_EXEMPLAR.keys() & self._columns:
                found[key] = (TO_EXEMPLAR[key](self.counted(output), exemplar).item(), 1.0)
        if self._lpips and "lpips" in self._columns:
            ours, theirs = (self._whole(image, LEAST_SIDE_OF_NETWORKS) for image in (inner, self.truth))
            if ours is not None and theirs is not None:
                found["lpips"] = (self._lpips(ours, theirs).item(), 1.0)
        look = self._look_at(inner)
        if look and self._look:
            if "perceptual" in self._columns:
                found["perceptual"] = (unit_distance(look.units, self._look.units).item(), 1.0)
            if moments and "style" in self._columns:
                found["style"] = (style_distance(look.moments, moments).item(), 1.0)
        return found, look

    def _own(self, picture: Tensor) -> Figures:
        """Return the figures that need no truth to compare with."""
        found = self._compared(picture, self._luma, TO_PHOTOGRAPH, masked_metrics.TO_RGB)
        if "shift" in self._columns:
            moved, fixed = (self._whole(image, LEAST_SIDES["shift"]) for image in (picture, self._luma))
            if moved is not None and fixed is not None:
                length, windows = shift(moved, fixed)
                found["shift"] = (length, min(windows, 1))
        if "line_noise" in self._columns and (whole := self._whole(picture, LEAST_SIDES["line_noise"])) is not None:
            found["line_noise"] = (line_noise(whole).item(), 1.0)
        for key, frames in self._frames.items():
            hot, seen = object_heat(self._hidden(picture), frames)
            found[key] = (hot / max(seen, 1), seen)
        return found

    def _compared(
        self,
        picture: Tensor,
        other: Tensor,
        metrics: Mapping[str, Callable[[Tensor, Tensor], Tensor]],
        masked: Mapping[str, masked_metrics.Metric],
    ) -> Figures:
        """Return the figures of two pictures over what is valid; what has no meaning there is left out."""
        values: dict[str, Tensor | None] = {}
        for key in metrics.keys() & self._columns:
            if self._valid is None:
                values[key] = metrics[key](picture, other)
            elif key in masked:
                values[key] = masked[key](picture, other, self._valid)
            else:
                ours, theirs = (self._whole(image, LEAST_SIDES[key]) for image in (picture, other))
                values[key] = None if ours is None or theirs is None else metrics[key](ours, theirs)
        return {key: (value.item(), 1.0) for key, value in values.items() if value is not None}

    def _whole(self, picture: Tensor, least: int) -> Tensor | None:
        """Return a picture, or its largest valid rectangle; None if that has sides below ``least`` pixels."""
        return picture if self._valid is None else self._valid.rectangle(picture, least)

    def _hidden(self, picture: Tensor) -> Tensor:
        return picture if self._valid is None else self._valid.hidden(picture)

    def _look_at(self, picture: Tensor) -> Look | None:
        whole = self._whole(picture, LEAST_SIDE_OF_NETWORKS) if self._encoder else None
        return None if self._encoder is None or whole is None else look_at(self._encoder, whole)

    def _heat_frames(self, boxes: Sequence[HeatObject]) -> dict[str, Sequence[HeatObject]]:
        people = [box for box in boxes if box.label.lower() in PEOPLE]
        vehicles = [box for box in boxes if box.label.lower() in VEHICLES]
        frames: dict[str, Sequence[HeatObject]] = {
            "object_heat": boxes,
            "people_heat": people,
            "vehicle_heat": vehicles,
            "people_hot": hot_in_truth(self._hidden(self.truth), people),
            "vehicles_hot": hot_in_truth(self._hidden(self.truth), vehicles),
        }
        if "hot_region_share" in self._columns:
            frames["hot_region_share"] = (
                hot_regions(self.truth)
                if self._valid is None
                else masked_metrics.hot_regions_within(self.truth, self._valid)
            )
        return {key: found for key, found in frames.items() if key in self._columns}
