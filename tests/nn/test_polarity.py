import torch

from ir_transfer.nn.polarity import SIDES, PolarityClassifier, odd_statistics, reduced, sign_of, turn


def classifier() -> PolarityClassifier:
    torch.manual_seed(0)
    return PolarityClassifier().eval()


def test_score_of_the_negative_is_the_negative_score() -> None:
    images = torch.rand(4, 1, 150, 210)
    scores = classifier()(images)
    torch.testing.assert_close(classifier()(1 - images), -scores, atol=1e-5, rtol=1e-4)
    assert scores.abs().min() > 0


def test_score_does_not_see_gain_and_offset() -> None:
    images = torch.rand(2, 1, 96, 128)
    torch.testing.assert_close(classifier()(images * 0.5 + 0.2), classifier()(images), atol=1e-3, rtol=1e-2)


def test_score_of_a_flat_image_is_zero() -> None:
    assert classifier()(torch.full((1, 1, 32, 32), 0.5)).item() == 0


def test_score_is_the_mean_over_the_whole_and_four_crops() -> None:
    images, model = torch.rand(1, 1, 144, 192), classifier()
    views = [images, images[..., 36:, 48:], images[..., 36:, :144], images[..., :108, 48:], images[..., :108, :144]]
    torch.testing.assert_close(model(images), torch.stack([model.score(reduced(view)) for view in views]).mean(0))


def test_it_is_small_and_every_parameter_counts() -> None:
    model = PolarityClassifier()
    assert sum(p.numel() for p in model.parameters()) < 300_000
    model.score(torch.rand(2, 1, *SIDES)).mean().backward()  # type: ignore[no-untyped-call]
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_statistics_are_odd_and_see_hot_spots() -> None:
    spots = torch.zeros(1, 1, *SIDES)
    spots[..., 20:23, 30:33] = 1
    spots = (spots - spots.mean()) / spots.std()
    found = odd_statistics(spots)
    torch.testing.assert_close(odd_statistics(-spots), -found)
    assert found.shape == (1, 10)
    assert found[0, [0, 2, 4, 6, 8]].min() > 0, "skewness of the intensities and at every scale"


def test_statistics_see_a_cold_sky() -> None:
    rows = torch.linspace(-1, 1, SIDES[0]).view(1, 1, -1, 1).expand(1, 1, *SIDES)
    assert odd_statistics(rows)[0, 1] > 0


def test_sign_of_a_polarity() -> None:
    assert sign_of(torch.tensor([True, False])).tolist() == [[1], [-1]]


def test_turn_inverts_where_the_sign_is_negative() -> None:
    pictures = torch.rand(2, 1, 4, 4)
    turned = turn(pictures, torch.tensor([[1.0], [-1.0]]))
    torch.testing.assert_close(turned[0], pictures[0])
    torch.testing.assert_close(turned[1], 1 - pictures[1])
