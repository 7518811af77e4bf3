import torch

from ir_transfer.nn.units import from_units, in_units, tone


def test_pictures_in_their_own_units_are_standardised() -> None:
    pictures = torch.rand(3, 1, 20, 30) * 0.4 + 0.3
    units = in_units(pictures, *tone(pictures))
    torch.testing.assert_close(units.mean((1, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(units.std((1, 2, 3)), torch.ones(3), atol=1e-2, rtol=0)


def test_units_are_inverted() -> None:
    pictures, other = torch.rand(2, 1, 8, 9), torch.rand(1, 1, 5, 5)
    torch.testing.assert_close(from_units(in_units(pictures, *tone(other)), *tone(other)), pictures)


def test_a_flat_picture_stays_finite() -> None:
    flat = torch.full((1, 1, 8, 8), 0.7)
    torch.testing.assert_close(in_units(flat, *tone(flat)), torch.zeros_like(flat), atol=1e-4, rtol=0)
