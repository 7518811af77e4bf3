"""Style swap: patch-wise nearest neighbours and an inverse network (Chen and Schmidt 2016)."""

from ir_transfer.models.info import ModelInfo

INFOS = (
    ModelInfo(
        name="style_swap",
        summary="content patches are replaced by the exemplar's most similar ones, statistics matched at other levels",
        paper="Chen and Schmidt 2016, arXiv:1612.04337",
        target="ir_transfer.models.style_swap.model:StyleSwap",
        tiling="overview",
        controls=("strength", "style-weights", "spatial"),
        weights=("style_swap-lwir", "style_swap-nir"),
    ),
)
