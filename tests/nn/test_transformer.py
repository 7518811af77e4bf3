from __future__ import annotations

import torch
import torch.nn.functional as F

from ir_transfer.nn.transformer import NormConv, Transformer


def test_identity_scales_and_shifts_are_plain_instance_normalisation() -> None:
    torch.manual_seed(0)
    layer, x = NormConv(3, 5), torch.randn(2, 3, 12, 10)
    ones, zeros = torch.ones(1, 5), torch.zeros(1, 5)
    plain = F.relu(F.instance_norm(layer.conv(x), eps=1e-5))
    # Ours divides by the unbiased deviation.
    torch.testing.assert_close(layer(x, iter([(ones, zeros)])), plain, atol=5e-3, rtol=0.01)


def test_every_place_gets_its_own_scale_and_shift() -> None:
    torch.manual_seed(0)
    network = Transformer((4, 6, 8), blocks=2, skips=True)
    count = sum(network.places)
    assert network.places == [4, 6, 8, 8, 8, 8, 8, 6, 6, 4, 4]
    affine = torch.rand(1, 2 * count, requires_grad=True)
    network(torch.rand(1, 3, 32, 32), affine).square().mean().backward()
    assert affine.grad is not None
    # A channel that its ReLU shuts altogether gives none; most must.
    assert (affine.grad != 0).float().mean() > 0.7


def test_one_scale_and_shift_for_each_picture_of_a_batch() -> None:
    torch.manual_seed(0)
    network, pictures = Transformer((4, 6), blocks=1), torch.rand(2, 3, 24, 20)
    affines = network.identity() + 0.1 * torch.randn(2, len(network.identity()))
    together = network(pictures, affines)
    singly = torch.cat([network(pictures[i : i + 1], affines[i : i + 1]) for i in range(2)])
    torch.testing.assert_close(together, singly, atol=1e-5, rtol=0)
    assert (together - network(pictures, affines.flip(0))).abs().max() > 1e-3


def test_batch_normalisation_uses_what_training_saw() -> None:
    torch.manual_seed(0)
    network = Transformer((4, 6), blocks=1, normalisation="batch")
    bright, dark = torch.rand(1, 3, 24, 20), 0.3 * torch.rand(1, 3, 24, 20)
    affine = network.identity()[None]
    for _ in range(30):
        network(torch.cat([bright, dark]), affine)
    network.eval()
    alone, together = network(dark, affine), network(torch.cat([bright, dark]), affine)[1:]
    torch.testing.assert_close(alone, together, atol=1e-5, rtol=0)


def test_the_encoder_answers_with_a_feature_for_every_level() -> None:
    network = Transformer((4, 6, 8), blocks=1)
    found = network.encode(torch.rand(1, 3, 33, 20), network.identity()[None])
    assert [tuple(f.shape[1:]) for f in found] == [(4, 33, 20), (6, 17, 10), (8, 9, 5)]
