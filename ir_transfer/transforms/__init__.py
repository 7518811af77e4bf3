"""RGB to infrared inside the training of another network: transforms for torchvision (v2) and for albumentations.

Both change the image alone; boxes, masks and keypoints stay, because every pixel keeps its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ir_transfer.transforms.albumentations_transform import AlbumentationsToInfrared
    from ir_transfer.transforms.torchvision_transform import ToInfrared

__all__ = ["AlbumentationsToInfrared", "ToInfrared"]


def __getattr__(name: str) -> object:
    # albumentations and torchvision take seconds to import: each is imported when its transform is asked for.
    if name == "ToInfrared":
        from ir_transfer.transforms.torchvision_transform import ToInfrared

        return ToInfrared
    if name == "AlbumentationsToInfrared":
        from ir_transfer.transforms.albumentations_transform import AlbumentationsToInfrared

        return AlbumentationsToInfrared
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
