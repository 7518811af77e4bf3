"""Guided filter: linear maps are found again, edges are those of the full-size image, flat images give the mean."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ir_transfer.nn.thermal.guided_filter import fit_to_overview, fitted


def test_a_linear_function_of_the_rgb_image_is_found() -> None:
    torch.manual_seed(0)
    # Larger squares than cells would leave too few colours in a window at the border.
    image = F.interpolate(torch.rand(1, 3, 16, 20), (64, 80), mode="nearest")
    weights = torch.tensor([0.5, -1.0, 0.25])
    expected = (image * weights[:, None, None]).sum(1, keepdim=True) + 0.3
    fit = fit_to_overview(F.avg_pool2d(expected, 4), image)
    assert fit.shape == (1, 4, 16, 20)
    torch.testing.assert_close(fit[0, :3].mean((1, 2)), weights, atol=0.03, rtol=0)
    full = F.interpolate(fit, scale_factor=4, mode="bilinear")
    torch.testing.assert_close(fitted(full, image), expected, atol=0.03, rtol=0)


def test_an_edge_is_where_the_rgb_image_has_it() -> None:
    """The map only knows the edge to a cell of 4 pixels; the result has it at column 30."""
    image = torch.full((1, 3, 64, 64), 0.2)
    image[..., 30:] = 0.8
    thermal = F.avg_pool2d(-image[:, :1], 4)
    result = fitted(F.interpolate(fit_to_overview(thermal, image), scale_factor=4, mode="bilinear"), image)
    step = (result[..., 1:] - result[..., :-1])[0, 0, 32]
    assert step.abs().argmax() == 29
    assert step[29] < -0.55
    assert step[:29].abs().max() < 0.05


def test_a_flat_rgb_image_gives_a_smooth_map() -> None:
    thermal = torch.randn(1, 1, 16, 16)
    fit = fit_to_overview(thermal, torch.full((1, 3, 64, 64), 0.5))
    assert fit[:, :3].abs().max() < 1e-3
    smooth = F.avg_pool2d(thermal, 7, 1, 3, count_include_pad=False)
    expected = F.avg_pool2d(smooth, 5, 1, 2, count_include_pad=False)
    torch.testing.assert_close(fitted(fit, torch.full((1, 3, 16, 16), 0.5)), expected, atol=1e-4, rtol=0)
