import pytest
import torch

from ir_transfer.nn.content_asymmetry import asymmetry_count, content_asymmetries
from ir_transfer.nn.content_encoder import ContentEncoder
from ir_transfer.nn.odd_statistics import COUNT
from ir_transfer.nn.polarity import (
    PolarityClassifier,
    apply_polarity,
    polarity_sign,
    polarity_statistics,
    statistics_count,
)


@pytest.fixture
def encoder() -> ContentEncoder:
    torch.manual_seed(0)
    return ContentEncoder((4, 6, 8, 8, 8), (0, 1, 1, 1, 1), 8).eval().requires_grad_(False)


@pytest.fixture
def classifier(encoder: ContentEncoder) -> PolarityClassifier:
    torch.manual_seed(0)
    return PolarityClassifier(statistics_count(encoder)).eval()


def test_score_of_the_negative_is_the_negative_score(encoder: ContentEncoder, classifier: PolarityClassifier) -> None:
    images = torch.rand(3, 1, 150, 210) ** 2
    scores = classifier(polarity_statistics(images, encoder))
    torch.testing.assert_close(classifier(polarity_statistics(1 - images, encoder)), -scores, atol=1e-3, rtol=1e-3)
    assert scores.abs().min() > 0


def test_score_is_invariant_to_gain_and_offset(encoder: ContentEncoder) -> None:
    images = torch.rand(2, 1, 150, 210) ** 2
    found = polarity_statistics(images, encoder)
    torch.testing.assert_close(polarity_statistics(0.5 * images + 0.2, encoder), found, atol=2e-2, rtol=2e-2)


def test_score_of_a_flat_image_is_zero(encoder: ContentEncoder, classifier: PolarityClassifier) -> None:
    assert abs(classifier(polarity_statistics(torch.full((1, 1, 32, 32), 0.3), encoder)).item()) < 1e-5


def test_asymmetries_are_differences_of_encoder_features(encoder: ContentEncoder) -> None:
    images = torch.rand(2, 1, 64, 96) ** 2
    found = content_asymmetries(encoder, images)
    assert found.shape == (2, asymmetry_count(encoder))
    torch.testing.assert_close(content_asymmetries(encoder, 1 - images), -found, atol=1e-5, rtol=1e-4)
    finest = [encoder(image.expand(-1, 3, -1, -1)).levels[1] for image in (images, 1 - images)]
    torch.testing.assert_close(found[:, :6], finest[0].mean((2, 3)) - finest[1].mean((2, 3)))


def test_statistics_are_divided_by_their_scale() -> None:
    torch.manual_seed(0)
    model, statistics = PolarityClassifier(COUNT).eval(), torch.rand(2, COUNT)
    expected = model(statistics)
    model.scale.mul_(3)
    torch.testing.assert_close(model(3 * statistics), expected)
    assert not torch.allclose(model(statistics), expected)


def test_every_parameter_affects_the_score() -> None:
    model = PolarityClassifier(COUNT)
    model(torch.randn(64, COUNT)).mean().backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_sign_of_a_polarity() -> None:
    assert polarity_sign(torch.tensor([True, False])).tolist() == [[1], [-1]]


def test_turn_inverts_where_the_sign_is_negative() -> None:
    images = torch.rand(2, 1, 4, 4)
    turned = apply_polarity(images, torch.tensor([[1.0], [-1.0]]))
    torch.testing.assert_close(turned[0], images[0])
    torch.testing.assert_close(turned[1], 1 - images[1])
