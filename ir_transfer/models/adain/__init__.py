"""AdaIN: arbitrary style transfer by channel statistics (Huang and Belongie 2017)."""

from ir_transfer.models.info import ModelInfo

INFOS = (
    ModelInfo(
        name="adain",
        summary="channel statistics of the exemplar at every level of a neck over content features; fast",
        paper="Huang and Belongie 2017, arXiv:1703.06868",
        target="ir_transfer.models.adain.model:AdaIN",
        tiling="overview",
        controls=("strength", "style-weights", "spatial"),
        weights=("adain-lwir", "adain-nir"),
    ),
)
