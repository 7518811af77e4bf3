"""Validation on whole pictures with one fixed exemplar, as a user would convert them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import kornia
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ir_transfer.data.pairs import load_pair
from ir_transfer.errors import InputError
from ir_transfer.evaluation.contact_sheet import contact_sheet
from ir_transfer.losses import edge, paired, perceptual
from ir_transfer.losses.base import Scene
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.style_code import StyleCode
from ir_transfer.nn.perceptual import PerceptualEncoder
from ir_transfer.training.batches import validation_pairs
from ir_transfer.training.recipe import DataSection

_SHEET_ROWS = 5
_CELL_WIDTH = 500


@dataclass(frozen=True)
class Scores:
    """Means over the validation pictures.

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


class Validation:
    """Holds the validation pictures and scores a model on them.

    Args:
        data: The recipe's data section.
        root: Folder that its paths are relative to.
        vgg: The judge, or None.
    """

    def __init__(self, data: DataSection, root: Path, vgg: PerceptualEncoder | None) -> None:
        self.pairs = [load_pair(pair) for pair in validation_pairs(data, root)]
        path = root / data.validation_exemplar
        if not path.is_file():
            raise InputError(f"expected the validation exemplar {path}, found none: set data.validation_exemplar")
        with Image.open(path) as file:
            self.exemplar = torch.from_numpy(np.asarray(file.convert("L"), dtype=np.float32) / 255)[None, None]
        self.vgg = vgg

    @torch.inference_mode()
    def __call__(self, model: TranslationModel, sheet: Path | None = None) -> Scores:
        """Score a model in evaluation mode and write a contact sheet (input | exemplar | output | truth)."""
        style = model.prepare([self.exemplar])
        rows, scores = [], []
        for rgb, ir in self.pairs:
            scene = self._translate(model, style, rgb, ir)
            scores.append(self._score(scene))
            rows.append(scene)
        if sheet is not None:
            _write_sheet(rows[:: max(1, len(rows) // _SHEET_ROWS)], self.exemplar, sheet)
        means = np.mean(scores, axis=0)
        return Scores(*(float(v) for v in means))

    def _translate(self, model: TranslationModel, style: StyleCode, rgb: np.ndarray, ir: np.ndarray) -> Scene:
        device = next(model.parameters()).device
        content = torch.from_numpy(rgb.transpose(2, 0, 1).astype(np.float32) / 255)[None].to(device)
        truth = torch.from_numpy(ir.astype(np.float32) / 255)[None, None].to(device)
        return Scene(content, truth, model(content, style.to(device)), self.vgg)

    def _score(self, scene: Scene) -> tuple[float, ...]:
        psnr = kornia.metrics.psnr(scene.output, scene.truth, 1.0)
        distance = perceptual.perceptual(scene) if self.vgg is not None else torch.zeros(())
        contrast = scene.output.std() / (scene.truth.std() + 1e-6)
        found = (psnr, distance, edge.edge_correlation(scene).mean(), paired.hot_objects(scene), contrast)
        return tuple(value.item() for value in found)


def _write_sheet(scenes: list[Scene], exemplar: Tensor, path: Path) -> None:
    rows = [[_array(p) for p in (s.content, exemplar, s.output, s.truth)] for s in scenes]
    contact_sheet(rows, ("input", "exemplar", "output", "truth"), _CELL_WIDTH).save(path)


def _array(pictures: Tensor) -> NDArray[np.float32]:
    picture: NDArray[np.float32] = pictures[0].squeeze(0).float().cpu().numpy()
    return picture.transpose(1, 2, 0) if picture.ndim == 3 else picture
