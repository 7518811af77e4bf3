"""Data sets for the tests of the transforms, at the top of a module so that spawned workers can import them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

if TYPE_CHECKING:
    from ir_transfer.transforms import AlbumentationsToInfrared, ToInfrared


def rgb(seed: int = 0, height: int = 40, width: int = 56) -> NDArray[np.uint8]:
    """Return an RGB image (3, H, W) of coloured tiles, without the slow imports of conftest."""
    tiles = np.random.default_rng(seed).integers(0, 256, (3, height // 8 + 1, width // 8 + 1), np.uint8)
    return np.ascontiguousarray(tiles.repeat(8, axis=1).repeat(8, axis=2)[:, :height, :width])


class TorchvisionImages(Dataset[tuple[Tensor, bool, int]]):
    """The result for image ``index % distinct``; whether the model's weights are shared; and the worker's number."""

    def __init__(self, transform: ToInfrared, count: int, distinct: int) -> None:
        self.transform, self.count, self.distinct = transform, count, distinct

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[Tensor, bool, int]:
        worker = torch.utils.data.get_worker_info()
        result = self.transform(torch.from_numpy(rgb(index % self.distinct)))
        tensors = self.transform.renderer.translator.style.tensors.values()
        return (
            result,
            all(tensor.untyped_storage().is_shared() for tensor in tensors),
            -1 if worker is None else worker.id,
        )


class AlbumentationsImages(Dataset[NDArray[np.float32]]):
    """The result for image ``index % distinct`` as float32, in which close strengths give different results."""

    def __init__(self, transform: AlbumentationsToInfrared, count: int, distinct: int) -> None:
        self.transform, self.count, self.distinct = transform, count, distinct

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        image = rgb(index % self.distinct).transpose(1, 2, 0).astype(np.float32) / 255
        return self.transform(image=image)["image"]
