"""WCT2: photorealistic style transfer through wavelets, whitening and colouring (Yoo et al. 2019)."""

from ir_transfer.models.info import ModelInfo

INFOS = (
    ModelInfo(
        name="wct2",
        summary="covariances of the exemplar at every level of the neck, detail through gated Haar bands",
        paper="Yoo, Uh, Chun, Kang and Ha 2019, arXiv:1903.09760",
        target="ir_transfer.models.wct2.model:WCT2",
        tiling="overview",
        controls=("strength", "style-weights", "masks", "spatial"),
        weights=("wct2-lwir", "wct2-nir"),
    ),
)
