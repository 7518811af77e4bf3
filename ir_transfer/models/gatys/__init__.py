"""Gatys: the picture itself is optimised, until its VGG features are those that are asked for (Gatys et al. 2016)."""

from ir_transfer.models.info import ModelInfo

INFOS = (
    ModelInfo(
        name="gatys",
        summary="the picture itself is optimised with L-BFGS on Gram matrices of a VGG; slow, all others' reference",
        paper="Gatys et al. 2016, arXiv:1508.06576",
        target="ir_transfer.models.gatys.model:Gatys",
        size_multiple=16,  # a row that no pooling sees would fill with noise
        controls=("strength", "style-weights", "spatial"),
        weights=("gatys-features",),
        iterative=True,
    ),
)
