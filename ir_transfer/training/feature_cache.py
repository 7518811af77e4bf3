"""Cache of the features that a frozen content encoder computes for the views of a training run."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ir_transfer.nn.content_encoder import ContentEncoder, ContentFeatures

Key = tuple[int, ...]


class FeatureCache:
    """Caches features of views in bfloat16 up to a memory limit; those of further views are computed at every use.

    Args:
        gib: Memory in GiB.
    """

    def __init__(self, gib: float) -> None:
        self._free = gib * 2**30
        self._kept: dict[Key, list[Tensor]] = {}

    def __call__(self, encoder: ContentEncoder, images: Tensor, keys: Sequence[Key]) -> ContentFeatures:
        """Return the features of images (B, 3, H, W) in [0, 1]; those not cached are computed in one forward pass.

        Args:
            encoder: Frozen encoder, the same at every call.
            images: Views (B, 3, H, W) in [0, 1].
            keys: Identity of each view.
        """
        missing = [index for index, key in enumerate(keys) if key not in self._kept]
        fresh: dict[int, list[Tensor]] = {}
        if missing:
            with torch.no_grad():
                found = encoder(images[missing])
            for place, index in enumerate(missing):
                planes = [level[place].bfloat16() for level in (*found.levels, found.logits)]
                fresh[index] = planes
                size = sum(plane.numel() * plane.element_size() for plane in planes)
                if size <= self._free and keys[index] not in self._kept:
                    self._kept[keys[index]] = [plane.clone() for plane in planes]
                    self._free -= size
        rows = [fresh.get(index) or self._kept[key] for index, key in enumerate(keys)]
        stacked = [torch.stack(planes).float() for planes in zip(*rows, strict=True)]
        last = [planes.contiguous(memory_format=torch.channels_last) for planes in stacked]
        return ContentFeatures(tuple(last[:-1]), last[-1])
