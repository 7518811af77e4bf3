from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ir_transfer.imaging.exemplars.palette import find_palette, on_curve
from tests.conftest import photograph
from tests.imaging.exemplars.exemplar_files import Levels, correlation, in_palette, scene


def unit(rgb: Levels) -> NDArray[np.float32]:
    return rgb.astype(np.float32).transpose(2, 0, 1) / np.float32(255)


def mapped_back(rgb: Levels) -> tuple[str, NDArray[np.float32], float]:
    palette = find_palette(unit(rgb))
    assert palette is not None
    places, distances = palette.scalar(unit(rgb).reshape(3, -1).T.astype(np.float64))
    return palette.name, places.reshape(rgb.shape[:2]).astype(np.float32), float(on_curve(distances).mean())


@pytest.mark.parametrize("name", ["iron", "rainbow", "jet", "arctic", "hot", "lava"])
def test_known_palettes_are_inverted(name: str) -> None:
    found, scalar, on = mapped_back(in_palette(scene(), name))
    assert found in {name, "jet", "rainbow"}  # jet and rainbow have the same colours in the middle
    assert correlation(scalar, scene()) > 0.99
    assert on > 0.99


def unknown(levels: Levels) -> Levels:
    """An unlisted palette from magenta over pink to white."""
    places, colours = (
        (0, 60, 130, 200, 255),
        ((0, 0, 40), (118, 0, 101), (255, 0, 152), (255, 130, 120), (255, 235, 250)),
    )
    return np.stack([np.interp(levels, places, [c[i] for c in colours]) for i in range(3)], axis=2).astype(np.uint8)


def test_unknown_palette_is_inverted_along_its_own_curve() -> None:
    found, scalar, _ = mapped_back(unknown(scene()))
    assert found == "of its own"
    assert correlation(scalar, scene()) > 0.98


@pytest.mark.parametrize("render", [unknown, lambda levels: in_palette(levels, "iron")], ids=["unknown", "iron"])
def test_jpeg_of_a_palette_image_is_inverted(render: object) -> None:
    assert callable(render)
    file = io.BytesIO()
    Image.fromarray(render(scene())).save(file, "JPEG", quality=85)
    scalar = mapped_back(np.asarray(Image.open(file)))[1]
    assert correlation(scalar, scene()) > 0.97


def test_the_hot_end_is_bright_or_red() -> None:
    levels = np.sort(scene().ravel())[::-1].reshape(96, 128)
    for name in ("iron", "rainbow"):
        scalar = mapped_back(in_palette(levels, name))[1]
        rows = scalar.mean(axis=1)
        assert all(before >= after for before, after in pairwise(rows))


@pytest.mark.parametrize("seed", range(3))
def test_rgb_image_is_not_a_palette_image(seed: int) -> None:
    random = np.random.default_rng(seed)
    rgb = photograph(96, 128, seed).astype(np.float64) + random.normal(0, 12, (96, 128, 3))
    assert find_palette(unit(np.clip(rgb, 0, 255).astype(np.uint8))) is None


def test_desaturated_rgb_image_is_not_a_palette_image() -> None:
    tint = np.random.default_rng(0).normal(0, 6, (24, 32, 3)).repeat(4, axis=0).repeat(4, axis=1)
    rgb = np.clip(scene()[..., None] + tint, 0, 255).astype(np.uint8)
    assert find_palette(unit(rgb)) is None


def test_colour_bar_determines_the_order() -> None:
    ramp = np.arange(255, -1, -1, dtype=np.uint8)
    palette = find_palette(unit(unknown(scene())), unknown(ramp[:, None])[:, 0] / 255)
    assert palette is not None
    assert palette.name == "of its colour bar"
    scalar, _ = palette.scalar(unit(unknown(scene())).reshape(3, -1).T.astype(np.float64))
    np.testing.assert_allclose(scalar.reshape(96, 128), scene() / 255, atol=0.01)
