from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ir_transfer import create_model
from ir_transfer.errors import InputError, WeightsError
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.msgnet.model import MSGNet
from ir_transfer.models.msgnet.network import Block
from ir_transfer.nn.gram import gram_matrix
from ir_transfer.nn.resize import resize_short_side

SMALL: dict[str, Any] = {"widths": (4, 8, 8), "blocks": 1, "brush": 32}
PAPER: dict[str, Any] = {"size": "paper", "widths": (8, 16), "blocks": 1, "brush": 32}


@pytest.fixture
def model() -> TranslationModel:
    torch.manual_seed(0)
    return create_model("msgnet", weights=None, **SMALL)


@pytest.fixture
def paper() -> MSGNet:
    torch.manual_seed(0)
    made = create_model("msgnet", weights=None, **PAPER)
    assert isinstance(made, MSGNet)
    return made


def test_ships_less_than_a_million_parameters() -> None:
    assert sum(p.numel() for p in create_model("msgnet", weights=None).parameters()) <= 1_000_000


@pytest.mark.parametrize(("scale", "size"), [(0.5, (4, 6)), (1, (8, 12)), (2, (16, 24))])
def test_blocks_keep_halve_or_double(scale: float, size: tuple[int, int]) -> None:
    assert Block(6, 10, 3, scale, "replicate")(torch.randn(1, 6, 8, 12)).shape == (1, 10, *size)


def test_a_block_without_its_branch_is_the_nearest_neighbour() -> None:
    block = Block(3, 3, 2, 2, "reflect")
    for conv in (block.leave, block.shortcut):
        for parameter in conv.parameters():
            parameter.data.zero_()
    assert isinstance(block.shortcut, nn.Conv2d)
    block.shortcut.weight.data[:, :, 0, 0] = torch.eye(3)
    x = torch.randn(1, 3, 4, 4)
    torch.testing.assert_close(block(x), x.repeat_interleave(2, 2).repeat_interleave(2, 3))


def test_paper_size_keeps_one_gram_matrix_of_the_shared_encoder(paper: MSGNet) -> None:
    exemplar = torch.rand(1, 1, 40, 48)
    style = paper.prepare([exemplar])
    assert set(style.tensors) == {"level2.gram"}
    features = paper.encoder(resize_short_side(exemplar, 32, 2).expand(-1, 3, -1, -1))
    torch.testing.assert_close(style.tensors["level2.gram"], gram_matrix(features[-1]))


def test_paper_size_gives_back_the_content_where_the_weight_undoes_its_gram_matrix(paper: MSGNet) -> None:
    gray = torch.rand(1, 1, 32, 40)
    style, content = paper.double().prepare([gray.double()]), gray.double().expand(-1, 3, -1, -1)
    paper.matches[0].weight.data = torch.linalg.pinv(style.tensors["level2.gram"][0])
    torch.testing.assert_close(paper(content, style, 1.0), paper(content, style, 0.0))


def test_inverted_exemplar_gives_exactly_the_inverted_picture(model: TranslationModel) -> None:
    content, exemplar = torch.rand(1, 3, 48, 64), torch.rand(1, 1, 40, 60)
    upright = model(content, model.prepare([exemplar], white_hot=True))
    inverted = model(content, model.prepare([1 - exemplar], white_hot=False))
    torch.testing.assert_close(inverted, 1 - upright, atol=1e-5, rtol=0)


def test_gain_and_offset_of_the_exemplar_become_those_of_the_picture(model: TranslationModel) -> None:
    content, exemplar = torch.rand(1, 3, 32, 32), torch.rand(1, 1, 32, 32)
    model.train()  # no clamp
    picture = model(content, model.prepare([exemplar], white_hot=True))
    darker = model(content, model.prepare([0.5 * exemplar + 0.1], white_hot=True))
    torch.testing.assert_close(darker, 0.5 * picture + 0.1, atol=5e-3, rtol=0)


def test_at_strength_0_the_exemplar_has_no_say_beyond_its_polarity(model: TranslationModel) -> None:
    content = torch.rand(1, 3, 32, 32)
    styles = [model.prepare([torch.rand(1, 1, 40, 60)], white_hot=True) for _ in range(2)]
    assert torch.equal(*(model(content, style, 0.0) for style in styles))


def test_strength_moves_monotonically_from_the_photograph(model: TranslationModel) -> None:
    content, style = torch.rand(1, 3, 32, 32), model.prepare([torch.rand(1, 1, 40, 60)])
    model.train()
    zero = model(content, style, 0.0)
    distances = [(model(content, style, s) - zero).abs().mean().item() for s in (0.0, 0.3, 0.6, 1.0)]
    assert distances[0] == 0
    assert distances == sorted(distances)


def test_codes_interpolate(model: TranslationModel) -> None:
    exemplars = [torch.rand(1, 1, 40, 60), torch.rand(1, 1, 33, 50)]
    one, other = (model.prepare([exemplar], white_hot=True).tensors for exemplar in exemplars)
    blend = model.prepare(exemplars, weights=[1, 3], white_hot=True).tensors
    for name in one:
        torch.testing.assert_close(blend[name], 0.25 * one[name] + 0.75 * other[name])


def stripes(period: int) -> Tensor:
    wave = (torch.arange(128) // (period // 2) % 2).float()
    return wave.expand(1, 1, 64, 128)


def test_the_brush_sees_a_texture_at_its_size(tmp_path: Path) -> None:
    torch.manual_seed(0)
    create_model("msgnet", weights=None, **SMALL).save(tmp_path / "weights.safetensors")

    def gram(brush: int, exemplar: Tensor) -> Tensor:
        model = create_model("msgnet", weights=tmp_path / "weights.safetensors", brush=brush)
        return model.prepare([exemplar], white_hot=True).tensors["level1.gram"]

    fine, coarse = gram(32, stripes(16)), gram(64, stripes(16))
    assert (fine - coarse).abs().max() > 0.05
    # Stripes of half the period at twice the brush are the same stripes, but for the shrinking.
    assert (gram(64, stripes(8)) - fine).abs().mean() < 0.5 * (coarse - fine).abs().mean()


@pytest.mark.parametrize(
    "arguments", [{"size": "huge"}, {"widths": (8,)}, {"brush": 8}, {"widths": (4,) * 6, "brush": 16}], ids=str
)
def test_refuses_a_size_that_cannot_be(arguments: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="compact, paper" if "size" in arguments else "two or more widths and a brush"):
        create_model("msgnet", weights=None, **arguments)


def test_other_widths_than_the_files_are_refused(model: TranslationModel, tmp_path: Path) -> None:
    model.save(tmp_path / "weights.safetensors")
    with pytest.raises(WeightsError, match="expected widths="):
        create_model("msgnet", weights=tmp_path / "weights.safetensors", widths=(8, 8, 8))
