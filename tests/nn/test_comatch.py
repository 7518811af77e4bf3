import torch

from ir_transfer.nn.comatch import CoMatch
from ir_transfer.nn.gram import gram_matrix


def layer(channels: int, seed: int = 0) -> CoMatch:
    match = CoMatch(channels).double()
    match.weight.data = torch.randn(channels, channels, generator=torch.Generator().manual_seed(seed)).double()
    return match


def test_inverse_weight_with_own_gram_matrix_reproduces_the_content() -> None:
    content = torch.randn(1, 6, 9, 8, dtype=torch.float64)
    match = CoMatch(6).double()
    match.weight.data = torch.linalg.inv(gram_matrix(content)[0])
    torch.testing.assert_close(match(content, gram_matrix(content)), content)


def test_equals_the_definition() -> None:
    content, style = torch.randn(2, 4, 5, 6, dtype=torch.float64), torch.randn(2, 4, 7, 3, dtype=torch.float64)
    match, gram = layer(4), gram_matrix(style)
    phi = content.flatten(2)
    expected = (phi.mT @ match.weight @ gram).mT.view_as(content)
    torch.testing.assert_close(match(content, gram), expected)


def test_weight_is_initialised_to_the_identity() -> None:
    content = torch.randn(1, 4, 5, 6)
    torch.testing.assert_close(CoMatch(4)(content, torch.eye(4)[None]), content)


def test_strength_blends_linearly() -> None:
    content, gram = torch.randn(3, 4, 5, 6).double(), gram_matrix(torch.randn(1, 4, 8, 8)).double()
    match = layer(4)
    full = match(content, gram)
    torch.testing.assert_close(match(content, gram, 0.0), content)
    torch.testing.assert_close(match(content, gram, 0.3), content + 0.3 * (full - content))
    strengths = torch.tensor([[0.0], [0.5], [1.0]]).double()
    expected = torch.cat([match(content[i : i + 1], gram, s.item()) for i, s in enumerate(strengths)])
    torch.testing.assert_close(match(content, gram, strengths), expected)


def test_is_linear_in_the_gram_matrix() -> None:
    content = torch.randn(1, 4, 5, 6).double()
    one, other = (gram_matrix(torch.randn(1, 4, 8, 8).double()) for _ in range(2))
    match = layer(4)
    torch.testing.assert_close(
        match(content, 0.25 * one + 0.75 * other), 0.25 * match(content, one) + 0.75 * match(content, other)
    )
