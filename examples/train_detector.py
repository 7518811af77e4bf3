"""Train torchvision's Faster R-CNN for an infrared camera on labelled RGB images.

Images are converted to infrared while they are loaded, in another style, strength and noise in each epoch; boxes stay
unchanged. Annotations are in COCO format. Needs ``pip install 'ir-transfer[detect]'``.

    ir-transfer datasets render scenes/ --count 40 --boxes
    python examples/train_detector.py --images scenes/rgb --annotations scenes/annotations.json -o detector.pt
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision.datasets import CocoDetection, wrap_dataset_for_transforms_v2
from torchvision.models.detection import fasterrcnn_mobilenet_v3_large_320_fpn
from torchvision.transforms import v2

from ir_transfer.transforms import ToInfrared

Sample = tuple[Tensor, dict[str, Any]]


def build_transform(styles: Sequence[str], sensor: str | None) -> v2.Compose:
    """Return the training transform: conversion to infrared, then standard augmentation."""
    return v2.Compose(
        [
            v2.ToImage(),
            ToInfrared(
                styles,
                strength=(0.7, 1.0),
                flip_probability=0.1,
                gray_probability=0.2,  # training on gray and translated images together works better than on either
                sensors=() if sensor is None else sensor,
                sensor_probability=0.5,
            ),
            v2.RandomHorizontalFlip(),
            v2.ToDtype(torch.float32, scale=True),
            v2.SanitizeBoundingBoxes(),
        ]
    )


def collate(samples: list[Sample]) -> tuple[list[Tensor], list[dict[str, Any]]]:
    """Return images and targets as lists, because image sizes differ."""
    return [image for image, _ in samples], [target for _, target in samples]


def load_data(images: Path, annotations: Path, transform: v2.Compose) -> tuple[CocoDetection, int]:
    """Return the images of a COCO file that have boxes, and the number of classes."""
    data = CocoDetection(str(images), str(annotations), transforms=transform)
    data.ids = [number for number in data.ids if data.coco.getAnnIds(imgIds=number)]
    if not data.ids:
        raise SystemExit(f"expected boxes in {annotations}, found none")
    classes = max(data.coco.getCatIds()) + 1  # the detector counts the background as 0
    return wrap_dataset_for_transforms_v2(data, target_keys=("boxes", "labels")), classes


def train(detector: nn.Module, loader: DataLoader[Sample], epochs: int, device: torch.device) -> list[float]:
    """Train a detector and return the mean loss of each epoch."""
    optimizer = torch.optim.SGD(detector.parameters(), lr=0.005, momentum=0.9, weight_decay=5e-4)
    means = []
    detector.to(device).train()
    for epoch in range(epochs):
        losses = []
        for images, targets in loader:
            placed = [{key: value.to(device) for key, value in target.items()} for target in targets]
            loss = sum(detector([image.to(device) for image in images], placed).values())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(detector.parameters(), 10.0)
            optimizer.step()
            losses.append(float(loss.detach()))
        means.append(sum(losses) / len(losses))
        sys.stdout.write(f"epoch {epoch + 1} of {epochs}: loss {means[-1]:.3f}\n")
    return means


def main(argv: Sequence[str] | None = None) -> list[float]:
    """Read the options, train, save the detector's weights, and return the losses."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, required=True, help="folder of RGB images")
    parser.add_argument("--annotations", type=Path, required=True, help="COCO file of their boxes")
    parser.add_argument("--style", nargs="+", default=["preset:lwir-road-day", "preset:lwir-road-night"])
    parser.add_argument("--sensor", default="boson-640", help="sensor to simulate in half of the images")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--side", type=int, default=320, help="short side of the detector input in pixels")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--out", type=Path, default=Path("detector.pt"))
    given = parser.parse_args(argv)
    torch.manual_seed(given.seed)
    data, classes = load_data(given.images, given.annotations, build_transform(given.style, given.sensor))
    loader = DataLoader(
        data, given.batch_size, shuffle=True, num_workers=given.workers, collate_fn=collate, drop_last=False
    )
    detector = fasterrcnn_mobilenet_v3_large_320_fpn(
        weights=None, weights_backbone=None, num_classes=classes, min_size=given.side, max_size=2 * given.side
    )
    losses = train(detector, loader, given.epochs, torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    torch.save(detector.state_dict(), given.out)
    sys.stdout.write(f"wrote {given.out}\n")
    return losses


if __name__ == "__main__":
    main()
