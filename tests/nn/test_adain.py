import torch
from hypothesis import given
from hypothesis import strategies as st

from ir_transfer.nn.adain import adain
from ir_transfer.nn.moments import channel_moments


def test_output_has_the_requested_moments() -> None:
    features, style = torch.randn(2, 6, 30, 31) * 4 - 2, torch.rand(2, 6, 17, 19)
    asked = channel_moments(style)
    output = channel_moments(adain(features, channel_moments(features), asked.mean, asked.std()))
    torch.testing.assert_close(output.mean, asked.mean, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(output.std(), asked.std(), atol=1e-3, rtol=1e-3)


def test_equals_the_definition() -> None:
    features, style = torch.randn(1, 4, 9, 8), torch.randn(1, 4, 7, 7)
    mean, std = style.mean((2, 3), keepdim=True), (style.var((2, 3), keepdim=True) + 1e-5).sqrt()
    own_mean, own_std = features.mean((2, 3), keepdim=True), (features.var((2, 3), keepdim=True) + 1e-5).sqrt()
    expected = std * (features - own_mean) / own_std + mean
    moments = channel_moments(style)
    torch.testing.assert_close(adain(features, channel_moments(features), moments.mean, moments.std()), expected)


@given(strength=st.floats(0, 1))
def test_strength_blends_linearly(strength: float) -> None:
    features = torch.linspace(-1, 2, 3 * 64).reshape(1, 3, 8, 8)
    moments, mean, std = channel_moments(features), torch.tensor([[0.1, 0.2, 0.3]]), torch.tensor([[1.0, 2.0, 0.5]])
    full = adain(features, moments, mean, std)
    torch.testing.assert_close(
        adain(features, moments, mean, std, strength), features + strength * (full - features), atol=1e-5, rtol=1e-5
    )


def test_flat_features_stay_finite() -> None:
    flat = torch.full((1, 2, 8, 8), 0.3)
    output = adain(flat, channel_moments(flat), torch.zeros(1, 2), torch.ones(1, 2))
    assert torch.isfinite(output).all()
