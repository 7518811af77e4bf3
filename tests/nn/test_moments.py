from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from ir_transfer.errors import InputError
from ir_transfer.nn.moments import Moments, Statistics, channel_moments, covariance_moments, mean_variance, span_of


@pytest.mark.parametrize("moments_of", [channel_moments, covariance_moments])
def test_tile_moments_sum_to_those_of_the_whole_image(moments_of: Callable[[torch.Tensor], Moments]) -> None:
    features = torch.randn(2, 5, 12, 20, dtype=torch.float64) * 3 + 1
    whole: Moments = moments_of(features)
    tiles = [moments_of(features[..., :7, :9]), moments_of(features[..., :7, 9:]), moments_of(features[..., 7:, :])]
    merged = Statistics.total([Statistics({"a": t}) for t in tiles])["a"]
    assert merged.count == whole.count
    torch.testing.assert_close(merged.mean, whole.mean)
    torch.testing.assert_close(merged.scatter, whole.scatter)


def test_std_and_covariance_are_unbiased() -> None:
    features = torch.randn(2, 3, 8, 9)
    expected = features.flatten(2).std(dim=2, unbiased=True)
    torch.testing.assert_close(channel_moments(features).std(eps=0), expected)
    torch.testing.assert_close(covariance_moments(features).std(eps=0), expected)
    torch.testing.assert_close(covariance_moments(features).covariance()[1], torch.cov(features[1].flatten(1)))


@pytest.mark.parametrize("moments_of", [channel_moments, covariance_moments])
def test_positions_of_weight_0_are_ignored(moments_of: Callable[..., Moments]) -> None:
    features = torch.randn(1, 3, 6, 8, dtype=torch.float64) + 2
    weights = torch.ones(1, 1, 6, 8)
    weights[..., 4:, :] = 0
    weights[..., :2, :] = 0.5
    found = moments_of(features, weights)
    upper, lower = moments_of(features[..., :2, :]), moments_of(features[..., 2:4, :])
    expected = upper.scaled(0.5) + lower
    assert found.count == expected.count == 24
    torch.testing.assert_close(found.mean, expected.mean)
    torch.testing.assert_close(found.scatter, expected.scatter)


def test_tile_spans_combine_over_positive_weights() -> None:
    features = torch.randn(2, 3, 6, 8)
    weights = torch.ones(1, 1, 6, 8)
    weights[..., 0, :] = 0
    features[:, :, 0] = 99
    seen = features[:, :, 1:]
    expected = torch.stack([-seen.amin((1, 2, 3)), seen.amax((1, 2, 3))], dim=1)
    assert torch.equal(span_of(features, weights), expected)
    tiles = [replace(channel_moments(part), span=span_of(part)) for part in (seen[..., :3], seen[..., 3:])]
    merged = (tiles[0] + tiles[1].to(torch.float64)).span
    assert merged is not None
    assert torch.equal(merged.float(), expected)


def test_covariance_of_channel_moments_is_rejected() -> None:
    with pytest.raises(InputError, match="covariance_moments"):
        channel_moments(torch.rand(1, 2, 4, 4)).covariance()


def test_statistics_of_different_layers_cannot_be_added() -> None:
    moments = channel_moments(torch.rand(1, 2, 4, 4))
    with pytest.raises(InputError, match="same places"):
        Statistics({"a": moments}) + Statistics({"b": moments})


def test_gradient_of_the_moments_agrees_with_finite_differences() -> None:
    features = torch.randn(2, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(mean_variance, (features,))
