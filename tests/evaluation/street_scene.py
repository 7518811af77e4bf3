"""A rendered street: RGB image and infrared image with people at known boxes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from skimage.io import imsave

from ir_transfer.nn.perceptual import PerceptualEncoder

PEOPLE = ((30, 50, 38, 80), (70, 45, 80, 82))
"""Left, top, right, bottom."""


def render(seed: int, height: int = 112, width: int = 144) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return an RGB image (H, W, 3) with dark people and an infrared image (H, W) with hot ones."""
    rng = np.random.default_rng(seed)
    texture = rng.normal(0, 0.02, (height, width))
    rgb = np.full((height, width, 3), 0.5) + 0.3 * np.linspace(1, -1, height)[:, None, None] + texture[..., None]
    ir = np.full((height, width), 0.3) + 0.1 * np.linspace(-1, 1, height)[:, None] + texture
    for left, top, right, bottom in PEOPLE:
        rgb[top:bottom, left:right] = (0.15, 0.1, 0.2)
        ir[top:bottom, left:right] = 0.9
    return (rgb.clip(0, 1) * 255).astype(np.uint8), (ir.clip(0, 1) * 255).astype(np.uint8)


def write_pairs(root: Path, count: int = 3) -> Path:
    """Write pairs, an exemplar, boxes and a small random VGG below a folder and return it."""
    for side in ("rgb", "ir"):
        (root / side).mkdir(parents=True)
    boxes = {}
    for index in range(count):
        rgb, ir = render(index)
        imsave(root / "rgb" / f"scene{index}.png", rgb)
        imsave(root / "ir" / f"scene{index}.png", ir)
        boxes[f"scene{index}"] = [{"box": list(box), "label": "Person"} for box in PEOPLE]
    (root / "boxes.json").write_text(json.dumps(boxes))
    imsave(root / "exemplar.png", render(99, 90, 100)[1])
    torch.manual_seed(0)
    save_file(PerceptualEncoder((4, 8, 8, 8, 8)).state_dict(), root / "vgg.safetensors")
    return root
