from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ir_transfer.errors import InputError
from ir_transfer.imaging.exemplars.range import WINDOW, AskedRange, choose_range, to_unit
from tests.imaging.exemplars.exemplar_files import scene

REFERENCE = scene().astype(np.float64)

NARROW: list[tuple[str, NDArray[Any], str]] = [
    ("12 bits in 16", (REFERENCE * 16).astype(np.uint16), "counts"),
    ("14 bits above an offset", (REFERENCE * 13 + 20_300).astype(np.uint16), "counts"),
    ("centikelvin", (29_315 + REFERENCE * 11.8).astype(np.uint16), "centikelvin"),
    ("Celsius", (20 + REFERENCE * 0.118).astype(np.float32), "Celsius"),
    ("Celsius below zero", (-15 + REFERENCE * 0.05).astype(np.float32), "Celsius"),
    ("Kelvin", (293.15 + REFERENCE * 0.118).astype(np.float32), "Kelvin"),
    ("counts as floats", (5000 + REFERENCE * 9).astype(np.float32), "counts"),
]


@pytest.mark.parametrize(("values", "unit"), [one[1:] for one in NARROW], ids=[one[0] for one in NARROW])
def test_narrow_range_is_stretched_to_the_8_bit_contrast(values: NDArray[Any], unit: str) -> None:
    white = 65535.0 if values.dtype == np.uint16 else 1.0
    intensity, taken = to_unit(values, white, "auto")
    assert (taken.unit, taken.guessed, taken.stretched) == (unit, True, True)
    assert intensity.std() == pytest.approx((REFERENCE / 255).std(), rel=0.15)
    assert np.corrcoef(intensity.ravel(), REFERENCE.ravel())[0, 1] > 0.999
    np.testing.assert_allclose(np.percentile(intensity, (1, 99.5)), WINDOW, atol=1e-3)


@pytest.mark.parametrize(
    ("values", "white"),
    [
        (REFERENCE.astype(np.uint8), 255.0),
        ((REFERENCE * 257).astype(np.uint16), 65535.0),
        ((REFERENCE / 255).astype(np.float32), 1.0),
        ((np.clip(REFERENCE, 90, 100) * 257).astype(np.uint16), 65535.0),  # dull, but 8 bits spread over 16
    ],
    ids=["8 bit", "16 bit", "unit", "dull 8 in 16"],
)
def test_full_range_values_are_not_stretched(values: NDArray[Any], white: float) -> None:
    intensity, taken = to_unit(values, white, "auto")
    assert not taken.stretched
    assert not taken.guessed
    np.testing.assert_allclose(intensity, values / white, atol=1e-6)


def test_range_can_be_given() -> None:
    counts = (REFERENCE * 16).astype(np.uint16)
    intensity, taken = to_unit(counts, 65535.0, (0.0, 4095.0))
    np.testing.assert_allclose(intensity, REFERENCE * 16 / 4095, atol=1e-3)
    assert (taken.low, taken.high) == (0, 4095)
    full, _ = to_unit(counts, 65535.0, "full")
    np.testing.assert_allclose(full, counts / 65535, atol=1e-6)
    assert choose_range(REFERENCE.astype(np.uint8), 255.0, "percentile").stretched


@pytest.mark.parametrize("asked", ["auto", "percentile"])
def test_constant_values_are_rejected(asked: AskedRange) -> None:
    with pytest.raises(InputError, match=r"x\.tif: expected an exemplar with contrast, got 30000"):
        to_unit(np.full((20, 20), 30_000, np.uint16), 65535.0, asked, name="x.tif")
    with pytest.raises(InputError, match=r"x\.tif: expected valid pixels"):
        to_unit(np.zeros(0, np.uint16), 65535.0, asked, name="x.tif")


def test_reversed_range_is_rejected() -> None:
    with pytest.raises(InputError, match="LO < HI, got 5,1"):
        to_unit(REFERENCE.astype(np.uint8), 255.0, (5.0, 1.0))
