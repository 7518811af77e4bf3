import torch

from ir_transfer.nn.quantiles import interpolate, middle_ranks, quantile_function


def test_quantiles_at_as_many_ranks_are_the_sorted_values() -> None:
    values = torch.rand(3, 20, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(quantile_function(values, 20), values.sort().values)
    expected = torch.quantile(values, torch.linspace(0, 1, 7), dim=1).T
    torch.testing.assert_close(quantile_function(values, 7), expected)


def test_equal_values_share_their_middle_rank() -> None:
    ranks = middle_ranks(torch.tensor([[3.0, 1.0, 1.0, 2.0, 1.0]]))
    assert torch.equal(ranks, torch.tensor([[1.0, 0.25, 0.25, 0.75, 0.25]]))
    assert torch.equal(middle_ranks(torch.zeros(1, 1)), torch.zeros(1, 1))


def test_interpolation_at_the_ranks_returns_the_values() -> None:
    values = torch.rand(2, 31, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(interpolate(quantile_function(values, 31), middle_ranks(values)), values)
