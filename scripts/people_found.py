"""Measures how many people the content encoder and its labels find, against boxes drawn by hand.

    python scripts/people_found.py PAIRS

PAIRS is the folder of the sets, with labels/. The boxes are those of evaluation/people, whose images the encoder was
not distilled from. Precision and recall count cells of 4 pixels; a cell in a box is of a person. The threshold of the
encoder is the one at which it has the precision of the labels.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from ir_transfer.evaluation.boxes import read_boxes
from ir_transfer.labels.soft_labels import probabilities
from ir_transfer.models.encoder_files import load_encoder
from ir_transfer.models.thermal import SHARED
from ir_transfer.nn.content_encoder import ContentEncoder, class_probabilities
from ir_transfer.training.distillation.agreement import PERSON, recall_at
from ir_transfer.training.distillation.labelled_images import LabelledImage, read_labelled

_BOXES = Path(__file__).parents[1] / "evaluation" / "people"
_SETS = {
    "roadscene-val": ("roadscene/val", "night"),
    "m3svd-val": ("m3svd/val", "day, dusk, night"),
    "vifb": ("vifb", "day, night"),
    "starain_visir": ("starain_visir", "day, night"),
}


class Found(NamedTuple):
    """People in one set.

    Attributes:
        boxes: Number of boxes.
        precision: Precision of the labels.
        labels: Recall of the labels.
        encoder: Recall of the encoder at that precision.
    """

    boxes: int
    precision: float
    labels: float
    encoder: float


def people_found(encoder: ContentEncoder, images: list[LabelledImage], boxes: Path) -> Found:
    """Return how many people the labels and an encoder find.

    Args:
        encoder: In evaluation mode.
        images: RGB images with their soft labels.
        boxes: File of the boxes, see :func:`read_boxes`.
    """
    scores, labelled, people, count = [], [], [], 0
    for image in images:
        label = probabilities(image.labels)
        found = class_probabilities(encoder(_batch(image)).logits)
        found = F.interpolate(found, label.shape[-2:], mode="bilinear", align_corners=False)
        inside, boxes_here = _inside(image.path, boxes, label.shape[-2:])
        scores.append(found[0, PERSON].flatten())
        labelled.append((label.argmax(0) == PERSON).flatten())
        people.append(inside.flatten())
        count += boxes_here
    score, label_says, person = torch.cat(scores), torch.cat(labelled), torch.cat(people)
    hits = (label_says & person).sum()
    precision = float(hits / label_says.sum())
    return Found(count, precision, float(hits / person.sum()), recall_at(score, person, precision))


def _batch(image: LabelledImage) -> Tensor:
    return torch.from_numpy(image.pixels.copy()).permute(2, 0, 1)[None].float() / 255


def _inside(path: Path, boxes: Path, size: tuple[int, ...]) -> tuple[Tensor, int]:
    """Return the cells (h, w) that are in a box of the image, and the number of its boxes."""
    with Image.open(path) as image:
        across, down = size[1] / image.width, size[0] / image.height
    inside = torch.zeros(size, dtype=torch.bool)
    found = read_boxes(boxes, path.stem)
    for box in found:
        top, bottom, left, right = box.top * down, box.bottom * down, box.left * across, box.right * across
        inside[round(top) : max(round(bottom), round(top) + 1), round(left) : max(round(right), round(left) + 1)] = True
    return inside, len(found)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--encoder", default="content-encoder", help="bundled name or file of a distilled encoder")
    options = parser.parse_args()
    encoder = ContentEncoder(SHARED["encoder_widths"], SHARED["encoder_depths"], SHARED["head_width"])
    load_encoder(encoder, options.encoder)
    print("| set | light | people | precision of the labels | recall of the labels | recall of the encoder at it |")
    print("|---|---|---|---|---|---|")
    with torch.inference_mode():
        for name, (folder, light) in _SETS.items():
            images = read_labelled(options.pairs / folder / "rgb", options.pairs / "labels" / folder)
            found = people_found(encoder.eval(), images, _BOXES / f"{name}.json")
            shares = " | ".join(f"{share:.2f}" for share in found[1:])
            print(f"| {name} | {light} | {found.boxes} | {shares} |")


if __name__ == "__main__":
    main()
