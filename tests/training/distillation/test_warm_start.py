from __future__ import annotations

import torch

from ir_transfer.nn.content_encoder import ContentEncoder, ConvNorm
from ir_transfer.training.distillation.warm_start import with_norms


def encoder() -> ContentEncoder:
    torch.manual_seed(3)
    return ContentEncoder((8, 8, 12, 16, 16), (0, 1, 1, 1, 1), 16).eval()


def test_warm_start_does_not_change_the_function() -> None:
    begun = encoder()
    normed = with_norms(begun, [torch.rand(2, 3, 64, 64) for _ in range(2)]).eval()
    images = torch.rand(1, 3, 80, 48)
    for found in (normed, normed.folded()):
        torch.testing.assert_close(found(images).logits, begun(images).logits, atol=1e-5, rtol=1e-4)


def test_normalisations_use_the_statistics_of_all_batches() -> None:
    batches = [torch.rand(2, 3, 64, 64), 0.2 * torch.rand(1, 3, 64, 64)]
    normed = with_norms(encoder(), batches)
    plain = with_norms(encoder(), [torch.cat(batches)])
    parts = [part.norm for part in normed.modules() if isinstance(part, ConvNorm)]
    assert len(parts) == 5 + 8 + 4 + 6
    for part, other in zip(parts, (p.norm for p in plain.modules() if isinstance(p, ConvNorm)), strict=True):
        assert part is not None
        assert other is not None
        torch.testing.assert_close(part.running_mean, other.running_mean)
        torch.testing.assert_close(part.running_var, other.running_var)
    normed.train()
    before = normed(torch.cat(batches)).logits
    torch.testing.assert_close(before, encoder()(torch.cat(batches)).logits, atol=1e-3, rtol=1e-2)


def test_hooks_are_removed() -> None:
    begun = encoder()
    with_norms(begun, [torch.rand(2, 3, 64, 64)])
    assert not any(module._forward_hooks for module in begun.modules())
