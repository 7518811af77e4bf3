import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer.errors import InputError
from ir_transfer.nn import patch_swap
from ir_transfer.nn.patch_swap import nearest_patches, paste_patches, swap_patches


def by_definition(content: Tensor, exemplar: Tensor, patch: int, stride: int) -> Tensor:
    """Equation 1 and the average of overlaps, patch by patch, for (C, H, W) with sides divisible by the stride."""
    candidates = F.unfold(exemplar[None], patch)[0].T
    total, count = torch.zeros_like(content), torch.zeros_like(content)
    for y in range(0, content.shape[1] - patch + 1, stride):
        for x in range(0, content.shape[2] - patch + 1, stride):
            place = (slice(None), slice(y, y + patch), slice(x, x + patch))
            similarity = F.cosine_similarity(content[place].reshape(1, -1), candidates)
            total[place] += candidates[similarity.argmax()].view_as(total[place])
            count[place] += 1
    return total / count


@pytest.mark.parametrize(("patch", "stride"), [(3, 1), (3, 2), (1, 1), (4, 3)])
def test_equals_the_definition(patch: int, stride: int) -> None:
    content, exemplar = torch.randn(2, 3, 13, 13), torch.randn(2, 3, 8, 9)
    expected = torch.stack([by_definition(c, e, patch, stride) for c, e in zip(content, exemplar, strict=True)])
    torch.testing.assert_close(swap_patches(content, exemplar, patch, stride), expected)


@pytest.mark.parametrize(("patch", "stride"), [(3, 1), (3, 2), (5, 4), (1, 1)])
def test_image_swapped_with_itself_is_unchanged(patch: int, stride: int) -> None:
    image = torch.randn(1, 4, 17, 13)
    torch.testing.assert_close(swap_patches(image, image, patch, stride), image)


def test_one_exemplar_applies_to_a_batch() -> None:
    content, exemplar = torch.randn(3, 2, 9, 10), torch.randn(1, 2, 6, 7)
    alone = torch.cat([swap_patches(one[None], exemplar) for one in content])
    torch.testing.assert_close(swap_patches(content, exemplar), alone)


def test_equals_the_transposed_convolution_of_the_chosen_patches() -> None:
    content, exemplar = torch.randn(2, 9, 10), torch.randn(2, 6, 7)
    numbers = nearest_patches(content, exemplar)
    kernels = F.unfold(exemplar[None], 3)[0].T.reshape(-1, 2, 3, 3)
    chosen = F.one_hot(numbers, len(kernels)).permute(2, 0, 1)[None].float()
    total = F.conv_transpose2d(chosen, kernels)
    count = F.conv_transpose2d(torch.ones(1, 1, *numbers.shape), torch.ones(1, 1, 3, 3))
    torch.testing.assert_close(paste_patches(exemplar, numbers, (9, 10))[None], total / count)


def test_does_not_depend_on_the_chunk_size(monkeypatch: pytest.MonkeyPatch) -> None:
    content, exemplar = torch.randn(2, 21, 10), torch.randn(2, 6, 7)
    whole = nearest_patches(content, exemplar, 3, 2)
    monkeypatch.setattr(patch_swap, "_SCORES", 1)
    assert torch.equal(nearest_patches(content, exemplar, 3, 2), whole)


@pytest.mark.parametrize("size", [(2, 2), (3, 11), (10, 8)])
def test_sizes_not_divisible_by_the_stride_are_covered(size: tuple[int, int]) -> None:
    output = swap_patches(torch.rand(1, 2, *size), torch.rand(1, 2, 5, 5) + 1, 3, 2)
    assert output.shape == (1, 2, *size)
    assert output.min() >= 1, "also false for NaN: a position that no patch covers"


def test_flat_and_zero_features_stay_finite() -> None:
    for level in (0.0, 1.0):
        flat = torch.full((1, 2, 6, 6), level)
        torch.testing.assert_close(swap_patches(flat, flat), flat)


def test_gradient_flows_only_to_the_chosen_patches() -> None:
    content = torch.randn(1, 2, 4, 4, requires_grad=True)
    exemplar = torch.cat([content.detach(), -content.detach()], dim=3).requires_grad_()
    swap_patches(content, exemplar).sum().backward()  # type: ignore[no-untyped-call]
    assert content.grad is None
    assert exemplar.grad is not None
    torch.testing.assert_close(exemplar.grad[..., :4], torch.ones(1, 2, 4, 4))
    assert not exemplar.grad[..., 4:].any()


def test_rejects_an_exemplar_smaller_than_the_patch() -> None:
    with pytest.raises(InputError, match="at least 5x5 features, the swap's patch, got 4x9"):
        swap_patches(torch.rand(1, 2, 9, 9), torch.rand(1, 2, 4, 9), 5)


def test_rejects_a_stride_that_leaves_gaps() -> None:
    with pytest.raises(InputError, match="stride of 1 to 3, the patch, got 4"):
        swap_patches(torch.rand(1, 2, 9, 9), torch.rand(1, 2, 5, 5), 3, 4)
