"""Whitening and colouring: give features the exemplar's mean and covariance (Li et al. 2017, section 3.2)."""

from __future__ import annotations

import torch
from torch import Tensor

from ir_transfer.nn.moments import Moments

_ITERATIONS = 12


def square_roots(matrix: Tensor, iterations: int = _ITERATIONS) -> tuple[Tensor, Tensor]:
    """Return the square root and the inverse square root of symmetric positive matrices (..., C, C).

    Coupled Newton-Schulz iteration (Higham 2008, equation 6.35): only matrix products, so that it is
    differentiable for equal eigenvalues. It converges to float32 precision for condition numbers up to
    about ``2.25 ** (iterations - 4)``.
    """
    size = matrix.shape[-1]
    flat = matrix.reshape(-1, size, size)
    norm = torch.linalg.matrix_norm(flat)[:, None, None]
    start = 1.5 * torch.eye(size, dtype=matrix.dtype, device=matrix.device).expand_as(flat)
    root = flat / norm
    inverse = start - 0.5 * root  # the first step, whose inverse is the identity
    root = root @ inverse
    for _ in range(iterations - 1):
        step = torch.baddbmm(start, inverse, root, alpha=-0.5)
        root, inverse = root @ step, step @ inverse
    scale = norm.sqrt()
    return (root * scale).view_as(matrix), (inverse / scale).view_as(matrix)


def exact_square_roots(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Return the result of :func:`square_roots` by an eigenvalue decomposition, also under autocast.

    Eigenvalues smaller than the rounding error of the largest are raised to it. If a gradient is required, the
    Newton-Schulz iteration is used, since the gradient of eigenvectors is infinite for equal eigenvalues.
    """
    with torch.autocast(matrix.device.type, enabled=False):
        if torch.is_grad_enabled() and matrix.requires_grad:
            return square_roots(matrix, 24)
        values, vectors = torch.linalg.eigh(matrix)
        kind = torch.finfo(values.dtype)
        noise = (values[..., -1:] * kind.eps).clamp(min=kind.tiny)
        roots = torch.maximum(values, noise).sqrt()[..., None, :]
        return (vectors * roots) @ vectors.mT, (vectors / roots) @ vectors.mT


def regularised(moments: Moments, shrinkage: float, eps: float) -> Tensor:
    """Return the covariance (B, C, C), shrunk towards a multiple of the identity, plus ``eps`` times the identity.

    A crop has few positions for its many channels, and whitening divides by the smallest eigenvalues, which shrinkage
    (Ledoit and Wolf 2004) makes reliable; ``eps`` keeps the result finite for a flat image.
    """
    covariance = moments.covariance()
    scale = covariance.diagonal(dim1=1, dim2=2).mean(1)[:, None, None]
    identity = torch.eye(covariance.shape[-1], dtype=covariance.dtype, device=covariance.device)
    return (1 - shrinkage) * covariance + (shrinkage * scale + eps) * identity


def recolour(
    features: Tensor,
    content_mean: Tensor,
    whitening: Tensor,
    mean: Tensor,
    colouring: Tensor,
    strength: float | Tensor = 1.0,
) -> Tensor:
    """Whiten and colour features, add the exemplar's mean, and blend with the features by ``strength``.

    All steps are merged into one matrix and one shift.

    Args:
        features: (B, C, H, W).
        content_mean: (B, C).
        whitening: Inverse root of the content's covariance (B, C, C).
        mean: The exemplar's mean (B or 1, C).
        colouring: Root of the exemplar's covariance (B or 1, C, C).
        strength: 0 returns the features, 1 the full style; a number or (B, 1).
    """
    with torch.autocast(features.device.type, enabled=False):
        full = colouring @ whitening
        shift = (mean - (full @ content_mean[..., None])[..., 0]) * strength
        share = strength[..., None] if isinstance(strength, Tensor) else strength
        identity = torch.eye(full.shape[-1], dtype=full.dtype, device=full.device)
        matrix = torch.lerp(identity.expand_as(full), full, share)
        return mix(features, matrix, shift)


def mix(features: Tensor, matrix: Tensor, shift: Tensor) -> Tensor:
    """Return ``matrix @ x + shift`` at every position of features (B, C, H, W), in the features' memory format."""
    batch, channels, height, width = features.shape
    matrix, shift = matrix.to(features.dtype), shift.to(features.dtype)
    if features.is_contiguous(memory_format=torch.channels_last):
        flat = features.permute(0, 2, 3, 1).reshape(batch, height * width, channels)
        out = torch.baddbmm(shift[:, None, :], flat, matrix.transpose(1, 2))
        return out.view(batch, height, width, channels).permute(0, 3, 1, 2)
    return torch.baddbmm(shift[:, :, None], matrix, features.flatten(2)).view_as(features)
