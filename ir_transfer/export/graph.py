"""A compact model as a module with only tensor inputs, whose trace is valid for every image size.

Tone and detail use operations that all runtimes support: no loop over images, no ``searchsorted``. The factor
of the overview is a tensor of the graph.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from kornia.color import rgb_to_grayscale
from torch import Tensor, nn

from ir_transfer.errors import InputError
from ir_transfer.export.overview import (
    FactorTable,
    as_tensor,
    cells_of,
    factor_table,
    sizes_of,
    traced_encoder_image,
    traced_overview,
)
from ir_transfer.models.style_facts import POLARITY
from ir_transfer.models.thermal import GRAIN, ThermalModel
from ir_transfer.nn.polarity import apply_polarity
from ir_transfer.nn.thermal.detail import Detail, DetailMaps
from ir_transfer.nn.thermal.grain import add_grain
from ir_transfer.nn.thermal.guided import GuidedDetail, GuidedMaps
from ir_transfer.nn.thermal.haar_detail import HaarDetail, HaarMaps
from ir_transfer.nn.thermal.local_contrast import CELL, with_contrast_to
from ir_transfer.nn.thermal.tone import (
    CURVE_SHARE,
    KNOTS,
    LARGEST_STRETCH,
    LEAST_STEP,
    SAMPLE,
    STEEPEST,
    Tone,
    deviation_of,
    knot_ranks,
)
from ir_transfer.nn.thermal.windows import Window


def traced_render(detail: Detail, images: Tensor, maps: DetailMaps, factor: Tensor, largest_factor: int) -> Tensor:
    """Return the canonical image (1, 1, H, W) as :meth:`~ir_transfer.nn.thermal.detail.Detail.render` does.

    Args:
        detail: Network of either kind.
        images: The whole RGB image (1, 3, H, W).
        maps: From its overview.
        factor: Side in pixels that a pixel of the overview covers, an integer tensor ().
        largest_factor: Largest factor that the graph supports.

    Raises:
        InputError: Another kind of detail.
    """
    if isinstance(detail, GuidedDetail) and isinstance(maps, GuidedMaps):
        return _guided(detail, images, maps, factor)
    if isinstance(detail, HaarDetail) and isinstance(maps, HaarMaps):
        return _haar(detail, images, maps, factor, largest_factor)
    raise InputError(f"expected guided or wavelet detail to export, got {type(detail).__name__}")


def upper(maps: DetailMaps, rows: Tensor) -> DetailMaps:
    """Return the part of the maps for the given number of upper rows of the overview, a scalar."""
    assert isinstance(maps, GuidedMaps | HaarMaps)
    fine, coarse = (cells_of(rows, side) for side in (CELL, 2 * CELL))
    kept = (maps.luma, maps.thermal, maps.fit, maps.guides)
    luma, thermal, fit, guides = (values[..., :fine, :] for values in kept)
    if isinstance(maps, GuidedMaps):
        detail = maps.detail[..., :coarse, :]
        return maps._replace(luma=luma, thermal=thermal, fit=fit, guides=guides, detail=detail)
    return maps._replace(luma=luma, thermal=thermal, fit=fit, guides=guides, gates=maps.gates[..., :coarse, :])


def _guided(detail: GuidedDetail, images: Tensor, maps: GuidedMaps, factor: Tensor) -> Tensor:
    guides = detail.guide(_with_contrast(images, maps, factor))
    guides = guides - enlarged(maps.guides, CELL * factor, *sizes_of(images))
    coefficients = enlarged(maps.detail, 2 * CELL * factor, *sizes_of(images))
    return _smooth(images, maps, factor) + _channel_sum(coefficients * guides)


def _smooth(images: Tensor, maps: GuidedMaps | HaarMaps, factor: Tensor) -> Tensor:
    slopes, offset = _enlarged_parts(maps.fit, [3, 1], images, factor)
    return _channel_sum(slopes * images) + offset


def _channel_sum(values: Tensor) -> Tensor:
    """Return the sum (1, 1, h, w) over channels; OpenVINO takes 4 to 8 times as long for a reduction."""
    first, *others = values.chunk(int(values.shape[1]), dim=1)
    for other in others:
        first = first + other
    return first


def _with_contrast(images: Tensor, maps: GuidedMaps | HaarMaps, factor: Tensor) -> Tensor:
    mean, deviation = _enlarged_parts(maps.luma, [1, 1], images, factor)
    return with_contrast_to(images, mean, deviation)


def _enlarged_parts(maps: Tensor, widths: list[int], images: Tensor, factor: Tensor) -> list[Tensor]:
    # Split before enlarging, since the runtimes copy the parts of a tensor.
    return [enlarged(part, CELL * factor, *sizes_of(images)) for part in torch.split(maps, widths, dim=1)]


def enlarged(maps: Tensor, side: Tensor, height: Tensor, width: Tensor) -> Tensor:
    """Return maps (1, C, h, w), one value for each cell of a side, interpolated at (1, C, height, width) positions.

    Positions beyond the maps take the value at their border. The interpolation is a product with a matrix for each
    axis: 4 to 15 times as fast in OpenVINO as its own interpolation.
    """
    rows, columns = (_weights(n, cells, side) for n, cells in zip((height, width), sizes_of(maps), strict=True))
    return rows @ (maps @ columns.T)


def _weights(size: Tensor, cells: Tensor, side: Tensor) -> Tensor:
    """Return the weights (size, cells) of linear interpolation between the centres of cells."""
    last = (cells - 1).to(torch.float32)
    centres = torch.arange(size, dtype=torch.float32) + 0.5  # type: ignore[call-overload]
    places = torch.minimum((centres / side - 0.5).clamp(min=0), last)
    distances = places[:, None] - torch.arange(cells, dtype=torch.float32)  # type: ignore[call-overload]
    weights: Tensor = (1 - distances.abs()).clamp(min=0)
    return weights


def _haar(detail: HaarDetail, images: Tensor, maps: HaarMaps, factor: Tensor, largest_factor: int) -> Tensor:
    """Build the pyramid of the largest factor; gates of the strides beyond an image's own are 0."""
    height, width = sizes_of(images)
    largest = CELL * largest_factor
    bottom, right = (cells_of(size, largest) * largest - size for size in (height, width))
    guides = detail.guide(_with_contrast(images, maps, factor)) - enlarged(maps.guides, CELL * factor, height, width)
    guides = F.pad(guides, (0, right, 0, bottom), mode="replicate")  # type: ignore[arg-type]
    made = _pyramid(guides, maps, factor, 2, largest)
    return _smooth(images, maps, factor) + made[..., :height, :width]


