"""Test scenes with the frames that each arm's detector draws into them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ir_transfer.evaluation.contact_sheet import contact_sheet
from ir_transfer.evaluation.detection.experiment import Outcome
from ir_transfer.evaluation.detection.score import Objects
from ir_transfer.evaluation.detection.train import as_target

SCENES = 6
SURE = 0.3
"""Frames found with a lower score are not drawn."""
_COLOURS = {
    "yellow": "#ffd23f",
    "blue": "#3fd0ff",
    "pink": "#ff5fa2",
    "green": "#7dff6a",
    "orange": "#ff9a3f",
    "violet": "#b48cff",
}


def detection_sheet(outcome: Outcome, cell_width: int = 300) -> Image.Image:
    """Return a sheet with a test scene per row: true frames, then those of every arm; a colour per label."""
    count = min(SCENES, len(outcome.test))
    chosen = [number * len(outcome.test) // count for number in range(count)]
    rows = []
    for number in chosen:
        scene = outcome.test[number]
        picture = scene.real[0].numpy()
        frames = [as_target(scene, outcome.labels), *(row.found[number] for row in outcome.rows)]
        rows.append([_framed(picture, objects, cell_width) for objects in frames])
    key = ", ".join(f"{label} {_colour(number)}" for number, label in enumerate(outcome.labels))
    headings = [f"true ({key})", *(row.name for row in outcome.rows)]
    return contact_sheet(rows, headings, cell_width)


def _framed(picture: NDArray[np.uint8], objects: Objects, width: int) -> NDArray[np.float32]:
    """Return the picture (H, W, 3) in [0, 1] at its size on the sheet, so that frames stay one pixel thin."""
    scale = width / picture.shape[1]
    size = (width, round(picture.shape[0] * scale))
    image = Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS).convert("RGB")
    draw = ImageDraw.Draw(image)
    scores = objects["scores"] if "scores" in objects else torch.ones(len(objects["labels"]))
    for box, label, score in zip(objects["boxes"], objects["labels"].tolist(), scores.tolist(), strict=True):
        if score >= SURE:
            draw.rectangle((box * scale).tolist(), outline=_COLOURS[_colour(label)])
    return np.asarray(image, dtype=np.float32) / np.float32(255)


def _colour(number: int) -> str:
    return tuple(_COLOURS)[number % len(_COLOURS)]
