"""Adjustable real-time style transfer: the weight of every loss layer is a slider (Babaeizadeh and Ghiasi 2020)."""

from ir_transfer.models.info import ModelInfo

INFOS = (
    ModelInfo(
        name="adjustable",
        summary="a feed-forward network with a slider for every layer of its loss; looks vary without training",
        paper="Babaeizadeh and Ghiasi 2020, arXiv:1811.08560",
        target="ir_transfer.models.adjustable.model:Adjustable",
        controls=("strength", "style-weights", "spatial", "layer-weights"),
        weights=("adjustable-lwir", "adjustable-nir"),
    ),
)
