from __future__ import annotations

import torch

from ir_transfer.nn.thermal.exemplar_encoder import ExemplarEncoder, pooled, standardised


def test_one_feature_map_for_every_level_at_strides_up_to_sixteen() -> None:
    encoder = ExemplarEncoder((7, 8, 9, 10), (4, 5, 6, 7))
    levels = encoder(torch.randn(2, 1, 256, 320))
    assert [tuple(level.shape[1:]) for level in levels] == [
        (7, 32, 40), (8, 16, 20), (9, 8, 10), (10, 8, 10)
    ]  # fmt: skip


def test_values_beyond_one_are_kept_where_an_exemplar_is_resized() -> None:
    encoder = ExemplarEncoder((6, 6, 6, 6), (4, 4, 4, 4))
    small, large = torch.full((1, 1, 64, 64), 1.5), torch.full((1, 1, 64, 64), 2.5)
    assert not torch.allclose(encoder(small)[0], encoder(large)[0], atol=1e-4)


def test_standardised_images_have_mean_0_and_deviation_1() -> None:
    images = torch.rand(2, 1, 20, 30) * torch.tensor([0.1, 5.0])[:, None, None, None] + 3
    found = standardised(images)
    torch.testing.assert_close(found.mean((1, 2, 3)), torch.zeros(2), atol=1e-4, rtol=0)
    torch.testing.assert_close(found.std((1, 2, 3), correction=0), torch.ones(2))
    assert standardised(torch.full((1, 1, 8, 8), 0.7)).abs().max() < 1e-3


def test_positions_of_weight_0_do_not_affect_the_statistics() -> None:
    images, weights = torch.rand(1, 1, 20, 30), torch.zeros(1, 1, 20, 30)
    weights[..., :12] = 1
    found = standardised(torch.where(weights > 0, images, 50.0), weights)
    torch.testing.assert_close(found[..., :12], standardised(images[..., :12]), atol=1e-4, rtol=1e-4)
    assert not found[..., 12:].any()
    torch.testing.assert_close(standardised(images, torch.ones_like(images)), standardised(images))


def test_pooled_weights_are_the_shares_of_cells() -> None:
    weights = torch.zeros(1, 1, 8, 8)
    weights[..., :3] = 1
    assert pooled(weights, torch.zeros(1, 5, 4, 4))[0, 0, 0].tolist() == [1, 0.5, 0, 0]


def test_features_start_with_deviations_near_1() -> None:
    torch.manual_seed(0)
    exemplar = torch.nn.functional.interpolate(torch.randn(1, 1, 24, 32), (192, 256), mode="bicubic")
    for features in ExemplarEncoder((64, 96, 96, 96))(standardised(exemplar)):
        assert 0.2 < features.detach().std() < 3
