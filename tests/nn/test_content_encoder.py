from __future__ import annotations

import pytest
import torch
from torch import nn

from ir_transfer.labels.soft_labels import CLASSES
from ir_transfer.nn import content_encoder
from ir_transfer.nn.content_encoder import CLASS_COUNT, STRIDES, ContentEncoder, class_probabilities


def small(norm: bool = False) -> ContentEncoder:
    torch.manual_seed(0)
    return ContentEncoder((4, 6, 8, 10, 12), (0, 1, 1, 2, 1), 8, norm)


@pytest.mark.parametrize("size", [(16, 16), (17, 40), (33, 16), (97, 130)])
@torch.inference_mode()
def test_any_size_gives_all_levels_and_logits_at_stride_4(size: tuple[int, int]) -> None:
    found = small()(torch.rand(2, 3, *size))
    expected = [tuple(-(-side // stride) for side in size) for stride in STRIDES]
    assert [tuple(level.shape[-2:]) for level in found.levels] == expected
    assert [level.shape[1] for level in found.levels] == [4, 6, 8, 10, 12]
    assert found.logits.shape == (2, CLASS_COUNT, *expected[1])
    assert all(level.isfinite().all() for level in (*found.levels, found.logits))


@torch.inference_mode()
def test_images_are_padded_by_reflection() -> None:
    """Features near the border equal those of an image that contains the mirrored content."""
    encoder, image = small(), torch.rand(1, 3, 96, 128)
    larger = torch.nn.functional.pad(image, (64, 64, 64, 64), mode="reflect")
    for stride, level, whole in zip(STRIDES[:3], encoder(image).levels, encoder(larger).levels, strict=False):
        margin = 64 // stride
        inner = whole[..., margin : margin + 96 // stride, margin : margin + 128 // stride]
        torch.testing.assert_close(level, inner, atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_smallest_images_are_padded_by_reflection() -> None:
    ramp = torch.arange(16.0)[None, None, None].expand(1, 3, 16, 16)
    found = content_encoder._mirrored(ramp, -1)[0, 0, 0]
    assert found.tolist() == [15 - abs(15 - abs(i) % 30) for i in range(-32, 48)]


def test_classes_equal_those_of_the_labels() -> None:
    assert len(CLASSES) == CLASS_COUNT
    probabilities = class_probabilities(small()(torch.rand(1, 3, 32, 48)).logits.bfloat16())
    assert probabilities.dtype == torch.float32
    torch.testing.assert_close(probabilities.sum(1), torch.ones(1, 8, 12))


@torch.no_grad()
def test_folded_encoder_equals_the_normalised_one() -> None:
    encoder = small(norm=True).train()
    for module in encoder.modules():
        if isinstance(module, nn.BatchNorm2d):  # far from the identity that it begins as
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.normal_(module.bias)
    for _ in range(4):
        encoder(torch.rand(4, 3, 64, 64) * 0.7 + 0.2)
    images, folded = torch.rand(2, 3, 50, 70), encoder.folded()
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    assert not folded.training
    expected, found = encoder.eval()(images), folded(images)
    for wanted, level in zip((*expected.levels, expected.logits), (*found.levels, found.logits), strict=True):
        torch.testing.assert_close(level, wanted, atol=1e-4, rtol=1e-4)
    assert (encoder.train()(images).logits - expected.logits).abs().max() > 1e-2, (
        "the folded moments are the running ones"
    )


@torch.inference_mode()
def test_folding_a_plain_encoder_changes_nothing() -> None:
    encoder, images = small(), torch.rand(1, 3, 40, 40)
    assert torch.equal(encoder.folded()(images).logits, encoder(images).logits)


@torch.inference_mode()
def test_class_head_uses_global_context() -> None:
    encoder, image = small().double(), torch.rand(1, 3, 32, 512).double()
    other = image.clone()
    other[..., 448:] = 1
    change = (encoder(image).logits - encoder(other).logits)[..., 0].abs().max()
    encoder.context.weight.zero_()
    assert not (encoder(image).logits - encoder(other).logits)[..., 0].any(), "too far for the convolutions"
    assert change > 1e-8


@torch.inference_mode()
def test_channels_last_and_batches_agree() -> None:
    encoder, images = small(), torch.rand(3, 3, 45, 61)
    last = small().to(memory_format=torch.channels_last)(images.to(memory_format=torch.channels_last))
    singly = torch.cat([encoder(image[None]).logits for image in images])
    torch.testing.assert_close(last.logits, singly, atol=1e-5, rtol=1e-4)
