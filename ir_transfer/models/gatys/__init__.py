"""Gatys: the image itself is optimised, until its features are those that are asked for (Gatys et al. 2016)."""

from ir_transfer.models.info import ModelInfo

INFOS = (
    ModelInfo(
        name="gatys",
        summary="the image itself is optimised with L-BFGS on Gram matrices, from AdaIN's result; slow",
        paper="Gatys et al. 2016, arXiv:1508.06576",
        target="ir_transfer.models.gatys.model:Gatys",
        size_multiple=16,  # a row that no pooling sees would fill with noise
        controls=("strength", "style-weights", "spatial"),
        weights=("adain-lwir", "adain-nir"),  # where the search starts
        iterative=True,
    ),
)
