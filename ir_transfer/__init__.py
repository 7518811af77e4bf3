"""ir-transfer: converts RGB images to infrared images of the same size, in the style of infrared exemplars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ir_transfer.models.registry import create_model, list_models, model_info

if TYPE_CHECKING:
    from ir_transfer.models.base import TranslationModel
    from ir_transfer.models.spatial import SpatialStyle
    from ir_transfer.models.style_code import StyleCode

__version__ = "0.1.0"
__all__ = [
    "SpatialStyle",
    "StyleCode",
    "TranslationModel",
    "__version__",
    "create_model",
    "list_models",
    "model_info",
]


def __getattr__(name: str) -> object:
    # torch takes two seconds to import, so names that need it are imported on first use.
    if name == "StyleCode":
        from ir_transfer.models.style_code import StyleCode

        return StyleCode
    if name == "SpatialStyle":
        from ir_transfer.models.spatial import SpatialStyle

        return SpatialStyle
    if name == "TranslationModel":
        from ir_transfer.models.base import TranslationModel

        return TranslationModel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
