import numpy as np
import pytest
import pywt
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ir_transfer.nn import haar


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 3), st.booleans())
@settings(max_examples=25, deadline=None)
def test_bands_equal_pywavelets_and_reconstruct(height: int, width: int, channels: int, last: bool) -> None:
    image = torch.rand(2, channels, 2 * height, 2 * width, dtype=torch.float64)
    if last:
        image = image.contiguous(memory_format=torch.channels_last)
    bands = haar.pool(image)
    # PyWavelets' high filter is (1, -1): the sign of each high band turns, that of HH twice. Its cH is high over rows.
    ll, (over_rows, over_columns, both) = pywt.dwt2(image.numpy(), "haar", axes=(2, 3))
    for ours, theirs, sign in zip(bands, (ll, over_columns, over_rows, both), (1, -1, -1, 1), strict=True):
        np.testing.assert_allclose(ours.numpy(), sign * theirs, atol=1e-12)
    torch.testing.assert_close(haar.unpool(*bands), image, atol=1e-12, rtol=0)


def test_bands_preserve_energy() -> None:
    image = torch.rand(1, 3, 16, 24)
    energy = torch.stack([band.square().sum() for band in haar.pool(image)]).sum()
    torch.testing.assert_close(energy, image.square().sum())


@pytest.mark.parametrize("last", [False, True])
def test_gradients_agree_with_finite_differences(last: bool) -> None:
    image = torch.rand(1, 2, 4, 6, dtype=torch.float64)
    if last:
        image = image.contiguous(memory_format=torch.channels_last)
    image.requires_grad_()
    assert torch.autograd.gradcheck(haar.pool, image)
    bands = [torch.rand(1, 2, 3, 2, dtype=torch.float64, requires_grad=True) for _ in range(4)]
    assert torch.autograd.gradcheck(haar.unpool, bands)
