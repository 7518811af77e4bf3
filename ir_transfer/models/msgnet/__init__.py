"""MSG-Net: second-order statistics by a CoMatch layer, with a brush size (Zhang and Dana 2017)."""

from ir_transfer.models.info import ModelInfo

INFOS = (
    ModelInfo(
        name="msgnet",
        summary="Gram matrices of the exemplar matched by a learned layer; the exemplar's size sets the brush size",
        paper="Zhang and Dana 2017, arXiv:1703.06953",
        target="ir_transfer.models.msgnet.model:MSGNet",
        tiling="overview",
        controls=("strength", "style-weights", "spatial"),
        weights=("msgnet-lwir", "msgnet-nir"),
    ),
)
