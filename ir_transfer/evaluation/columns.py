"""What is measured: every column of a table with its direction, so that no reader has to guess what is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ir_transfer.evaluation.metrics.edges import LIMIT

Direction = Literal["higher", "lower", "truth", "one", "limit", "none"]
Group = Literal["fidelity", "structure", "perception", "look", "heat", "labels"]

GROUPS: dict[Group, str] = {
    "fidelity": "Pixel by pixel against the truth (rewards fog)",
    "structure": "Large areas and edges against the truth",
    "perception": "Feature distances to the truth",
    "look": "Does it look like an infrared picture",
    "heat": "Is hot what is hot",
    "labels": "Do labels drawn on the photograph still fit",
}


@dataclass(frozen=True)
class Column:
    """One measured quantity.

    Attributes:
        key: Name in code, protocols and files (a judge's file is added there: ``patch_mmd[vgg19-16x]``).
        group: Of :data:`GROUPS`.
        direction: ``higher`` or ``lower`` is better; ``truth``: nearer to the true pictures' own figure is better;
            ``one``: nearer to 1 is better; ``limit``: good up to a limit; ``none``: says what a picture is like, and
            no order follows from it.
        digits: Shown behind the point.
        description: One sentence.
        judged: Whether a feature network measures it.
    """

    key: str
    group: Group
    direction: Direction
    digits: int
    description: str
    judged: bool = False

    def shortfall(self, value: NDArray[np.float64], truth: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
        """Return how far figures are from good, on the column's own scale: smaller is better, None without an order.

        Args:
            value: Figures.
            truth: Those of the true pictures, for a column of direction ``truth``.
        """
        if self.direction == "higher":
            return -value
        if self.direction == "lower":
            return value
        if self.direction == "one":
            return np.abs(value - 1)
        if self.direction == "limit":
            return np.maximum(value - LIMIT, 0)
        return np.abs(value - truth) if self.direction == "truth" and truth is not None else None


_ALL = (
    Column("psnr", "fidelity", "higher", 2, "PSNR in dB"),
    Column("ssim", "fidelity", "higher", 3, "SSIM, 11 x 11 Gaussian window"),
    Column("ms_ssim", "fidelity", "higher", 3, "SSIM at up to five scales"),
    Column("nmi", "fidelity", "higher", 3, "normalised mutual information, 1 to 2, blind to polarity"),
    Column("cell_correlation", "structure", "higher", 3, "correlation with the truth over the means of 16-pixel cells"),
    Column(
        "gradient_agreement", "structure", "higher", 3, "cosine of gradients with the truth, best shift within 2 pixels"
    ),
    Column("truth_highpass", "structure", "higher", 3, "correlation of detail (high-pass) with the truth's"),
    Column("gradient_truth", "structure", "higher", 3, "correlation of gradient magnitudes with the truth"),
    Column("gradient_truth_3px", "structure", "higher", 3, "the same at the best shift within 3 pixels"),
    Column("perceptual", "perception", "lower", 3, "distance of unit-normalised features to the truth", judged=True),
    Column("lpips", "perception", "lower", 3, "LPIPS with its learned weights"),
    Column("style", "perception", "lower", 3, "relative distance of feature statistics to the exemplar", judged=True),
    Column(
        "patch_frechet",
        "look",
        "lower",
        3,
        "Frechet distance of patch features to the true ones",
        judged=True,
    ),
    Column("patch_mmd", "look", "lower", 3, "kernel distance of patch features to the true ones", judged=True),
    Column("histogram_emd", "look", "lower", 3, "earth mover's distance of histograms, a share of the range"),
    Column(
        "exemplar_distance", "look", "lower", 3, "1-Wasserstein distance of intensities to the exemplar, share of range"
    ),
    Column("contrast_exemplar", "look", "one", 2, "standard deviation over the exemplar's"),
    Column("contrast_truth", "look", "one", 2, "standard deviation over the truth's; fog is below 1"),
    Column(
        "luma_highpass", "look", "truth", 3, "signed correlation of detail with the photograph's luma; +-1 is embossing"
    ),
    Column("spectrum", "look", "lower", 2, "difference of radial power spectra in dB"),
    Column("line_noise", "look", "truth", 4, "row and column noise, a share of the range; nearest to the truth's"),
    Column("hot_region_share", "heat", "truth", 2, "share of the truth's hot compact regions hotter than their ring"),
    Column("object_heat", "heat", "truth", 2, "share of labelled objects hotter than their ring"),
    Column("people_heat", "heat", "truth", 2, "the same of people"),
    Column("vehicle_heat", "heat", "truth", 2, "the same of vehicles"),
    Column("people_hot", "heat", "higher", 2, "share of labelled people that are hot in the truth and in the output"),
    Column("vehicles_hot", "heat", "higher", 2, "the same of vehicles"),
    Column(
        "polarity", "heat", "lower", 2, "correlation of outputs with the exemplar and with its negative, -1 is best"
    ),
    Column(
        "shift", "labels", "limit", 2, f"shift from the photograph in pixels, median over windows, good up to {LIMIT}"
    ),
    Column("edges_kept", "labels", "none", 3, "share of the photograph's edges within 1 pixel of an edge"),
    Column("gradient_input", "labels", "none", 3, "correlation of gradient magnitudes with the photograph"),
)

COLUMNS: dict[str, Column] = {column.key: column for column in _ALL}
"""All columns by key, in the order of the tables."""
