"""Outputs of the bundled weights on a rendered scene, as means of a few cells."""

import tempfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from ir_transfer import create_model, list_models, model_info
from tests.training.pair_set import render_pairs

BUNDLED = [
    (name, weights)
    for name in list_models()
    for weights in model_info(name).weights
    if not model_info(name).iterative  # what it searches for depends on the machine's rounding
]
CELLS = (4, 5)


def cells_of(name: str, weights: str) -> list[float]:
    """Return the means over 4 x 5 cells of a scene of 96 x 120 pixels; its ground truth is the exemplar."""
    with tempfile.TemporaryDirectory() as folder:
        root = render_pairs(Path(folder), 1, size=(96, 120), seed=11)
        rgb = np.asarray(Image.open(root / "rgb" / "scene_0.png"), np.float32) / 255
        ir = np.asarray(Image.open(root / "ir" / "scene_0.png"), np.float32) / 255
    torch.manual_seed(0)
    model = create_model(name, weights)
    style = model.style_for(torch.from_numpy(ir)[None, None], white_hot=True)
    with torch.inference_mode():
        output = model(torch.from_numpy(rgb.transpose(2, 0, 1))[None], style)
    return [round(float(value), 6) for value in F.adaptive_avg_pool2d(output, CELLS).flatten()]
