"""RGB to infrared as data augmentation: transforms for torchvision (v2) and albumentations.

Both change only images; boxes, masks and keypoints remain valid, because the geometry does not change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ir_transfer.transforms.albumentations_transform import AlbumentationsToInfrared
    from ir_transfer.transforms.torchvision_transform import ToInfrared

__all__ = ["AlbumentationsToInfrared", "ToInfrared"]


def __getattr__(name: str) -> object:
    # albumentations and torchvision take seconds to import, so each is imported on first use.
    if name == "ToInfrared":
        from ir_transfer.transforms.torchvision_transform import ToInfrared

        return ToInfrared
    if name == "AlbumentationsToInfrared":
        from ir_transfer.transforms.albumentations_transform import AlbumentationsToInfrared

        return AlbumentationsToInfrared
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
