"""Guided filter: linear maps are found again, edges are those of the full-size image, flat images give the mean."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ir_transfer.nn.box_mean import box_mean
from ir_transfer.nn.thermal.guided_filter import fit_to_overview, fitted

NOTHING = torch.zeros(1, 1, 1, 1)


def test_a_linear_function_of_the_rgb_image_is_found() -> None:
    torch.manual_seed(0)
    # Larger squares than cells would leave too few colours in a window at the border.
    image = F.interpolate(torch.rand(1, 3, 16, 20), (64, 80), mode="nearest")
    weights = torch.tensor([0.5, -1.0, 0.25])
    expected = (image * weights[:, None, None]).sum(1, keepdim=True) + 0.3
    fit = fit_to_overview(F.avg_pool2d(expected, 4), image, NOTHING)
    assert fit.shape == (1, 4, 16, 20)
    torch.testing.assert_close(fit[0, :3].mean((1, 2)), weights, atol=0.03, rtol=0)
    full = F.interpolate(fit, scale_factor=4, mode="bilinear")
    torch.testing.assert_close(fitted(full, image), expected, atol=0.03, rtol=0)


def test_an_edge_is_where_the_rgb_image_has_it() -> None:
    """The map only knows the edge to a cell of 4 pixels; the result has it at column 30."""
    image = torch.full((1, 3, 64, 64), 0.2)
    image[..., 30:] = 0.8
    thermal = F.avg_pool2d(-image[:, :1], 4)
    result = fitted(F.interpolate(fit_to_overview(thermal, image, NOTHING), scale_factor=4, mode="bilinear"), image)
    step = (result[..., 1:] - result[..., :-1])[0, 0, 32]
    assert step.abs().argmax() == 29
    assert step[29] < -0.55
    assert step[:29].abs().max() < 0.05


def test_a_flat_rgb_image_gives_a_smooth_map() -> None:
    thermal = torch.randn(1, 1, 16, 16)
    fit = fit_to_overview(thermal, torch.full((1, 3, 64, 64), 0.5), NOTHING)
    assert fit[:, :3].abs().max() < 1e-3
    smooth = box_mean(box_mean(thermal, 21), 11)
    expected = smooth + box_mean(box_mean(0.5 * (thermal - smooth), 5), 3)
    torch.testing.assert_close(fitted(fit, torch.full((1, 3, 16, 16), 0.5)), expected, atol=1e-4, rtol=0)


def warm_spot() -> tuple[torch.Tensor, torch.Tensor]:
    """Return a map with a warm spot of 6 x 6 cells, and an RGB image of stripes that does not show it."""
    thermal = torch.zeros(1, 1, 48, 48)
    thermal[..., 20:26, 20:26] = 2
    image = torch.tensor([0.3, 0.3, 0.5, 0.5]).repeat(48).expand(1, 3, 192, 192)
    return thermal, image


def test_heat_that_the_image_does_not_show_stays_where_there_are_objects_and_half_elsewhere() -> None:
    thermal, image = warm_spot()
    objects = (thermal > 0).float()
    cells = F.avg_pool2d(image, 4)
    blotch, person = (
        fitted(fit_to_overview(thermal, image, where), cells)[..., 22:24, 22:24].mean()
        for where in (0 * objects, objects)
    )
    assert 0.6 < blotch < 1
    assert person > 1.6


def test_dark_areas_have_edges_too() -> None:
    """The same scene at a tenth of the exposure has nearly the same edge."""
    image = torch.full((1, 3, 192, 192), 0.3)
    image[..., 98:] = 0.6
    thermal = F.avg_pool2d(image[:, :1], 4)
    thermal = (thermal - thermal.mean()) / thermal.std()
    bright, dark = (
        fitted(F.interpolate(fit_to_overview(thermal, pixels, NOTHING), scale_factor=4, mode="bilinear"), pixels)
        for pixels in (image, image / 10)
    )
    steps = [result[0, 0, 96, 98] - result[0, 0, 96, 97] for result in (bright, dark)]
    assert steps[0] > 1.5
    assert steps[1] > 0.75 * steps[0]
