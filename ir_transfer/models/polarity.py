"""Polarity of exemplars, determined for all models by the bundled classifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import torch
from kornia.color import rgb_to_grayscale
from torch import Tensor

from ir_transfer.errors import WeightsError
from ir_transfer.models import weight_files
from ir_transfer.models.encoder_files import shipped_encoder
from ir_transfer.nn.polarity import PolarityClassifier, polarity_statistics, statistics_count
from ir_transfer.resources import resource

WEIGHTS = "weights/polarity.safetensors"
"""The classifier's weights; their metadata contain the margin."""

Source = Literal["auto", "given", "near-infrared", "option"]


@dataclass(frozen=True)
class Polarity:
    """Polarity of an exemplar and its source.

    Attributes:
        white_hot: Whether the exemplar is white-hot.
        source: ``auto``: the classifier; ``given``: the caller; ``option``: ``--exemplar-polarity``;
            ``near-infrared``: always white-hot, never classified.
        score: Score of the classifier, positive for white-hot; None if it was not used.
    """

    white_hot: bool
    source: Source
    score: float | None = None

    @property
    def name(self) -> str:
        """``"white-hot"`` or ``"black-hot"``."""
        return "white-hot" if self.white_hot else "black-hot"

    @property
    def inverted_by_auto(self) -> bool:
        """Whether only the classifier determined black-hot, which is reported to the user."""
        return self.source == "auto" and not self.white_hot

    def metadata(self) -> dict[str, str]:
        """Return the metadata of a style code."""
        score = {} if self.score is None else {"polarity_score": f"{self.score:+.2f}"}
        return {"polarity": self.name, "polarity_source": self.source, **score}

    def warning(self, exemplar: str) -> str:
        """Return the message for an exemplar that only the classifier determined to be black-hot."""
        return (
            f"exemplar {exemplar} classified as {self.name} (score {self.score:+.2f}): "
            "pass --exemplar-polarity white-hot if it is not"
        )


class PolarityDetector:
    """The polarity classifier with its margin, and the bundled content encoder, whose features it uses.

    Args:
        path: Weight file of the classifier.

    Attributes:
        margin: An image is black-hot if its score is below ``-margin``.

    Raises:
        MissingFileError: No such file.
        WeightsError: Damaged, of another kind, or without a margin.
    """

    def __init__(self, path: Path) -> None:
        tensors, metadata = weight_files.read(path, kind="weights", model="polarity")
        try:
            self.margin = float(metadata["margin"])
        except (KeyError, ValueError) as error:
            raise WeightsError(
                f"expected {path} to hold the margin of the polarity classifier, got {metadata.get('margin')!r}: "
                "train it again with scripts/train_polarity.py"
            ) from error
        with torch.inference_mode(False):
            self.encoder = shipped_encoder()
            with torch.device("meta"):  # draws no random numbers
                self.classifier = PolarityClassifier(len(tensors.get("scale", ()))).eval()
        weight_files.load_into(self.classifier, tensors, path, assign=True)
        if (count := statistics_count(self.encoder)) != len(self.classifier.scale):
            raise WeightsError(
                f"expected {path} to use {count} statistics, got {len(self.classifier.scale)}: "
                "train it again with scripts/train_polarity.py"
            )

    @torch.no_grad()
    def score(self, exemplar: Tensor) -> float:
        """Return the score of one exemplar (1, 1 or 3, h, w) in [0, 1]; positive for white-hot."""
        gray = exemplar if exemplar.shape[1] == 1 else rgb_to_grayscale(exemplar)
        with torch.autocast("cpu", enabled=False):
            return float(self.classifier(polarity_statistics(gray.detach().cpu().float(), self.encoder)))

    def __call__(self, exemplar: Tensor) -> Polarity:
        """Return the polarity of one exemplar (1, 1 or 3, h, w): black-hot only beyond the margin."""
        score = self.score(exemplar)
        return Polarity(score >= -self.margin, "auto", score)


@cache
def shipped_detector() -> PolarityDetector:
    """Return the bundled detector, which is read once."""
    return PolarityDetector(resource(WEIGHTS))


def polarity_of_exemplar(exemplar: Tensor, white_hot: bool | None = None, band: str | None = None) -> Polarity:
    """Return the polarity of one exemplar (1, 1 or 3, h, w) in [0, 1].

    Args:
        exemplar: The image.
        white_hot: Known polarity; None classifies the exemplar.
        band: Band of the model's weights; near-infrared exemplars are always white-hot.
    """
    if white_hot is not None:
        return Polarity(white_hot, "given")
    if band == "nir":
        return Polarity(True, "near-infrared")
    return shipped_detector()(exemplar)


def blended_metadata(codes: Sequence[Mapping[str, str]], shares: Sequence[float]) -> dict[str, str]:
    """Return the polarity metadata of a blend: the polarity of the larger share, with all scores in order.

    Args:
        codes: Metadata of the style codes.
        shares: Their weights.

    Returns:
        Empty if a code has no polarity.
    """
    if not all(code.get("polarity") for code in codes):
        return {}
    pairs = zip(codes, shares, strict=True)
    signed = sum(share if code["polarity"] == "white-hot" else -share for code, share in pairs)
    kept = {"polarity": "white-hot" if signed >= 0 else "black-hot"}
    for key in ("polarity_source", "polarity_score"):
        found = [code.get(key, "-") for code in codes]
        if any(value != "-" for value in found):
            kept[key] = found[0] if key == "polarity_source" and len(set(found)) == 1 else ", ".join(found)
    return kept
