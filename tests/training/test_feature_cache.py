from __future__ import annotations

import torch
from torch import Tensor

from ir_transfer.nn.content_encoder import ContentEncoder, ContentFeatures
from ir_transfer.training.feature_cache import FeatureCache


class Counted(ContentEncoder):
    """Counts the images that are encoded."""

    def __init__(self) -> None:
        super().__init__((4, 6, 8, 8, 8), (0, 1, 1, 1, 1), 8)
        self.seen = 0

    def forward(self, images: Tensor) -> ContentFeatures:
        self.seen += len(images)
        return super().forward(images)


def assert_close(found: ContentFeatures, expected: ContentFeatures) -> None:
    for one, other in zip((*found.levels, found.logits), (*expected.levels, expected.logits), strict=True):
        assert one.dtype == torch.float32
        torch.testing.assert_close(one, other, atol=1e-6, rtol=2**-8)


def test_repeated_views_use_the_cache() -> None:
    torch.manual_seed(0)
    encoder, cache, images = Counted(), FeatureCache(1.0), torch.rand(3, 3, 32, 64)
    keys = [(0, 1, 2), (0, 1, 3), (1, 0, 0)]
    first = cache(encoder, images, keys)
    assert encoder.seen == 3
    second = cache(encoder, images, keys)
    assert encoder.seen == 3
    assert_close(first, encoder(images))
    encoder.seen = 0
    for one, other in zip((*first.levels, first.logits), (*second.levels, second.logits), strict=True):
        assert torch.equal(one, other)
    assert not any(level.requires_grad for level in second.levels)


def test_known_and_unknown_views_keep_their_order() -> None:
    torch.manual_seed(0)
    encoder, cache, images = Counted(), FeatureCache(1.0), torch.rand(4, 3, 32, 32)
    cache(encoder, images[1:3], [(1,), (2,)])
    encoder.seen = 0
    found = cache(encoder, images[[2, 3, 1, 0]], [(2,), (3,), (1,), (0,)])
    assert encoder.seen == 2
    assert_close(found, encoder(images[[2, 3, 1, 0]]))


def test_features_beyond_the_limit_are_recomputed() -> None:
    encoder, images = Counted(), torch.rand(3, 3, 32, 32)
    one = sum(level[0].numel() for level in (*encoder(images).levels, encoder(images).logits)) * 2
    cache, encoder.seen = FeatureCache(2.5 * one / 2**30), 0
    keys = [(0,), (1,), (2,)]
    cache(encoder, images, keys)
    assert encoder.seen == 3
    found = cache(encoder, images, keys)
    assert encoder.seen == 4
    assert_close(found, encoder(images))


def test_duplicate_view_in_a_batch_is_stored_once() -> None:
    encoder, images = Counted(), torch.rand(2, 3, 32, 32)
    one = sum(level[0].numel() for level in (*encoder(images).levels, encoder(images).logits)) * 2
    cache = FeatureCache(2.5 * one / 2**30)
    cache(encoder, images[[0, 0]], [(0,), (0,)])
    cache(encoder, images, [(0,), (1,)])
    encoder.seen = 0
    cache(encoder, images, [(0,), (1,)])
    assert encoder.seen == 0
