"""Style swap: patch-wise nearest neighbours and an inverse network (Chen and Schmidt 2016)."""

from ir_transfer.models.info import ModelInfo

INFOS = (
    ModelInfo(
        name="style_swap",
        summary="builds the picture's features of the exemplar's own patches; textures as they are, slower",
        paper="Chen and Schmidt 2016, arXiv:1612.04337",
        target="ir_transfer.models.style_swap.model:StyleSwap",
        controls=("strength", "style-weights", "spatial"),
        weights=("style_swap-lwir", "style_swap-nir"),
    ),
)
