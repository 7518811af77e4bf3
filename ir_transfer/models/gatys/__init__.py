"""Gatys: the image itself is optimised, to match the features of content and exemplar (Gatys et al. 2016)."""

from ir_transfer.models.info import ModelInfo

INFOS = (
    ModelInfo(
        name="gatys",
        summary="the image itself is optimised with L-BFGS on Gram matrices, from AdaIN's result; slow",
        paper="Gatys et al. 2016, arXiv:1508.06576",
        target="ir_transfer.models.gatys.model:Gatys",
        size_multiple=16,  # rows outside of the pooling windows would fill with noise
        controls=("strength", "style-weights", "spatial"),
        weights=("adain-lwir", "adain-nir"),  # of the initial image
        iterative=True,
    ),
)
