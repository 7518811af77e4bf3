from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ir_transfer.nn.thermal.tone import LARGEST_STRETCH, STEEPEST, Tone, apply_tone, deviation_of, knot_ranks, tone_of


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_ranks_are_symmetric_and_denser_in_the_tails() -> None:
    ranks = knot_ranks()
    assert len(ranks) == 33
    torch.testing.assert_close(ranks + ranks.flip(0), torch.ones(33))
    steps = ranks.diff()
    assert bool((steps > 0).all())
    assert steps[1] < steps[16]


def test_the_tone_is_that_of_the_values() -> None:
    image = normal(2, 1, 40, 50)
    tone = tone_of(image)
    for index in range(2):
        values = image[index].flatten()
        torch.testing.assert_close(tone.quantiles[index], torch.quantile(values, knot_ranks()), atol=1e-4, rtol=0)
        torch.testing.assert_close(tone.mean[index, 0], values.mean())
        torch.testing.assert_close(tone.deviation[index, 0], values.std(correction=0))


def test_a_large_image_is_sampled() -> None:
    image = normal(1, 1, 900, 1000)
    exact = torch.quantile(image.flatten(), knot_ranks())
    torch.testing.assert_close(tone_of(image).quantiles[0], exact, atol=0.2, rtol=0)
    assert (tone_of(image).quantiles[0] - exact)[2:-2].abs().max() < 0.03


def test_positions_that_do_not_count_are_left_out() -> None:
    image, weights = normal(2, 1, 40, 50), torch.zeros(1, 1, 40, 50)
    weights[..., :20, :] = 1
    weights[..., 20:30, :] = 0.4
    expected = tone_of(image[..., :20, :])
    spoilt = torch.where(weights > 0.5, image, 1000)
    for found, wanted in zip(tone_of(spoilt, weights), expected, strict=True):
        torch.testing.assert_close(found, wanted)
    assert tone_of(image, torch.zeros(1, 1, 40, 50)).mean.isfinite().all(), "nothing counts: all of it does"


def test_the_image_takes_the_wanted_tone() -> None:
    content = 3 * normal(1, 1, 120, 160).exp()
    exemplar = 0.2 + 0.6 * torch.rand(1, 1, 90, 100, generator=torch.Generator().manual_seed(1)) ** 2
    wanted = tone_of(exemplar)
    curve = (apply_tone(content, tone_of(content), wanted) - 0.3 * _plain(content, wanted)) / 0.7
    torch.testing.assert_close(tone_of(curve).quantiles, wanted.quantiles, atol=0.01, rtol=0)
    found = tone_of(apply_tone(content, tone_of(content), wanted))
    torch.testing.assert_close(found.mean, wanted.mean, atol=0.01, rtol=0)
    torch.testing.assert_close(found.deviation, wanted.deviation, atol=0, rtol=0.15)


def test_of_one_shape_of_distribution_all_of_the_tone_is_taken() -> None:
    content, exemplar = normal(1, 1, 200, 200), 0.5 + 0.1 * normal(1, 1, 200, 200, seed=1)
    own, wanted = tone_of(content), tone_of(exemplar)
    found = tone_of(apply_tone(content, own, wanted))
    torch.testing.assert_close(found.mean, wanted.mean, atol=1e-3, rtol=0)
    torch.testing.assert_close(found.deviation, wanted.deviation, atol=2e-3, rtol=0)
    torch.testing.assert_close(found.quantiles, wanted.quantiles, atol=0.02, rtol=0)


def _plain(image: Tensor, wanted: Tone) -> Tensor:
    mean, deviation = image.mean(), image.std(correction=0)
    return wanted.mean + wanted.deviation / deviation * (image - mean)


def test_brighter_stays_brighter_beyond_the_knots_too() -> None:
    content, wanted = normal(1, 1, 60, 60), tone_of(torch.rand(1, 1, 50, 50))
    line = torch.linspace(-10, 10, 2000).view(1, 1, 1, -1)
    found = apply_tone(line, tone_of(content), wanted).flatten()
    assert bool((found.diff() > 0).all())
    ends = found.diff()
    torch.testing.assert_close(ends[0], ends[100], rtol=1e-2, atol=0)
    torch.testing.assert_close(ends[-1], ends[-100], rtol=1e-2, atol=0)