def _pyramid(guides: Tensor, maps: HaarMaps, factor: Tensor, stride: int, largest: int) -> Tensor:
    low, *bands = _split(guides)
    height, width = sizes_of(low)
    gates = _gates(maps, factor, stride, height, width)
    parts = zip(gates.chunk(len(bands), dim=1), bands, strict=True)
    made = [_channel_sum(gate * band) for gate, band in parts]
    lower = torch.zeros_like(made[0]) if stride == largest else _pyramid(low, maps, factor, 2 * stride, largest)
    mean = torch.stack(gates.chunk(len(bands), dim=1)).mean(0) * (CELL * factor == stride).to(gates)
    return _merge(lower + _channel_sum(mean * low), *made)


def _gates(maps: HaarMaps, factor: Tensor, stride: int, height: Tensor, width: Tensor) -> Tensor:
    """Return gates (1, 3 K, height, width) for bands at a stride: those of its kind, 0 beyond the coarse ones."""
    side = torch.div(2 * CELL * factor, stride, rounding_mode="floor").clamp(min=1)
    fine, coarse = enlarged(maps.gates, side, height, width).chunk(2, dim=1)
    is_fine, is_coarse = (CELL * factor > stride).to(fine), (CELL * factor == stride).to(fine)
    return fine * is_fine + coarse * is_coarse


