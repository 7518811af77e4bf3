"""The baselines against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data
from skimage.exposure import match_histograms
from torch import Tensor

from ir_transfer import create_model
from ir_transfer.errors import InputError
from ir_transfer.models.style_code import blend_codes

LUMA = torch.tensor([0.299, 0.587, 0.114])


def photograph(height: int = 120, width: int = 161) -> Tensor:
    image = torch.from_numpy(data.astronaut()[:height, 100 : 100 + width].copy()).permute(2, 0, 1)
    return image[None].float() / 255


def exemplar(side: int = 200) -> Tensor:
    return torch.from_numpy(data.camera()[:side, :side].copy())[None, None].float() / 255


def luma(content: Tensor) -> Tensor:
    return torch.einsum("bchw,c->bhw", content, LUMA)[:, None]


def test_constant_is_the_exemplar_mean() -> None:
    model = create_model("constant")
    output = model(photograph(), model.prepare([exemplar()]))
    assert torch.allclose(output, exemplar().mean().expand_as(output))


def test_gray_and_inverted_are_rec601_luma_and_its_negative() -> None:
    gray, inverted = create_model("gray"), create_model("inverted")
    expected = luma(photograph())
    assert torch.allclose(gray(photograph(), gray.prepare([exemplar()])), expected, atol=1e-6)
    assert torch.allclose(inverted(photograph(), inverted.prepare([exemplar()])), 1 - expected, atol=1e-6)


@pytest.mark.parametrize("name", ["constant", "inverted", "histogram", "fda"])
def test_strength_blends_from_gray(name: str) -> None:
    model = create_model(name)
    style = model.prepare([exemplar()])
    none, half, full = (model(photograph(), style, strength) for strength in (0.0, 0.5, 1.0))
    assert torch.allclose(none, luma(photograph()), atol=1e-6)
    assert torch.allclose(half, (none + full) / 2, atol=1e-5)


def test_histogram_agrees_with_scikit_image() -> None:
    model = create_model("histogram")
    output = model(photograph(), model.prepare([exemplar()]))[0, 0].numpy()
    expected = match_histograms(luma(photograph())[0, 0].numpy(), exemplar()[0, 0].numpy())
    assert np.abs(output - expected).mean() < 2e-3


def test_histogram_is_finer_than_8_bit() -> None:
    model = create_model("histogram")
    ramp = torch.linspace(0, 1, 128 * 128, dtype=torch.float64).view(1, 1, 128, 128)
    output = model(ramp.expand(-1, 3, -1, -1), model.prepare([ramp**2]))
    assert output.dtype == torch.float64
    assert output.unique().numel() > 10_000
    assert torch.allclose(output, ramp**2, atol=1e-5)


def test_histogram_codes_blend_into_the_mean_quantile_function() -> None:
    model = create_model("histogram")
    ramp = torch.linspace(0, 1, 64 * 64).view(1, 1, 64, 64)
    codes = [model.prepare([ramp * 0.2]), model.prepare([ramp * 0.4 + 0.6])]
    output = model(ramp.expand(-1, 3, -1, -1), blend_codes(codes, [1, 1]))
    assert torch.allclose(output, ramp * 0.3 + 0.3, atol=1e-5)


@given(st.integers(16, 40), st.integers(16, 40), st.floats(0.01, 0.45))
@settings(max_examples=15, deadline=None)
def test_fda_uses_low_amplitudes_of_the_exemplar_and_phases_of_the_luma(height: int, width: int, beta: float) -> None:
    # Faint contrast around middle gray: nothing is clamped, so the spectrum of the output can be read back.
    model = create_model("fda", beta=beta)
    content = 0.5 + 0.1 * (photograph(height, width) - 0.5)
    faint = torch.nn.functional.interpolate(0.5 + 0.1 * (exemplar() - 0.5), (512, 512))
    output = torch.fft.fft2(model(content, model.prepare([faint]))[0, 0], norm="forward")
    own, other = (torch.fft.fft2(p[0, 0], norm="forward") for p in (luma(content), faint))
    cycles = int(beta * 512)
    rows, columns = (torch.fft.fftfreq(side, 1 / side).round().long() for side in (height, width))
    swapped = (rows.abs() <= min(cycles, (height - 1) // 2))[:, None] & (columns.abs() <= min(cycles, (width - 1) // 2))
    expected = torch.where(swapped, other[rows][:, columns].abs(), own.abs()) * torch.exp(1j * own.angle())
    assert torch.allclose(output, expected, atol=1e-5)


def test_fda_of_itself_changes_nothing() -> None:
    content = exemplar(512).expand(-1, 3, -1, -1)
    model = create_model("fda")
    assert torch.allclose(model(content, model.prepare([content[:, :1]])), content[:, :1], atol=1e-4)


@pytest.mark.parametrize("beta", [0, 0.5, -1])
def test_fda_rejects_a_window_beyond_the_spectrum(beta: float) -> None:
    with pytest.raises(InputError, match=r"expected beta in \(0, 0.5\)"):
        create_model("fda", beta=beta)
