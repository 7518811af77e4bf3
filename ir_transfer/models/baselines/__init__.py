"""Baselines: translations without training, with which all results are compared."""

from __future__ import annotations

from ir_transfer.models.info import ModelInfo, Tiling

_MODULE = "ir_transfer.models.baselines.model"


def _baseline(name: str, summary: str, cls: str, paper: str = "", tiling: Tiling = "none") -> ModelInfo:
    target = f"{_MODULE}:{cls}"
    return ModelInfo(name=name, summary=summary, paper=paper, target=target, needs_weights=False, tiling=tiling)


INFOS = (
    _baseline("constant", "the exemplar's mean everywhere, which PSNR and SSIM favour", "Constant", tiling="pointwise"),
    _baseline(
        "gray", "the RGB image's luma (Rec. 601): the baseline to beat for detectors", "Gray", tiling="pointwise"
    ),
    _baseline("inverted", "one minus the luma", "Inverted", tiling="pointwise"),
    _baseline("histogram", "the luma matched to the exemplar's histogram", "Histogram"),
    _baseline(
        "fda",
        "the luma with the exemplar's low-frequency amplitudes (Fourier domain adaptation)",
        "FourierDomainAdaptation",
        "Yang and Soatto 2020, arXiv:2004.05498",
    ),
)
