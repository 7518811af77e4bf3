"""Fast style transfer: one feed-forward network per style (Johnson, Alahi and Fei-Fei 2016)."""

from ir_transfer.models.info import ModelInfo

INFOS = (
    ModelInfo(
        name="johnson",
        summary="one style per network, a learned scale and shift for every channel; takes no exemplar; fast",
        paper="Johnson, Alahi and Fei-Fei 2016, arXiv:1603.08155; Ulyanov et al. 2016, arXiv:1607.08022",
        target="ir_transfer.models.johnson.model:Johnson",
        tiling="overview",
        controls=("strength", "looks"),
        weights=("johnson-lwir", "johnson-nir"),
    ),
)