def test_a_part_is_toned_like_the_whole_it_is_of() -> None:
    content, wanted = normal(2, 1, 40, 60), tone_of(torch.rand(1, 1, 30, 30))
    own = tone_of(content)
    whole = apply_tone(content, own, wanted)
    torch.testing.assert_close(apply_tone(content[..., 8:20, 16:32], own, wanted), whole[..., 8:20, 16:32])


def test_a_flat_image_takes_the_middle_of_the_wanted_tone() -> None:
    exemplar = torch.rand(1, 1, 50, 50) ** 3
    wanted = tone_of(exemplar)
    flat = torch.full((1, 1, 20, 20), 0.37)
    found = apply_tone(flat, tone_of(flat), wanted)
    expected = 0.7 * wanted.quantiles[0, 16] + 0.3 * wanted.mean[0, 0]
    torch.testing.assert_close(found, expected.expand_as(found), atol=1e-4, rtol=0)


def test_a_flat_exemplar_makes_a_flat_image() -> None:
    content, flat = normal(1, 1, 30, 30), torch.full((1, 1, 20, 20), 0.3)
    torch.testing.assert_close(apply_tone(content, tone_of(content), tone_of(flat)), torch.full_like(content, 0.3))


@pytest.mark.parametrize("kind", [torch.float64, torch.bfloat16])
def test_other_precisions(kind: torch.dtype) -> None:
    content, exemplar = normal(1, 1, 40, 40), torch.rand(1, 1, 40, 40)
    exact = apply_tone(content, tone_of(content), tone_of(exemplar))
    tone = tone_of(exemplar.to(kind))
    wide = torch.float64 if kind == torch.float64 else torch.float32
    assert tone.mean.dtype == wide
    content = content.to(wide)
    found = apply_tone(content, tone_of(content), tone)
    assert found.dtype == wide
    torch.testing.assert_close(found.float(), exact, atol=1e-5 if kind == torch.float64 else 0.01, rtol=0)


def test_the_share_of_the_curve_is_as_measured() -> None:
    """At a knot the result is 70% of the wanted quantile and 30% of the plain gain and offset."""
    content, wanted = normal(1, 1, 60, 60), tone_of(torch.rand(1, 1, 50, 50))
    own = tone_of(content)
    knots = own.quantiles[:, None, None]
    plain = wanted.mean + wanted.deviation / own.deviation * (own.quantiles - own.mean)
    found = apply_tone(knots, own, wanted)[:, 0, 0]
    assert math.isclose(float((found - (0.7 * wanted.quantiles + 0.3 * plain)).abs().max()), 0, abs_tol=2e-3)


def test_a_gap_in_the_exemplars_intensities_is_no_edge_in_the_image() -> None:
    """A twentieth of the exemplar is a black sky; the image has no such gap."""
    content = torch.linspace(-1, 1, 4000).view(1, 1, 1, -1)
    exemplar = 0.4 + 0.1 * torch.linspace(0, 1, 4000).view(1, 1, 1, -1)
    exemplar[..., :200] = 0
    own, wanted = tone_of(content), tone_of(exemplar)
    steps = apply_tone(content, own, wanted).diff()
    gain = wanted.deviation / own.deviation
    assert (steps / content.diff()).max() < (0.7 * STEEPEST * LARGEST_STRETCH + 0.3) * gain * 1.01
    assert bool((steps > 0).all())
    middle = apply_tone(content, own, wanted)[..., 2000]
    plain = wanted.mean + gain * (content[..., 2000] - own.mean)
    torch.testing.assert_close(middle, 0.3 * plain + 0.7 * exemplar[..., 2000][0], atol=1e-3, rtol=0)


def test_limited_slopes_hardly_lower_the_contrast() -> None:
    """A twentieth of the exemplar is dark: with limited slopes alone, the deviation would be 0.78 of the exemplar's."""
    content, exemplar = torch.linspace(-1, 1, 4000), 0.4 + 0.1 * torch.linspace(0, 1, 4000)
    exemplar[:200] = 0.3
    content, exemplar = content.view(1, 1, 1, -1), exemplar.view(1, 1, 1, -1)
    wanted = tone_of(exemplar)
    ratio = apply_tone(content, tone_of(content), wanted).std() / wanted.deviation
    assert 0.89 < ratio < 1.05


def test_deviation_of_quantiles() -> None:
    values = normal(1, 1, 300, 300)
    found = deviation_of(tone_of(values).quantiles[0])
    torch.testing.assert_close(found, values.std(), rtol=0.03, atol=0)