def _split(values: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return LL, LH, HL and HH of values (1, C, h, w) with even sides; see :func:`ir_transfer.nn.haar.pool`."""
    top, bottom = values[..., 0::2, :] * 0.5, values[..., 1::2, :] * 0.5
    low, high = top + bottom, bottom - top
    left, right = low[..., 0::2], low[..., 1::2]
    left_high, right_high = high[..., 0::2], high[..., 1::2]
    return left + right, right - left, left_high + right_high, right_high - left_high


def _merge(ll: Tensor, lh: Tensor, hl: Tensor, hh: Tensor) -> Tensor:
    """Invert :func:`_split`; the four phases are interleaved by a shuffle of channels."""
    left, right = ll - lh, ll + lh
    left_high, right_high = hl - hh, hl + hh
    phases = torch.cat([left - left_high, right - right_high, left + left_high, right + right_high], dim=1)
    return F.pixel_shuffle(0.5 * phases, 2)


def traced_sample(images: Tensor, height: Tensor, width: Tensor) -> Tensor:
    """Return the values (N,) at the grid positions that :func:`~ir_transfer.nn.thermal.tone.tone_of` uses.

    Args:
        images: The upper rows (1, 1, h, W) of an image, or all of them.
        height: Height of the whole image, an integer tensor ().
        width: Width of the whole image, an integer tensor ().
    """
    step = torch.div(height * width, SAMPLE, rounding_mode="floor").to(torch.float32).sqrt().floor().to(torch.int64)
    step = step.clamp(min=1)
    start = torch.div(step, 2, rounding_mode="floor")
    rows, columns = (torch.arange(start, size, step) for size in sizes_of(images))  # type: ignore[call-overload]
    return images[0, 0].index_select(0, rows).index_select(1, columns).flatten()


def traced_tone_of(values: Tensor) -> Tone:
    """Return the tone of values (N,)."""
    ordered = values.sort().values
    last = as_tensor(values.shape[0]) - 1
    place = knot_ranks() * last.to(torch.float32)
    lower = place.floor()
    upper = torch.minimum(lower.to(torch.int64) + 1, last)
    below, above = ordered.index_select(0, lower.to(torch.int64)), ordered.index_select(0, upper)
    quantiles = below + (above - below) * (place - lower)
    mean = values.mean()
    deviation = (values - mean).square().mean().sqrt()
    return Tone(quantiles[None], mean[None, None], deviation[None, None])


def traced_apply_tone(images: Tensor, own: Tone, wanted: Tone) -> Tensor:
    """Return the same as :func:`ir_transfer.nn.thermal.tone.apply_tone`, for one image (1, 1, H, W)."""
    gain = wanted.deviation / own.deviation.clamp(min=LEAST_STEP)
    plain = wanted.mean + gain * (images - own.mean)
    curve = _curve(images, own.quantiles[0], wanted.quantiles[0], STEEPEST * gain[0])
    return plain + (curve - plain) * CURVE_SHARE


def _curve(images: Tensor, source: Tensor, target: Tensor, steepest: Tensor) -> Tensor:
    steps = (torch.arange(KNOTS, dtype=torch.float32) - KNOTS // 2) * LEAST_STEP
    # Sorting changes nothing, nor would the running maximum of apply_tone. Without it, the compiler of OpenVINO crashes
    # for int8 graphs of fixed size, since it takes the sum for a zero point of the indexed values.
    source = (source + steps).sort().values
    widths = source[1:] - source[:-1]
    slopes = torch.minimum((target[1:] - target[:-1]) / widths, steepest)
    # Sums by a matrix: OpenVINO takes minutes to compile a graph of fixed size with a cumulative sum.
    rises = torch.ones(KNOTS, KNOTS - 1).tril(-1) @ (slopes * widths)
    stretch = (deviation_of(target) / deviation_of(rises).clamp(min=LEAST_STEP)).clamp(1, LARGEST_STRETCH)
    slopes, rises = stretch * slopes, stretch * rises
    values = rises + target[KNOTS // 2] - rises[KNOTS // 2]
    place = torch.zeros_like(images, dtype=torch.int64)
    stride = (KNOTS - 1) // 2
    while stride:  # binary search for the last knot below each value
        place = place + stride * (source[place + stride] < images).to(torch.int64)
        stride //= 2
    return values[place] + slopes[place] * (images - source[place])


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
        seen, scale = traced_encoder_image(overview)
        maps, _ = self.model.maps(overview, self.model.encoder(seen), wanted, scale=scale)
        canonical = traced_render(self.model.detail, image, maps, factor, self.table.factors[-1])
        tone = Tone(wanted["tone.quantiles"], wanted["tone.mean"], wanted["tone.deviation"])
        toned = traced_apply_tone(canonical, self._own_tone(canonical, overview, maps, factor), tone)
        translated = add_grain(toned, wanted[GRAIN], Window.whole(*sizes_of(image)))  # type: ignore[arg-type]  # tensors
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
