"""Conditional instance normalisation: many looks in one network (Dumoulin, Shlens and Kudlur 2017)."""

from ir_transfer.models.info import ModelInfo

INFOS = (
    ModelInfo(
        name="cin",
        summary="many learned looks in one network, a scale and shift for every channel each; looks blend; fast",
        paper="Dumoulin, Shlens and Kudlur 2017, arXiv:1610.07629",
        target="ir_transfer.models.cin.model:CIN",
        tiling="overview",
        controls=("strength", "style-weights", "spatial", "looks"),
        weights=("cin-lwir", "cin-nir"),
    ),
)
