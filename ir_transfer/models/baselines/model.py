"""Baselines as models without weights; at strength 0 they return the luma."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from kornia.color import rgb_to_grayscale
from torch import Tensor

from ir_transfer.errors import InputError
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.capabilities import Tiles
from ir_transfer.models.info import ModelInfo, TileNeeds
from ir_transfer.nn.moments import Statistics
from ir_transfer.nn.quantiles import interpolate, middle_ranks, quantile_function

QUANTILES = 1024
"""Points of the stored quantile function; linear between them, so the values of a 16-bit output stay continuous."""

REFERENCE_SIDE = 512
"""Side in pixels to which Fourier domain adaptation resizes exemplars, so that ``beta`` has one meaning."""

_BYTES_PER_PIXEL = 64


class Baseline(TranslationModel):
    """A fixed function of the luma and the exemplar; ``strength`` blends from the luma."""

    def encode(self, exemplars: Tensor, white_hot: Tensor | None = None) -> Mapping[str, Tensor]:
        """Return an empty style for exemplars (B, 1, H, W); overridden by baselines that use them."""
        return {}

    @abstractmethod
    def stylise(self, gray: Tensor, style: Mapping[str, Tensor]) -> Tensor:
        """Return the image at full strength from the luma (B, 1, H, W)."""

    def translate(
        self, content: Tensor, style: Mapping[str, Tensor], strength: float | Tensor, statistics: Statistics | None
    ) -> Tensor:
        """Return (B, 1, H, W), blended from the luma (Rec. 601 weights on sRGB values) to the baseline's output."""
        gray = rgb_to_grayscale(content)
        share = strength[..., None, None] if isinstance(strength, Tensor) else strength
        return gray + share * (self.stylise(gray, style) - gray)


class Pointwise(Baseline, Tiles):
    """A baseline whose output pixels depend only on the same pixel of the RGB image."""

    @property
    def tile_needs(self) -> TileNeeds:
        """No margin; see the base class."""
        return TileNeeds(0, 0, 1, _BYTES_PER_PIXEL)


class Constant(Pointwise):
    """The exemplar's mean everywhere."""

    def encode(self, exemplars: Tensor, white_hot: Tensor | None = None) -> Mapping[str, Tensor]:
        """Return the mean (B, 1)."""
        return {"mean": exemplars.mean(dim=(2, 3))}

    def stylise(self, gray: Tensor, style: Mapping[str, Tensor]) -> Tensor:
        """Return the mean at every pixel (B, 1, H, W)."""
        return style["mean"].to(gray)[..., None, None].expand_as(gray)


class Gray(Pointwise):
    """The luma; the exemplar is not used."""

    def stylise(self, gray: Tensor, style: Mapping[str, Tensor]) -> Tensor:
        """Return the luma (B, 1, H, W)."""
        return gray


class Inverted(Pointwise):
    """One minus the luma; the exemplar is not used."""

    def stylise(self, gray: Tensor, style: Mapping[str, Tensor]) -> Tensor:
        """Return the negative (B, 1, H, W)."""
        return 1 - gray


class Histogram(Baseline):
    """Histogram matching: each value is replaced by the exemplar's value of the same rank.

    The style is the exemplar's quantile function, whose linear blend is the one-dimensional Wasserstein barycentre.
    """

    def encode(self, exemplars: Tensor, white_hot: Tensor | None = None) -> Mapping[str, Tensor]:
        """Return the quantile function at :data:`QUANTILES` ranks from 0 to 1 (B, QUANTILES)."""
        return {"quantiles": quantile_function(exemplars.flatten(1).float(), QUANTILES)}

    def stylise(self, gray: Tensor, style: Mapping[str, Tensor]) -> Tensor:
        """Replace each value of (B, 1, H, W) by the exemplar's at its rank; equal values stay equal (middle rank)."""
        flat = gray.flatten(1).float()
        ranks = middle_ranks(flat)
        quantiles = style["quantiles"].to(ranks).expand(len(flat), -1)
        return interpolate(quantiles, ranks).view_as(gray).to(gray.dtype)


class FourierDomainAdaptation(Baseline):
    """Low-frequency amplitudes of the exemplar under the phases of the luma (Yang and Soatto 2020, equation 3).

    Frequencies are counted in cycles per image, as if exemplar and content had been resized to one size.

    Args:
        info: Declaration of the model.
        beta: Half the side of the swapped window as a share of a 512-pixel side, in (0, 0.5): 0.01 swaps the 5
            lowest cycles each way, the paper's usual choice; larger values transfer the exemplar's layout as ghosting.

    Raises:
        InputError: ``beta`` is out of range.
    """

    def __init__(self, info: ModelInfo, beta: float = 0.01) -> None:
        if not 0 < beta < 0.5:
            raise InputError(f"expected beta in (0, 0.5), got {beta}")
        super().__init__(info, {"beta": beta})
        self.cycles = int(beta * REFERENCE_SIDE)

    def encode(self, exemplars: Tensor, white_hot: Tensor | None = None) -> Mapping[str, Tensor]:
        """Return the amplitudes of the lowest frequencies (B, 2 cycles + 1, cycles + 1)."""
        side = (REFERENCE_SIDE, REFERENCE_SIDE)
        resized = F.interpolate(exemplars.float(), side, mode="bilinear", antialias=True, align_corners=False)
        amplitudes = torch.fft.rfft2(resized[:, 0], norm="forward").abs()
        return {"amplitudes": _low_rows(amplitudes, self.cycles)[:, :, : self.cycles + 1]}

    def stylise(self, gray: Tensor, style: Mapping[str, Tensor]) -> Tensor:
        """Replace the amplitudes of the low frequencies of (B, 1, H, W), up to the highest that the image has."""
        height, width = gray.shape[-2:]
        spectrum = torch.fft.rfft2(gray[:, 0].float(), norm="forward")
        rows, columns = (min(self.cycles, (side - 1) // 2) for side in (height, width))
        amplitudes = _low_rows(style["amplitudes"].to(spectrum.device, torch.float32), rows)[:, :, : columns + 1]
        low = torch.polar(
            amplitudes.expand(len(gray), -1, -1).contiguous(), _low_rows(spectrum, rows)[:, :, : columns + 1].angle()
        )
        spectrum[:, : rows + 1, : columns + 1] = low[:, : rows + 1]
        if rows:
            spectrum[:, -rows:, : columns + 1] = low[:, -rows:]
        image: Tensor = torch.fft.irfft2(spectrum, s=(height, width), norm="forward")
        return image[:, None].to(gray.dtype).clamp(0, 1)


def _low_rows(spectrum: Tensor, cycles: int) -> Tensor:
    """Return the rows of frequency 0 to ``cycles`` and -``cycles`` to -1, in the order of the transform."""
    return torch.cat([spectrum[:, : cycles + 1], spectrum[:, spectrum.shape[1] - cycles :]], dim=1)
