import torch

from ir_transfer.nn.polarity import PolarityScorer, turn


def test_score_of_the_inverted_picture_is_the_exact_negative() -> None:
    scorer = PolarityScorer().eval()
    pictures = torch.rand(4, 1, 50, 70)
    torch.testing.assert_close(scorer(1 - pictures), -scorer(pictures), atol=1e-5, rtol=1e-4)
    assert torch.equal(scorer.sign(1 - pictures), -scorer.sign(pictures))


def test_score_does_not_see_gain_and_offset() -> None:
    scorer = PolarityScorer().eval()
    pictures = torch.rand(2, 1, 64, 64)
    torch.testing.assert_close(scorer(pictures * 0.5 + 0.2), scorer(pictures), atol=1e-2, rtol=1e-2)


def test_flat_picture_has_a_finite_score() -> None:
    assert torch.isfinite(PolarityScorer()(torch.full((1, 1, 32, 32), 0.5))).all()


def test_turn_inverts_where_the_sign_is_negative() -> None:
    pictures = torch.rand(2, 1, 4, 4)
    turned = turn(pictures, torch.tensor([[1.0], [-1.0]]))
    torch.testing.assert_close(turned[0], pictures[0])
    torch.testing.assert_close(turned[1], 1 - pictures[1])
