import pytest
import torch
from torch import Tensor

from ir_transfer.nn.moments import covariance_moments
from ir_transfer.nn.wct import exact_square_roots, mix, recolour, regularised, square_roots


def features(channels: int, *size: int, seed: int = 0) -> Tensor:
    """Return correlated features with a mean, (2, C, H, W)."""
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(channels, channels, generator=generator) / channels**0.5
    white = torch.randn(2, channels, *size, generator=generator)
    mean = torch.randn(channels, 1, 1, generator=generator)
    return (torch.einsum("dc,bchw->bdhw", mixing, white) + mean).contiguous()


@pytest.mark.parametrize("condition", [1.0, 10.0, 500.0])
def test_newton_schulz_computes_root_and_inverse_root(condition: float) -> None:
    torch.manual_seed(0)
    basis, _ = torch.linalg.qr(torch.randn(3, 32, 32))
    values = torch.logspace(0, -torch.tensor(condition).log10().item(), 32)
    matrix = 7 * (basis * values) @ basis.mT
    for roots in (square_roots, exact_square_roots):
        root, inverse = roots(matrix)
        torch.testing.assert_close(root @ root, matrix, atol=1e-4, rtol=1e-3)
        torch.testing.assert_close(inverse @ matrix @ inverse, torch.eye(32).expand(3, -1, -1), atol=5e-3, rtol=0)


def test_exact_roots_accept_slightly_negative_eigenvalues() -> None:
    torch.manual_seed(0)
    strong = 1e4 * torch.randn(64, 3)
    matrix = strong @ strong.T + torch.eye(64)
    assert torch.linalg.eigvalsh(matrix)[0] < 0
    root, inverse = exact_square_roots(matrix)
    torch.testing.assert_close(root @ root, matrix, atol=1e-5 * matrix.max().item(), rtol=0)
    assert inverse.abs().max() <= 1


@pytest.mark.parametrize("last", [False, True])
def test_output_has_the_mean_and_covariance_of_the_exemplar(last: bool) -> None:
    content, exemplar = features(12, 20, 30), features(12, 25, 16, seed=1)
    if last:
        content = content.contiguous(memory_format=torch.channels_last)
    theirs = covariance_moments(exemplar)
    ours = covariance_moments(content)
    colouring, whitening = square_roots(theirs.covariance(), 30)[0], square_roots(ours.covariance(), 30)[1]
    output = recolour(content, ours.mean, whitening, theirs.mean, colouring)
    assert output.stride() == content.stride()
    moments = covariance_moments(output)
    torch.testing.assert_close(moments.mean, theirs.mean, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(moments.covariance(), theirs.covariance(), atol=2e-3, rtol=1e-2)


def test_strength_blends_the_features() -> None:
    content = features(6, 8, 8)
    ours = covariance_moments(content)
    whitening = square_roots(regularised(ours, 0.1, 1e-3))[1]
    asked = torch.ones(1, 6), torch.eye(6)[None]
    full = recolour(content, ours.mean, whitening, *asked)
    half = recolour(content, ours.mean, whitening, *asked, 0.5)
    each = recolour(content, ours.mean, whitening, *asked, torch.tensor([[0.0], [1.0]]))
    torch.testing.assert_close(half, (content + full) / 2, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(each, torch.stack([content[0], full[1]]), atol=1e-5, rtol=1e-5)


def test_moments_do_not_depend_on_the_memory_format() -> None:
    content = features(5, 9, 7)
    plain, last = covariance_moments(content), covariance_moments(content.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(plain.mean, last.mean)
    torch.testing.assert_close(plain.scatter, last.scatter, atol=1e-4, rtol=1e-4)


def test_mixing_is_a_1x1_convolution() -> None:
    content, matrix, shift = features(4, 6, 5), torch.randn(2, 4, 4), torch.randn(2, 4)
    expected = torch.stack([torch.einsum("dc,chw->dhw", m, x) for m, x in zip(matrix, content, strict=True)])
    torch.testing.assert_close(mix(content, matrix, shift), expected + shift[..., None, None], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("roots", [square_roots, exact_square_roots])
def test_flat_features_give_finite_roots_and_gradients(roots: object) -> None:
    assert callable(roots)
    flat = torch.full((1, 8, 6, 6), 0.3, requires_grad=True)
    root, inverse = roots(regularised(covariance_moments(flat), 0.1, 1e-3))
    (root.sum() + inverse.sum()).backward()
    assert root.isfinite().all()
    assert inverse.isfinite().all()
    assert flat.grad is not None
    assert flat.grad.isfinite().all()
