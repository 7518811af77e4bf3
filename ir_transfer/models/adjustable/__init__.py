"""Adjustable real-time style transfer: the weight of every loss layer is a slider (Babaeizadeh and Ghiasi 2020)."""

from ir_transfer.models.info import ModelInfo

INFOS = (
    ModelInfo(
        name="adjustable",
        summary="statistics of the exemplar and a slider for every layer of the loss; styles vary without training",
        paper="Babaeizadeh and Ghiasi 2020, arXiv:1811.08560",
        target="ir_transfer.models.adjustable.model:Adjustable",
        tiling="overview",
        controls=("strength", "style-weights", "spatial", "layer-weights"),
        weights=("adjustable-lwir", "adjustable-nir"),
    ),
)
