"""Conditional instance normalisation: many styles in one network (Dumoulin, Shlens and Kudlur 2017)."""

from ir_transfer.models.info import ModelInfo

INFOS = (
    ModelInfo(
        name="cin",
        summary="many learned styles in one network, each a scale and shift per channel; styles blend; fast",
        paper="Dumoulin, Shlens and Kudlur 2017, arXiv:1610.07629",
        target="ir_transfer.models.cin.model:CIN",
        tiling="overview",
        controls=("strength", "style-weights", "spatial", "looks"),
        weights=("cin-lwir", "cin-nir"),
    ),
)
