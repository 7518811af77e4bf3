"""Style swap: every patch of the content is replaced by the exemplar's most similar one (Chen and Schmidt 2016)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.errors import InputError

_SCORES = 1 << 23  # similarities in memory at a time: 32 MiB


def check_patch(features: Tensor, patch: int) -> None:
    """Check that exemplar features (B, C, h, w) contain at least one patch.

    Raises:
        InputError: A side is shorter than the patch.
    """
    if min(features.shape[-2:]) < patch:
        raise InputError(
            f"expected an exemplar of at least {patch}x{patch} features, the swap's patch, got "
            f"{features.shape[-2]}x{features.shape[-1]}: use a larger exemplar or a smaller patch"
        )


def nearest_patches(content: Tensor, exemplar: Tensor, patch: int = 3, stride: int = 1) -> Tensor:
    """Return the index of the exemplar's most similar patch for every patch of the content.

    Similarity is the normalised cross correlation ``<phi_i(C), phi_j(S)> / (|phi_i(C)| |phi_j(S)|)`` (equation 1). The
    content's norm does not affect the maximum and is left out, so this is a convolution with the exemplar's patches and
    an argmax over its channels (section 3.2). Rows of the content are processed in blocks, which bounds the memory.
    Computed without gradient, in float32 or better.

    Args:
        content: (C, H, W).
        exemplar: (C, h, w).
        patch: Side of a patch.
        stride: Step between the content's patches; all patches of the exemplar are used.

    Returns:
        Patch numbers (rows, columns); ``y * (w - patch + 1) + x`` is the exemplar's patch at row y and column x.
    """
    with torch.no_grad(), torch.autocast(content.device.type, enabled=False):
        kind = torch.promote_types(content.dtype, torch.float32)
        image = content.to(kind)[None]
        patches = F.unfold(exemplar.to(kind)[None], patch)[0].T
        patches = patches / patches.norm(dim=1, keepdim=True).clamp(min=1e-12)
        kernels = patches.view(-1, len(content), patch, patch)
        rows = (content.shape[1] - patch) // stride + 1
        columns = (content.shape[2] - patch) // stride + 1
        step = max(1, _SCORES // (len(kernels) * columns))
        found = []
        for start in range(0, rows, step):
            end = (min(start + step, rows) - 1) * stride + patch
            found.append(F.conv2d(image[:, :, start * stride : end], kernels, stride=stride).argmax(dim=1)[0])
        return torch.cat(found)


def paste_patches(exemplar: Tensor, numbers: Tensor, size: tuple[int, int], patch: int = 3, stride: int = 1) -> Tensor:
    """Compose an image from patches of the exemplar by index, and average overlaps.

    Equals the transposed convolution of the one-hot indices with the exemplar's patches, divided by the number of
    patches at each position (section 3.2), computed as one gather per position within a patch.

    Args:
        exemplar: (C, h, w); differentiable.
        numbers: From :func:`nearest_patches`.
        size: Height and width of the content; every position must be covered by a patch.
        patch: Side of a patch.
        stride: Step between the content's patches.

    Returns:
        (C, H, W).
    """
    width = exemplar.shape[2]
    corners = numbers // (width - patch + 1) * width + numbers % (width - patch + 1)
    features = exemplar.flatten(1).T.contiguous()  # channels innermost, so that a gather copies contiguous vectors
    total, count = features.new_zeros((*size, features.shape[1])), features.new_zeros((*size, 1))
    rows, columns = ((length - 1) * stride + 1 for length in numbers.shape)
    for y in range(patch):
        for x in range(patch):
            place = (slice(y, y + rows, stride), slice(x, x + columns, stride))
            total[place] += features[(corners + y * width + x).flatten()].view(*numbers.shape, -1)
            count[place] += 1
    return (total / count).permute(2, 0, 1)


def swap_patches(content: Tensor, exemplar: Tensor, patch: int = 3, stride: int = 1) -> Tensor:
    """Replace every patch of the content by the exemplar's most similar one, averaged where they overlap.

    Swapping an image with itself is the identity if the strides end at its border. The gradient is that of the
    exemplar's selected patches; the selection has none.

    Args:
        content: Features (B, C, H, W).
        exemplar: Features (B or 1, C, h, w).
        patch: Side of a patch.
        stride: Step between the content's patches; at most ``patch``, or there would be gaps.

    Returns:
        (B, C, H, W).

    Raises:
        InputError: The exemplar is smaller than a patch, or the stride leaves gaps.
    """
    check_patch(exemplar, patch)
    if not 1 <= stride <= patch:
        raise InputError(f"expected a stride of 1 to {patch}, the patch, got {stride}")
    height, width = content.shape[-2:]
    # Padded so that patches cover all positions.
    down, right = (max(patch - side, -(side - patch) % stride) for side in (height, width))
    padded = F.pad(content, (0, right, 0, down), mode="replicate")
    size = (height + down, width + right)
    swapped = []
    for one, style in zip(padded, exemplar.expand(len(content), -1, -1, -1), strict=True):
        numbers = nearest_patches(one, style, patch, stride)
        swapped.append(paste_patches(style, numbers, size, patch, stride)[:, :height, :width])
    return torch.stack(swapped)
