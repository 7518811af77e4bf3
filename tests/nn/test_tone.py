import pytest
import torch
from torch import Tensor

from ir_transfer.nn.tone import reorder


def distinct(*shape: int, seed: int) -> Tensor:
    count = int(torch.tensor(shape).prod())
    return (torch.randperm(count, generator=torch.Generator().manual_seed(seed)).float() / count).view(shape)


def ranks(image: Tensor) -> Tensor:
    return image.flatten(1).argsort(dim=1).argsort(dim=1)


def test_order_follows_the_luma_and_values_the_output() -> None:
    output, luma = distinct(2, 1, 13, 17, seed=0), distinct(2, 1, 13, 17, seed=1)
    kept = reorder(output, luma)
    assert torch.equal(ranks(kept), ranks(luma))
    assert torch.equal(kept.flatten(1).sort().values, output.flatten(1).sort().values)


def test_black_hot_reverses_the_order() -> None:
    output, luma = distinct(2, 1, 9, 8, seed=0), distinct(2, 1, 9, 8, seed=1)
    both = reorder(output, luma, torch.tensor([True, False]))
    assert torch.equal(both[:1], reorder(output[:1], luma[:1]))
    assert torch.equal(ranks(both[1:]), ranks(-luma[1:]))
    assert torch.equal(both[1:], reorder(output[1:], luma[1:], False))


def test_ties_stay_equal_and_get_the_middle_value() -> None:
    luma = torch.tensor([0.2, 0.2, 0.2, 0.5, 0.9, 0.9]).view(1, 1, 2, 3)
    output = torch.tensor([0.6, 0.1, 0.3, 0.2, 1.0, 0.7]).view(1, 1, 2, 3)
    assert torch.allclose(reorder(output, luma).flatten(), torch.tensor([0.2, 0.2, 0.2, 0.6, 0.85, 0.85]))
    assert reorder(output, torch.ones_like(luma)).flatten().tolist() == pytest.approx([0.45] * 6)


def test_monotone_output_is_unchanged() -> None:
    luma = distinct(1, 1, 8, 9, seed=2)
    assert torch.equal(reorder(luma.square(), luma), luma.square())
    assert torch.equal(reorder(1 - luma, luma, False), 1 - luma)


def test_every_channel_and_precision() -> None:
    output, luma = distinct(1, 3, 6, 7, seed=0), distinct(1, 1, 6, 7, seed=1)
    kept = reorder(output, luma)
    for channel in range(3):
        assert torch.equal(kept[:, channel : channel + 1], reorder(output[:, channel : channel + 1], luma))
    assert reorder(output.bfloat16(), luma).dtype == torch.bfloat16
    assert torch.equal(reorder(output.double(), luma.double()).float(), kept)
