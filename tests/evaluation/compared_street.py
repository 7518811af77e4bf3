"""A comparison on rendered streets, shared by tests: a blurred ground truth and the baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch.nn.functional as F
from kornia.filters import gaussian_blur2d
from torch import Tensor

from ir_transfer.data.pairs import list_pairs
from ir_transfer.evaluation.boxes import read_boxes
from ir_transfer.evaluation.columns import COLUMNS
from ir_transfer.evaluation.comparison import Comparison
from ir_transfer.evaluation.data_set import DataSet
from ir_transfer.evaluation.evaluator import EvalSettings, evaluate
from ir_transfer.evaluation.exemplars import Oracle
from ir_transfer.evaluation.methods import Method, with_baselines
from ir_transfer.evaluation.protocol import Protocol
from ir_transfer.evaluation.scenes import load_scene
from ir_transfer.models.baselines.model import Baseline
from ir_transfer.models.info import ModelInfo
from ir_transfer.nn.perceptual import PerceptualEncoder
from tests.evaluation.street_scene import write_pairs

BLURRED = "blurred"


class BlurredExemplar(Baseline):
    """With the oracle exemplar, returns the slightly blurred ground truth."""

    def encode(self, exemplars: Tensor, white_hot: Tensor | None = None) -> Mapping[str, Tensor]:
        return {"image": exemplars}

    def stylise(self, gray: Tensor, style: Mapping[str, Tensor]) -> Tensor:
        image = F.interpolate(style["image"], gray.shape[-2:], mode="bilinear", align_corners=False)
        blurred: Tensor = gaussian_blur2d(image, (7, 7), (1.0, 1.0))
        return blurred


def blurred() -> Method:
    info = ModelInfo(BLURRED, "", "", f"{__name__}:BlurredExemplar", needs_weights=False)
    return Method(BLURRED, BlurredExemplar(info))


def compared_street(
    folder: Path, others: Sequence[Method] = (), scenes: int = 4, judges: EvalSettings | None = None
) -> Comparison:
    root = write_pairs(folder, scenes)
    pairs = list_pairs(root)
    methods = with_baselines([blurred(), *others])
    results = evaluate(
        methods,
        [load_scene(pair) for pair in pairs],
        Oracle(),
        judges or EvalSettings(PerceptualEncoder.load(root / "vgg.safetensors")),
        objects_of=lambda scene: read_boxes(root / "boxes.json", scene.stem),
        keep={pair.stem for pair in pairs},
    )
    protocol = Protocol("street", 2, exemplar="oracle", band="lwir")
    networks = {key: "tiny" for key, column in COLUMNS.items() if column.uses_features}
    data = DataSet(root, pairs, black_hot=False)
    return Comparison(data, Oracle(), methods, results, protocol, ["border 1"], {"data": str(root)}, networks)
