"""Trivial translations that every result is read against: a method that loses to one of these has learned little."""

from __future__ import annotations

from ir_transfer.models.info import ModelInfo

_MODULE = "ir_transfer.models.baselines.model"


def _baseline(name: str, summary: str, cls: str, paper: str = "") -> ModelInfo:
    return ModelInfo(name=name, summary=summary, paper=paper, target=f"{_MODULE}:{cls}", needs_weights=False)


INFOS = (
    _baseline("constant", "the exemplar's mean everywhere: what PSNR and SSIM reward most", "Constant"),
    _baseline("gray", "the photograph's luma (Rec. 601): the baseline to beat for detectors", "Gray"),
    _baseline("inverted", "one minus the luma", "Inverted"),
    _baseline("histogram", "the luma matched to the exemplar's histogram", "Histogram"),
    _baseline(
        "fda",
        "the luma with the exemplar's low-frequency amplitudes (Fourier domain adaptation)",
        "FourierDomainAdaptation",
        "Yang and Soatto 2020, arXiv:2004.05498",
    ),
)
