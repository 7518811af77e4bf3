"""The columns of a comparison: description and better direction of each metric."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ir_transfer.metrics.edges import LIMIT

Direction = Literal["higher", "lower", "truth", "one", "limit", "none"]
Group = Literal["fidelity", "structure", "perception", "look", "heat", "labels"]

GROUPS: dict[Group, str] = {
    "fidelity": "Pixel-wise similarity to the ground truth (favours blurred images)",
    "structure": "Large areas and edges, compared with the ground truth",
    "perception": "Feature distances to the ground truth",
    "look": "Similarity to infrared images in general",
    "heat": "Apparent-intensity contrast of objects against their surroundings",
    "labels": "Alignment with the RGB image, whose labels are to be reused",
}
AIMS: dict[Direction, str] = {
    "higher": "higher is better",
    "lower": "lower is better",
    "truth": "closer to the value of the ground truth is better",
    "one": "closer to 1 is better",
    "limit": f"good up to {LIMIT}",
    "none": "descriptive, neither direction is better",
}
_ARROWS = {"higher": "↑", "lower": "↓", "truth": "→truth", "one": "→1", "limit": "", "none": ""}


@dataclass(frozen=True)
class Column:
    """A measured quantity.

    Attributes:
        key: Name in code, protocols and files (the name of a network is appended: ``patch_mmd[vgg19-16x]``).
        group: One of :data:`GROUPS`.
        direction: One of :data:`AIMS`.
        digits: Digits after the decimal point.
        description: One sentence.
        uses_features: Whether it is measured in the features of a VGG.
    """

    key: str
    group: Group
    direction: Direction
    digits: int
    description: str
    uses_features: bool = False

    def heading(self, name: str) -> str:
        """Return a table heading: the name, then an arrow in the better direction."""
        return f"{name} {_ARROWS[self.direction]}".strip()

    def shortfall(
        self, value: NDArray[np.float64], ground_truth: NDArray[np.float64] | None
    ) -> NDArray[np.float64] | None:
        """Return the distance of values from the best one, on the column's own scale; smaller is better.

        Args:
            value: Values, of any shape.
            ground_truth: Values of the ground truth, for a column of direction ``truth``.

        Returns:
            Values of the same shape; None for a column of direction ``none``.
        """
        if self.direction == "higher":
            return -value
        if self.direction == "lower":
            return value
        if self.direction == "one":
            return np.abs(value - 1)
        if self.direction == "limit":
            return np.maximum(value - LIMIT, 0)
        return np.abs(value - ground_truth) if self.direction == "truth" and ground_truth is not None else None


def _features(key: str, group: Group, description: str) -> Column:
    return Column(key, group, "lower", 3, description, uses_features=True)


_ALL = (
    Column("psnr", "fidelity", "higher", 2, "PSNR in dB"),
    Column("ssim", "fidelity", "higher", 3, "SSIM, 11 x 11 Gaussian window"),
    Column("ms_ssim", "fidelity", "higher", 3, "SSIM at up to five scales"),
    Column("nmi", "fidelity", "higher", 3, "normalised mutual information, 1 to 2, independent of polarity"),
    Column("cell_correlation", "structure", "higher", 3, "correlation over the means of 16-pixel cells"),
    Column("gradient_agreement", "structure", "higher", 3, "cosine of the gradients, best shift within 2 pixels"),
    Column("truth_highpass", "structure", "higher", 3, "correlation of high-pass detail with the ground truth"),
    Column("gradient_truth", "structure", "higher", 3, "correlation of gradient magnitudes with the ground truth"),
    Column("gradient_truth_3px", "structure", "higher", 3, "the same at the best shift within 3 pixels"),
    _features("perceptual", "perception", "distance of unit-normalised features to the ground truth"),
    Column("lpips", "perception", "lower", 3, "LPIPS with its learned weights"),
    _features("style", "perception", "relative distance of feature statistics to the exemplar"),
    _features("patch_frechet", "look", "Frechet distance of patch features to those of the ground truth"),
    _features("patch_mmd", "look", "kernel distance of patch features to those of the ground truth"),
    Column("histogram_emd", "look", "lower", 3, "earth mover's distance of intensities, a share of the range"),
    Column("exemplar_distance", "look", "lower", 3, "earth mover's distance of intensities to the exemplar"),
    Column("contrast_exemplar", "look", "one", 2, "standard deviation over that of the exemplar"),
    Column("contrast_truth", "look", "one", 2, "standard deviation over that of the ground truth"),
    Column("luma_highpass", "look", "truth", 3, "signed correlation of high-pass detail with the luma"),
    Column("spectrum", "look", "lower", 2, "difference of radial power spectra in dB"),
    Column("line_noise", "look", "truth", 4, "row and column noise, a share of the range"),
    Column("hot_region_share", "heat", "truth", 2, "share of hot regions of the ground truth hotter than their ring"),
    Column("object_heat", "heat", "truth", 2, "share of labelled objects hotter than their ring"),
    Column("people_heat", "heat", "truth", 2, "the same of people"),
    Column("vehicle_heat", "heat", "truth", 2, "the same of vehicles"),
    Column("people_hot", "heat", "higher", 2, "share of the people that are hot in the ground truth"),
    Column("vehicles_hot", "heat", "higher", 2, "the same of vehicles"),
    Column("polarity", "heat", "lower", 2, "correlation of the outputs of an exemplar and its negative"),
    Column("shift", "labels", "limit", 2, f"shift against the RGB image in pixels, median, good up to {LIMIT}"),
    Column("edges_kept", "labels", "none", 3, "share of the RGB image's edges within 1 pixel of an edge"),
    Column("gradient_input", "labels", "none", 3, "correlation of gradient magnitudes with the RGB image"),
)

COLUMNS: dict[str, Column] = {column.key: column for column in _ALL}
"""All columns by key, in the order of the tables."""
