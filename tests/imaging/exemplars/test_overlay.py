from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ir_transfer.imaging.exemplars.overlay import bar_mask, collar_mask, colour_mask, find_bar, text_mask
from tests.imaging.exemplars.exemplar_files import Levels, in_palette, scene, with_scale_and_text


def unit(levels: Levels) -> NDArray[np.float32]:
    return levels.astype(np.float32) / np.float32(255)


def test_scale_bar_and_text_are_found() -> None:
    drawn, where = with_scale_and_text(scene())
    bar = find_bar(unit(drawn)[None])
    assert bar is not None
    top, bottom, left, right = bar.box
    assert abs(top - 8) <= 2
    assert abs(bottom - 88) <= 2
    assert (left, right) == (116, 123)
    found = bar_mask(bar, drawn.shape) | text_mask(unit(drawn))
    assert found[where].mean() > 0.98
    assert found.mean() < 3 * where.mean()


def test_horizontal_and_coloured_scale_bars_are_found() -> None:
    lying = scene()
    lying[84:92, 20:110] = np.linspace(0, 255, 90).astype(np.uint8)
    bar = find_bar(unit(lying)[None])
    assert bar is not None
    assert bar.box[:2] == (84, 92)
    coloured = in_palette(scene(), "iron")
    coloured[10:90, 4:14] = in_palette(np.linspace(255, 0, 80).astype(np.uint8)[:, None], "iron")
    bar = find_bar(unit(coloured).transpose(2, 0, 1))
    assert bar is not None
    assert bar.box[2:] == (4, 14)
    assert bar.colours.shape[1] == 3


@pytest.mark.parametrize("seed", range(3))
def test_no_overlay_is_found_in_a_plain_scene(seed: int) -> None:
    plain = np.roll(scene(), 31 * seed, axis=1)
    assert find_bar(unit(plain)[None]) is None
    assert not text_mask(unit(plain)).any()
    assert not collar_mask(unit(plain)).any()


def test_smooth_sky_is_not_a_scale_bar() -> None:
    sky = np.broadcast_to(np.linspace(0, 255, 96).astype(np.uint8)[:, None], (96, 128))
    assert find_bar(unit(sky)[None]) is None


def test_smooth_strip_that_continues_sideways_is_not_a_scale_bar() -> None:
    random = np.random.default_rng(0)
    sky = np.linspace(10, 245, 96)[:, None] + random.normal(0, 2.5, (96, 128))
    sky[:, 60:68] = np.linspace(10, 245, 96)[:, None]
    assert find_bar(unit(sky.astype(np.uint8))[None]) is None


def test_dark_corner_is_not_a_collar() -> None:
    corner = scene()
    corner[:24, :24] = 0
    assert not collar_mask(unit(corner)).any()


def test_dark_spots_at_the_border_are_not_a_collar() -> None:
    spotted = scene()
    spotted[:6, 40:54] = spotted[-6:, 70:84] = 0
    spotted[np.add.outer(np.arange(96), np.arange(128)) < 12] = 0  # and a corner that is cut off straight
    assert not collar_mask(unit(spotted)).any()


def test_collar_is_found_but_cold_sky_is_not() -> None:
    framed = scene()
    framed[:, :10] = framed[-8:] = 0
    found = collar_mask(unit(framed))
    assert found[:, :10].all()
    assert found[-8:].all()
    assert not found[:88, 10:].any()
    turned = np.asarray(Image.fromarray(scene()).rotate(12, expand=True))
    assert collar_mask(unit(turned)).mean() == pytest.approx((turned == 0).mean(), abs=0.01)
    cold = scene()
    for column in range(128):  # roofs
        cold[: 20 + (column // 9 * 7) % 23, column] = 0
    assert not collar_mask(unit(cold)).any()


def test_coloured_logo_is_found_in_a_gray_image() -> None:
    rgb = np.stack([scene()] * 3, axis=0)
    rgb[:, 4:14, 4:20] = np.array([230, 20, 20], np.uint8)[:, None, None]
    found = colour_mask(unit(rgb))
    assert found[4:14, 4:20].all()
    assert found.mean() < 0.04
    assert not colour_mask(unit(np.stack([scene()] * 3))).any()
