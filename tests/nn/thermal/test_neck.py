from __future__ import annotations

import torch
from torch import Tensor

from ir_transfer.nn.content_encoder import CLASS_COUNT, ContentFeatures
from ir_transfer.nn.thermal.neck import ThermalNeck


def content(height: int = 45, width: int = 70) -> ContentFeatures:
    generator = torch.Generator().manual_seed(0)
    sizes = [(c, -(-height // s), -(-width // s)) for c, s in zip((4, 6, 8, 10, 12), (2, 4, 8, 16, 32), strict=True)]
    levels = tuple(torch.randn(1, *size, generator=generator) for size in sizes)
    return ContentFeatures(levels, torch.randn(1, CLASS_COUNT, *sizes[1][1:], generator=generator))


def make() -> ThermalNeck:
    torch.manual_seed(0)
    return ThermalNeck((6, 8, 10, 12), (7, 8, 9, 10), (1, 2, 1, 0))


def test_levels_are_aligned_once_each_from_the_coarsest() -> None:
    seen: list[tuple[int, torch.Size]] = []

    def align(level: int, features: Tensor) -> Tensor:
        seen.append((level, features.shape))
        return features

    levels = make()(content(), align)
    assert [level for level, _ in seen] == [3, 2, 1, 0]
    assert [shape for _, shape in reversed(seen)] == [level.shape for level in levels]
    assert [tuple(level.shape[1:]) for level in levels] == [(7, 12, 18), (8, 6, 9), (9, 3, 5), (10, 2, 3)]


def test_what_a_level_is_aligned_to_reaches_the_finer_ones_alone() -> None:
    features, neck = content(), make()
    plain = neck(features, lambda _, x: x)
    moved = neck(features, lambda level, x: x + 1 if level == 2 else x)
    changed = [not torch.equal(a, b) for a, b in zip(plain, moved, strict=True)]
    assert changed == [True, True, True, False]


def test_the_class_probabilities_are_seen_at_stride_four() -> None:
    features, neck = content(), make()
    other = features._replace(logits=features.logits.flip(1))
    shifted = features._replace(logits=features.logits + 5)  # the same probabilities
    plain, flipped, same = (neck(one, lambda _, x: x) for one in (features, other, shifted))
    assert not torch.allclose(plain[0], flipped[0], atol=1e-3)
    assert torch.equal(plain[1], flipped[1])
    torch.testing.assert_close(plain[0], same[0])
