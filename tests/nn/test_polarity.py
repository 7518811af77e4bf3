import torch

from ir_transfer.nn.odd_statistics import COUNT, odd_statistics
from ir_transfer.nn.polarity import PolarityClassifier, reduced, sign_of, turn, views


def classifier() -> PolarityClassifier:
    torch.manual_seed(0)
    return PolarityClassifier().eval()


def test_score_of_the_negative_is_the_negative_score() -> None:
    images = torch.rand(3, 1, 150, 210) ** 2
    scores = classifier()(images)
    torch.testing.assert_close(classifier()(1 - images), -scores, atol=1e-5, rtol=1e-4)
    assert scores.abs().min() > 0


def test_score_of_a_flat_image_is_zero() -> None:
    assert abs(classifier()(torch.full((1, 1, 32, 32), 0.5)).item()) < 1e-6


def test_score_is_the_mean_over_the_whole_and_four_crops() -> None:
    images, model = torch.rand(1, 1, 160, 192), classifier()
    crops = [images, images[..., 40:, 48:], images[..., 40:, :144], images[..., :120, 48:], images[..., :120, :144]]
    assert all(torch.equal(view, crop) for view, crop in zip(views(images), crops, strict=True))
    alone = [model.score(odd_statistics(reduced(crop))) for crop in crops]
    torch.testing.assert_close(model(images), torch.stack(alone).mean(0))


def test_statistics_count_in_units_of_their_scale() -> None:
    model, statistics = classifier(), torch.rand(2, COUNT)
    expected = model.score(statistics)
    model.scale.mul_(3)
    torch.testing.assert_close(model.score(3 * statistics), expected)
    assert not torch.allclose(model.score(statistics), expected)


def test_it_is_small_and_every_parameter_counts() -> None:
    model = PolarityClassifier()
    assert sum(p.numel() for p in model.parameters()) < 300_000
    model.score(torch.randn(8, COUNT)).mean().backward()  # type: ignore[no-untyped-call]
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_sign_of_a_polarity() -> None:
    assert sign_of(torch.tensor([True, False])).tolist() == [[1], [-1]]


def test_turn_inverts_where_the_sign_is_negative() -> None:
    pictures = torch.rand(2, 1, 4, 4)
    turned = turn(pictures, torch.tensor([[1.0], [-1.0]]))
    torch.testing.assert_close(turned[0], pictures[0])
    torch.testing.assert_close(turned[1], 1 - pictures[1])
