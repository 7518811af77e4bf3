"""The reference networks implement the equations of their papers."""

from __future__ import annotations

import pytest
import torch

from ir_transfer.evaluation.benchmark.common_networks import CommonAdaIN, CommonWCT2, _transfer


@torch.inference_mode()
def test_adain_keeps_the_size_and_depends_on_the_exemplar() -> None:
    torch.manual_seed(0)
    network = CommonAdaIN().eval()
    for parameter in network.parameters():
        if parameter.dim() == 4:
            torch.nn.init.kaiming_normal_(parameter)
    content, exemplar = torch.rand(1, 3, 64, 96), torch.rand(1, 3, 64, 64)
    output = network(content, exemplar)
    assert output.shape == content.shape
    assert torch.equal(output, network(content, exemplar))
    assert not torch.allclose(output, network(content, exemplar * 0.5))


@torch.inference_mode()
def test_whitening_and_colouring_give_the_exemplars_covariance() -> None:
    torch.manual_seed(0)
    # Large against the identity that is added to both covariances.
    content, style = 100 * torch.rand(1, 5, 30, 30), 100 * torch.rand(1, 5, 20, 40) ** 2
    moved = _transfer(content, style)[0].flatten(1)
    assert torch.allclose(moved.cov(), style[0].flatten(1).cov(), rtol=0.01, atol=5)
    assert torch.allclose(moved.mean(1), style[0].flatten(1).mean(1), atol=0.1)


@torch.inference_mode()
def test_haar_components_reconstruct_the_feature() -> None:
    network = CommonWCT2()
    feature = torch.rand(1, 64, 16, 24)
    spread = [
        torch.nn.functional.conv_transpose2d(part, f.expand(64, -1, -1, -1), stride=2, groups=64)
        for part, f in zip(network._pool(feature), network._filters(), strict=True)
    ]
    assert torch.allclose(torch.stack(spread).sum(0), feature, atol=1e-5)


@pytest.mark.parametrize("size", [(64, 64), (64, 96)])
@torch.inference_mode()
def test_wct2_keeps_the_size_of_the_content(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    output = CommonWCT2().eval()(torch.rand(1, 3, *size), torch.rand(1, 3, 64, 64))
    assert output.shape == (1, 3, *size)
    assert output.isfinite().all()
