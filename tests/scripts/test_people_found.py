from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from ir_transfer.nn.content_encoder import ContentFeatures
from ir_transfer.training.distillation.agreement import PERSON
from ir_transfer.training.distillation.labelled_images import read_labelled
from scripts.people_found import people_found


class Sees(nn.Module):
    """Takes bright cells of 4 pixels for people."""

    def forward(self, images: Tensor) -> ContentFeatures:
        logits = torch.zeros(len(images), 11, images.shape[-2] // 4, images.shape[-1] // 4)
        logits[:, PERSON] = nn.functional.avg_pool2d(images.mean(1), 4) * 20 - 5
        return ContentFeatures((), logits)


def test_recall_at_the_precision_of_the_labels(tmp_path: Path) -> None:
    (tmp_path / "rgb").mkdir()
    (tmp_path / "labels").mkdir()
    pixels = np.zeros((80, 120, 3), np.uint8)
    pixels[20:60, 40:60] = 255  # a person
    Image.fromarray(pixels).save(tmp_path / "rgb" / "scene.png")
    label = np.zeros((20, 30, 4), np.uint8)
    label[..., 0], label[..., 1] = 7, 230
    label[5:15, 12:17] = (1, 230, 7, 20)  # half of the person, and as much of the road
    Image.fromarray(label).save(tmp_path / "labels" / "scene.png")
    (tmp_path / "boxes.json").write_text(json.dumps({"scene": [{"box": [40, 20, 60, 60], "label": "person"}]}))

    found = people_found(
        Sees(),  # type: ignore[arg-type]
        read_labelled(tmp_path / "rgb", tmp_path / "labels"),
        tmp_path / "boxes.json",
    )
    assert found.boxes == 1
    assert found.precision == pytest.approx(3 / 5)
    assert found.labels == pytest.approx(3 / 5)
    assert found.encoder == 1
