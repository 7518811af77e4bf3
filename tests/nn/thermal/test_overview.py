"""The encoder's image has the size of its training images, and its maps are placed back without a shift."""

from __future__ import annotations

import pytest
import torch

from ir_transfer.nn.thermal.overview import ENCODED_PIXELS, SAME, at_overview, encoded_size, encoder_image, resized


def test_sizes_of_the_encoders_image() -> None:
    sizes = {(240, 320): (360, 480), (160, 212): (320, 424), (16, 16): (32, 32), (20, 2000): (40, 4000)}
    sizes |= {(360, 480): (360, 480), (300, 400): (360, 480), (600, 799): (360, 480), (707, 707): (416, 416)}
    sizes[20, 25_000] = (16, 14_696)
    assert {size: encoded_size(*size) for size in sizes} == sizes
    assert ENCODED_PIXELS == 172_800


def test_an_image_of_that_size_is_the_same() -> None:
    image = torch.rand(1, 3, 360, 480)
    found, scale = encoder_image(image)
    assert found is image
    assert scale == SAME
    assert at_overview(image, scale, image, 4) is image


@pytest.mark.parametrize("size", [(61, 83), (301, 403), (36, 401), (600, 807)])
@pytest.mark.parametrize("stride", [4, 8])
def test_maps_return_to_their_places(size: tuple[int, int], stride: int) -> None:
    """A ramp of the image's coordinates, averaged over cells of the larger image, is one of the overview's cells."""
    rows, columns = (torch.arange(n) + 0.5 for n in size)
    overview = torch.stack(torch.meshgrid(rows, columns, indexing="ij"))[None]
    larger, scale = encoder_image(overview)
    cells = torch.nn.functional.avg_pool2d(larger, stride, ceil_mode=True, count_include_pad=False)
    found = at_overview(cells, scale, overview, stride)
    assert found.shape[-2:] == (-(-size[0] // stride), -(-size[1] // stride))
    first = (places[::stride] + stride / 2 - 0.5 for places in (rows, columns))
    wanted = torch.stack(torch.meshgrid(*first, indexing="ij"))
    error = (found[0] - wanted).abs()[:, 1:-2, 1:-2]
    assert error.max() < 0.1, "a tenth of a pixel"


def test_a_factor_need_not_be_the_ratio_of_the_sizes() -> None:
    ramp = torch.arange(10.0)[None, None, None] + 0.5
    found = resized(ramp, 1, 4, (1.0, 0.5))[0, 0, 0]
    assert found.tolist() == [1, 3, 5, 7], "steps of two cells, although the maps have 10 of them"
