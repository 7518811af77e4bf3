"""Measures how much of the true infrared detail the detail of the RGB images could explain.

    python scripts/detail_bound.py PAIRS [--side 320]

For every pair of a set, the detail of the luma is multiplied in each square by the sign, or by the gain, that fits the
ground truth's best; the result's correlation with the detail of the ground truth (`truth_highpass`) is what a
translation would reach that copies the detail of the RGB image and knows the sign, or the gain, in every square.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from kornia.color import rgb_to_grayscale
from torch import Tensor

from ir_transfer.data.pairs import list_pairs
from ir_transfer.evaluation.scenes import load_scene
from ir_transfer.metrics.correlation import highpass, pearson

_SETS = ("roadscene/val", "m3svd/val", "vifb", "starain_visir")
_SQUARES = (16, 32, 64)
_FLAT = 1e-5


def explained(luma: Tensor, truth: Tensor, side: int) -> tuple[float, float]:
    """Return the correlation of the detail of an image with that of the ground truth, with the best sign and gain.

    Args:
        luma: (1, 1, H, W) in [0, 1].
        truth: Ground truth, same shape.
        side: Of the squares in pixels; what remains at the right and bottom edge is ignored.
    """
    height, width = (length - length % side for length in truth.shape[-2:])
    own, wanted = (highpass(image)[..., :height, :width] for image in (luma, truth))
    fit = F.avg_pool2d(own * wanted, side) / (F.avg_pool2d(own.square(), side) + _FLAT)
    gain = F.interpolate(fit, (height, width), mode="nearest")
    return float(pearson(own * gain.sign(), wanted)), float(pearson(own * gain, wanted))


def _images(folder: Path, side: int) -> Iterator[tuple[Tensor, Tensor]]:
    for pair in list_pairs(folder):
        scene = load_scene(pair, side)
        yield rgb_to_grayscale(scene.rgb), scene.ground_truth


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--side", type=int, default=320, help="larger images are reduced to this side in pixels")
    options = parser.parse_args()
    print(f"| set | {' | '.join(f'sign, {side} px | gain, {side} px' for side in _SQUARES)} |")
    print(f"|{'---|' * (1 + 2 * len(_SQUARES))}")
    for name in _SETS:
        images = list(_images(options.pairs / name, options.side))
        found = [[value for side in _SQUARES for value in explained(luma, truth, side)] for luma, truth in images]
        means = torch.tensor(found).mean(0).tolist()
        print(f"| {name} | {' | '.join(f'{value:.2f}' for value in means)} |")


if __name__ == "__main__":
    main()
