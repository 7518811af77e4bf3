"""Histograms of styles and results as inline SVG, which needs no script, font or further file."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ir_transfer.conversion.styles.catalog import NamedStyle, SavedStyle, exemplar_files
from ir_transfer.conversion.styles.choose import StyleChoice, choose_styles
from ir_transfer.conversion.styles.exemplar import read_exemplar
from ir_transfer.imaging.exemplars.range import AskedRange
from ir_transfer.imaging.image_io import read_image
from ir_transfer.models.style_code import StyleCode

BINS = 64
_QUANTILES = "tone.quantiles"
_WIDTH, _HEIGHT = 320, 88


@dataclass(frozen=True)
class Histogram:
    """Fractions of the pixels by intensity.

    Attributes:
        title: Caption.
        shares: (BINS,), sum 1; None if the style stores no distribution.
    """

    title: str
    shares: NDArray[np.float64] | None


def of_intensity(title: str, intensity: NDArray[np.float32]) -> Histogram:
    """Return the histogram of intensities in [0, 1], of any shape."""
    counts, _ = np.histogram(intensity, BINS, (0.0, 1.0))
    return Histogram(title, counts / max(intensity.size, 1))


def of_result(path: Path) -> Histogram:
    """Return the histogram of a result.

    Raises:
        DecodeError: The file cannot be read.
    """
    return of_intensity(f"result {path.name}", read_image(path).gray())


def of_styles(styles: Sequence[str], model: str | None, asked: AskedRange) -> list[Histogram]:
    """Return the histogram of each style: from the pixels of an exemplar file or the stored quantiles of a preset.

    Raises:
        IrTransferError: A style that cannot be read.
    """
    choice: StyleChoice = choose_styles(styles, model=model)
    found = []
    for text, style in zip(styles, choice.styles, strict=True):
        if files := exemplar_files(style):
            intensities = [read_exemplar(path, asked_range=asked).ravel() for path in files]
            found.append(of_intensity(f"exemplar {Path(text).name}", np.concatenate(intensities)))
        elif isinstance(style, SavedStyle):
            quantiles = StyleCode.load(style.path).tensors.get(_QUANTILES)
            shares = None if quantiles is None else _shares(quantiles[0].double().numpy())
            found.append(Histogram(f"style {text}", shares))
        elif isinstance(style, NamedStyle):
            found.append(Histogram(f"style {text}", None))
    return found


def _shares(quantiles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the fractions (BINS,) of values (n,) at equally spaced ranks."""
    ranks = np.linspace(0, 1, len(quantiles))
    # strictly increasing, since np.interp is not defined for equal values
    values = np.maximum.accumulate(quantiles) + np.arange(len(quantiles)) * 1e-9
    below = np.interp(np.linspace(0, 1, BINS + 1), values, ranks, left=0.0, right=1.0)
    below[0], below[-1] = 0.0, 1.0
    return np.diff(below)


def draw(histograms: Sequence[Histogram]) -> str:
    """Return the histograms as HTML."""
    return f"<div class='ir-histograms'>{''.join(map(_figure, histograms))}</div>"


def _figure(histogram: Histogram) -> str:
    title = html.escape(histogram.title)
    if histogram.shares is None:
        return f"<figure><p>the styles of this model store no distribution</p><figcaption>{title}</figcaption></figure>"
    peak = float(np.sort(histogram.shares)[-3])  # without the two largest: saturated bins would flatten the others
    scale = _HEIGHT / max(peak, 1e-6)
    step = _WIDTH / BINS
    bars = "".join(
        f"<rect x='{i * step:.2f}' y='{_HEIGHT - height:.2f}' width='{step + 0.05:.2f}' height='{height:.2f}'/>"
        for i, share in enumerate(histogram.shares)
        if (height := min(float(share) * scale, _HEIGHT)) > 0
    )
    return (
        f"<figure><svg viewBox='0 0 {_WIDTH} {_HEIGHT}' preserveAspectRatio='none' role='img' "
        f"aria-label='histogram of {title}'>{bars}</svg><div class='ir-scale'></div>"
        f"<figcaption>{title}</figcaption></figure>"
    )
