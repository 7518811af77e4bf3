"""Validation on whole pictures with one fixed exemplar, as a user would convert them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import kornia
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ir_transfer.data.image_io import OutputLevels
from ir_transfer.data.pair_checks import check_pairs
from ir_transfer.data.pair_files import load_pair, to_unit
from ir_transfer.evaluation.contact_sheet import contact_sheet
from ir_transfer.losses import edge, histogram, mean_std, paired, perceptual
from ir_transfer.losses.base import Scene
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.fixed_looks import FixedLooks
from ir_transfer.models.style_code import StyleCode
from ir_transfer.nn.perceptual import PerceptualEncoder
from ir_transfer.training.exemplar import validation_exemplar
from ir_transfer.training.pictures import load_single
from ir_transfer.training.recipe import DataSection
from ir_transfer.training.sources import find_validation

_SHEET_ROWS = 5
_CELL_WIDTH = 400


@dataclass(frozen=True)
class Scores:
    """Means over the validation pictures that have a truth.

    Attributes:
        psnr: Peak signal-to-noise ratio in dB.
        perceptual: Perceptual distance, lower is better; 0 without a perceptual encoder.
        edges: Correlation of edges with the photograph.
        hot: Shortfall of local contrast where the truth is locally hot, lower is better.
        contrast: Standard deviation over the truth's; fog is below 1.
    """

    psnr: float
    perceptual: float
    edges: float
    hot: float
    contrast: float

    @property
    def rank(self) -> float:
        """Smaller is better: wrong tone loses by PSNR, cold people by ``hot``, fog, which PSNR likes, by contrast."""
        return self.perceptual - 0.02 * self.psnr + self.hot + 0.1 * max(0.0, 1 - self.contrast)


@dataclass(frozen=True)
class UnpairedScores:
    """Means over validation pictures that have no truth: look against the exemplar, edges against the photograph.

    Attributes:
        look: Distance of feature means and deviations to the exemplar's, lower is better; 0 without an encoder.
        tones: Distance of the intensity distributions, lower is better.
        edges: Correlation of edges with the photograph.
    """

    look: float
    tones: float
    edges: float

    @property
    def rank(self) -> float:
        """Smaller is better; edges count up to what infrared has of them, as in the loss."""
        return self.look + self.tones + max(0.0, edge.ENOUGH - self.edges)


class Validation:
    """Holds the validation pictures and scores a model on them.

    Attributes:
        exemplar: What conditions them (1, 1, h, w), white-hot.
        exemplar_file: Where it was read.
        files: What was read to validate on.
        look: The recipe's first, which conditions a model of fixed looks.

    Args:
        data: The recipe's data section.
        root: Folder that its paths are relative to.
        vgg: The judge, or None.

    Raises:
        MissingFileError: The validation's folder is missing.
        InputError: The exemplar is missing, a pair has two sizes, or a truth is coloured.
    """

    def __init__(self, data: DataSection, root: Path, vgg: PerceptualEncoder | None) -> None:
        self.paired = data.validation_pairing == "paired"
        self.pictures: list[tuple[OutputLevels, OutputLevels | None]]
        found = find_validation(data, root)
        if found.pairs is not None:
            check_pairs(found.pairs)
            self.pictures = [load_pair(pair) for pair in found.pairs]
        else:
            self.pictures = [(load_single(single), None) for single in found.photographs]
        self.files = found.files
        self.look = next(iter(data.looks), "")
        exemplar, self.exemplar_file = validation_exemplar(data, root)
        self.exemplar = torch.from_numpy(to_unit(exemplar))[None, None]
        self.vgg = vgg

    @torch.inference_mode()
    def __call__(
        self, model: TranslationModel, limit: int | None = None
    ) -> tuple[Scores | UnpairedScores, Image.Image]:
        """Score a model in evaluation mode; return a contact sheet of all five pictures too.

        Args:
            model: On any device.
            limit: Score so many pictures only.
        """
        # Training data are white-hot by contract, so nothing is to be guessed.
        if isinstance(model, FixedLooks):
            style = model.look(self.look)
        else:
            style = model.prepare([self.exemplar], white_hot=True)
        scenes = [self._translate(model, style, rgb, ir) for rgb, ir in self.pictures[:limit]]
        means = [float(v) for v in np.mean([self._score(scene) for scene in scenes], axis=0)]
        scores = Scores(*means) if self.paired else UnpairedScores(*means)
        return scores, self._sheet(scenes[:: max(1, len(scenes) // _SHEET_ROWS)])

    def _translate(
        self, model: TranslationModel, style: StyleCode, rgb: OutputLevels, ir: OutputLevels | None
    ) -> Scene:
        device = next(model.parameters()).device
        content = torch.from_numpy(to_unit(rgb.transpose(2, 0, 1)))[None].to(device)
        if ir is not None:
            truth = torch.from_numpy(to_unit(ir))[None, None].to(device)
        else:
            truth = F.interpolate(self.exemplar, content.shape[-2:], mode="bilinear", antialias=True).to(device)
        return Scene(content, truth, model(content, style.to(device)), self.vgg)

    def _score(self, scene: Scene) -> tuple[float, ...]:
        found: tuple[Tensor, ...]
        edges = edge.edge_correlation(scene).mean()
        if self.paired:
            psnr = kornia.metrics.psnr(scene.output, scene.truth, 1.0)
            distance = perceptual.perceptual(scene) if self.vgg is not None else torch.zeros(())
            contrast = scene.output.std() / (scene.truth.std() + 1e-6)
            found = (psnr, distance, edges, paired.hot_objects(scene), contrast)
        else:
            look = mean_std.mean_std(scene) if self.vgg is not None else torch.zeros(())
            found = (look, histogram.histogram(scene), edges)
        return tuple(value.item() for value in found)

    def _sheet(self, scenes: list[Scene]) -> Image.Image:
        shown = ([s.content, self.exemplar, s.output, s.truth, _difference(s)] for s in scenes)
        headings = ("input", "exemplar", "output", "truth", "difference (gray: none)")
        columns = 5 if self.paired else 3
        return contact_sheet([[_array(p) for p in row[:columns]] for row in shown], headings[:columns], _CELL_WIDTH)


def _difference(scene: Scene) -> Tensor:
    """Return output minus truth around middle gray: bright where the output is too hot."""
    return (0.5 + (scene.output - scene.truth) / 2).clamp(0, 1)


def _array(pictures: Tensor) -> NDArray[np.float32]:
    picture: NDArray[np.float32] = pictures[0].squeeze(0).float().cpu().numpy()
    return picture.transpose(1, 2, 0) if picture.ndim == 3 else picture
