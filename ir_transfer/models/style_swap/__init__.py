"""Style swap: patch-wise nearest neighbours and an inverse network (Chen and Schmidt 2016)."""

from ir_transfer.models.info import ModelInfo

INFOS = (
    ModelInfo(
        name="style_swap",
        summary="content features give way to the exemplar's most similar patches, at other levels to its statistics",
        paper="Chen and Schmidt 2016, arXiv:1612.04337",
        target="ir_transfer.models.style_swap.model:StyleSwap",
        tiling="overview",
        controls=("strength", "style-weights", "spatial"),
        weights=("style_swap-lwir", "style_swap-nir"),
    ),
)
