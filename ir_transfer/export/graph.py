"""A compact model as a module with only tensor inputs, whose trace is valid for every image size."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from kornia.color import rgb_to_grayscale
from torch import Tensor, nn

from ir_transfer.export.detail import traced_render, upper
from ir_transfer.export.overview import FactorTable, as_tensor, factor_table, sizes_of, traced_overview
from ir_transfer.export.tone import traced_apply_tone, traced_sample, traced_tone_of
from ir_transfer.models.style_facts import POLARITY
from ir_transfer.models.thermal import ThermalModel
from ir_transfer.nn.polarity import apply_polarity
from ir_transfer.nn.thermal.detail import DetailMaps
from ir_transfer.nn.thermal.tone import Tone

LARGEST_IMAGE = 2**28
"""Number of pixels up to which the overview factor is tabulated."""

_FEW_ROWS = 16


class TracedGraph(nn.Module):
    """Computes the same as :class:`~ir_transfer.models.thermal.ThermalModel` for one image, without branches.

    Args:
        model: Model in evaluation mode, on the CPU, in float32.
        names: Names of the style tensors, in the order of the inputs.
        baked: Style tensors to store in the graph; None makes them inputs.
    """

    def __init__(self, model: ThermalModel, names: tuple[str, ...], baked: Mapping[str, Tensor] | None = None) -> None:
        super().__init__()
        self.model = model
        self.names = names
        self.baked = None if baked is None else {name: tensor.clone() for name, tensor in baked.items()}
        self.table: FactorTable = factor_table(lambda pixels: model.overview_factor(1, pixels), LARGEST_IMAGE)

    def forward(self, image: Tensor, strength: Tensor, *style: Tensor) -> Tensor:
        """Return apparent intensity (1, 1, H, W) in [0, 1].

        Args:
            image: sRGB (1, 3, H, W) in [0, 1], sides of at least 16 pixels.
            strength: (1,) in [0, 1].
            *style: Tensors in the order of ``names``; none if they are stored in the graph.
        """
        wanted = dict(zip(self.names, style, strict=True)) if self.baked is None else self.baked
        factor = self.table.factor(*sizes_of(image))
        overview = traced_overview(image, factor)
        maps, _ = self.model.maps(overview, self.model.encoder(overview), wanted)
        canonical = traced_render(self.model.detail, image, maps, factor, self.table.factors[-1])
        tone = Tone(wanted["tone.quantiles"], wanted["tone.mean"], wanted["tone.deviation"])
        translated = traced_apply_tone(canonical, self._own_tone(canonical, overview, maps, factor), tone)
        gray = rgb_to_grayscale(image)
        blended = gray + (translated - gray) * strength
        return apply_polarity(blended, wanted[POLARITY]).clamp(0, 1)

    def _own_tone(self, canonical: Tensor, overview: Tensor, maps: DetailMaps, factor: Tensor) -> Tone:
        """Return the tone of the canonical overview.

        At factor 1 the overview is the image, whose canonical image is already rendered. A trace has no branches, so
        both the overview and the image are processed, with the unused one cut to a few rows, and then selected.
        """
        height, width = sizes_of(overview)
        same = factor == 1
        few = torch.tensor(_FEW_ROWS)
        rows = torch.where(same, torch.minimum(height, few), height)
        part = traced_render(self.model.detail, overview[..., :rows, :], upper(maps, rows), torch.ones_like(factor), 1)
        there = torch.where(same, height, few)
        reduced = traced_sample(part, height, width)
        whole = traced_sample(canonical[..., :there, :], height, width)
        first, both = as_tensor(reduced.shape[0]), torch.cat([reduced, whole])
        start = torch.where(same, first, torch.zeros_like(first))
        end = torch.where(same, as_tensor(both.shape[0]), first)
        return traced_tone_of(both[start:end])
