from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ir_transfer import create_model
from ir_transfer.errors import InputError, WeightsError
from ir_transfer.models.msgnet.model import MSGNet
from ir_transfer.models.msgnet.network import Block
from ir_transfer.models.msgnet.paper import PaperMSGNet
from ir_transfer.nn.comatch import CoMatch
from ir_transfer.nn.gram import gram_matrix
from ir_transfer.nn.resize import resize_short_side
from ir_transfer.nn.thermal.exemplar_encoder import standardised
from tests.models.small_thermal import SMALL_THERMAL, scene, small_thermal

PAPER: dict[str, Any] = {"size": "paper", "widths": (8, 16), "blocks": 1, "brush": 32}


@pytest.fixture
def model() -> MSGNet:
    made = small_thermal("msgnet")
    assert isinstance(made, MSGNet)
    for match in made.matches:
        assert isinstance(match, CoMatch)
        match.weight.data = 0.3 * torch.randn_like(match.weight)
    return made


@pytest.fixture
def paper() -> PaperMSGNet:
    torch.manual_seed(0)
    made = create_model("msgnet", weights=None, **PAPER)
    assert isinstance(made, PaperMSGNet)
    return made


# -- compact ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", range(4))
@torch.inference_mode()
def test_features_follow_equation_4_and_get_mean_and_deviation(model: MSGNet, level: int) -> None:
    exemplar = scene(60, 80, 1, channels=1)
    style = model.prepare([exemplar], white_hot=True).tensors
    theirs = model.exemplar_encoder(standardised(exemplar))[level]
    features = 3 * torch.randn(1, model.neck.widths[level], 12, 15) + 2

    def normal(planes: Tensor) -> Tensor:  # positions x channels, standardised
        flat = planes[0].flatten(1).T
        return (flat - flat.mean(0)) / flat.std(0)

    own, exemplars = normal(features), normal(theirs)
    weight = model.matches[level].weight
    assert isinstance(weight, Tensor)
    matched = own + own @ weight @ (exemplars.T @ exemplars / len(exemplars))
    flat = theirs[0].flatten(1)
    expected = (matched * flat.std(1) + flat.mean(1)).T.view_as(features)
    found = model.align(level, features, model.measure(features), style)
    torch.testing.assert_close(found, expected, atol=0.03, rtol=0.03)


@torch.inference_mode()
def test_initialised_from_adain_it_equals_adain() -> None:
    adain, model = small_thermal("adain"), small_thermal("msgnet", seed=1)
    model.adopt(adain)
    own, theirs = model.state_dict(), adain.state_dict()
    assert own.keys() - theirs.keys() == {f"matches.{level}.weight" for level in range(4)}
    assert all(torch.equal(own[name], tensor) for name, tensor in theirs.items())
    content, exemplar = scene(96, 128), scene(60, 80, 1, channels=1)
    one, other = (m(content, m.prepare([exemplar], white_hot=True)) for m in (adain, model))
    torch.testing.assert_close(other, one, atol=1e-4, rtol=0)


def test_every_matrix_receives_a_gradient_from_the_first_step() -> None:
    model = small_thermal("msgnet").train()
    style = model.encode(torch.rand(2, 1, 40, 48), torch.tensor([True, False]))
    model.translate(torch.rand(2, 3, 64, 64), style, 1.0, None).square().sum().backward()  # type: ignore[no-untyped-call]
    matrices = {name: p.grad for name, p in model.named_parameters() if name.startswith("matches.")}
    assert len(matrices) == 4
    assert [name for name, grad in matrices.items() if grad is None or not grad.any()] == []


@torch.inference_mode()
def test_result_depends_on_the_gram_matrix(model: MSGNet) -> None:
    content, style = scene(64, 80), model.prepare([scene(60, 80, 1, channels=1)], white_hot=True).tensors
    identity = {name: torch.eye(t.shape[-1])[None] if name.endswith(".gram") else t for name, t in style.items()}
    one, other = (model.translate(content, tensors, 1.0, None) for tensors in (style, identity))
    assert (one - other).abs().mean() > 1e-3


def stripes(period: int) -> Tensor:
    wave = (torch.arange(512) // (period // 2) % 2).float()
    return wave.expand(1, 1, 256, 512)


@torch.inference_mode()
def test_brush_size_sets_the_texture_scale(model: MSGNet) -> None:
    def gram(brush: int, exemplar: Tensor) -> Tensor:
        model.configure({"brush": str(brush)})
        return model.prepare([exemplar], white_hot=True).tensors[
            "level0.gram"
        ]  # at stride 4, of which the stripes have two

    fine, coarse = gram(128, stripes(16)), gram(256, stripes(16))
    assert (fine - coarse).abs().max() > 0.05
    # Stripes of half the period at twice the brush are the same stripes, but for the shrinking.
    assert (gram(256, stripes(8)) - fine).abs().mean() < 0.8 * (coarse - fine).abs().mean()


@torch.inference_mode()
def test_brushes_give_different_images(model: MSGNet) -> None:
    content, exemplar, images = scene(64, 80), stripes(16), []
    for brush in ("32", "64", "128"):
        model.configure({"brush": brush})
        images.append(model(content, model.prepare([exemplar], white_hot=True)))
    assert (images[0] - images[1]).abs().mean() > 2e-3
    assert (images[1] - images[2]).abs().mean() > 2e-3


def test_training_draws_brushes_and_inference_uses_the_given_one(monkeypatch: pytest.MonkeyPatch) -> None:
    model = small_thermal("msgnet", brush=40, brushes=(16, 24, 32))
    assert isinstance(model, MSGNet)
    seen: list[int] = []
    encode = model.exemplar_encoder.forward

    def remember(exemplars: Tensor, short_side: int) -> list[Tensor]:
        seen.append(short_side)
        return encode(exemplars, short_side)

    monkeypatch.setattr(model.exemplar_encoder, "forward", remember)
    exemplar = torch.rand(1, 1, 40, 48)
    torch.manual_seed(0)
    model.train()
    for _ in range(40):
        model.encode_style(exemplar)
    assert set(seen) == {16, 24, 32}
    drawn = seen.copy()
    torch.manual_seed(0)
    seen.clear()
    for _ in range(40):
        model.encode_style(exemplar)
    assert seen == drawn, "torch's seed decides"
    seen.clear()
    model.eval().encode_style(exemplar)
    assert seen == [40]


def test_style_codes_interpolate(model: MSGNet) -> None:
    exemplars = [torch.rand(1, 1, 40, 60), torch.rand(1, 1, 33, 50)]
    one, other = (model.prepare([exemplar], white_hot=True).tensors for exemplar in exemplars)
    blend = model.prepare(exemplars, weights=[1, 3], white_hot=True).tensors
    for name in one:
        torch.testing.assert_close(blend[name], 0.25 * one[name] + 0.75 * other[name])


@pytest.mark.parametrize("arguments", [{"brush": 8}, {"brushes": ()}, {"brushes": (32, 8)}], ids=str)
def test_rejects_invalid_brushes(arguments: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="a brush, and one or more brushes for the training, of at least 16"):
        create_model("msgnet", weights=None, **SMALL_THERMAL, **arguments)


def test_brush_of_the_file_can_be_overridden(model: MSGNet, tmp_path: Path) -> None:
    model.save(tmp_path / "weights.safetensors")
    assert create_model("msgnet", weights=tmp_path / "weights.safetensors", brush=32).hyper_parameters["brush"] == 32
    with pytest.raises(WeightsError, match="expected widths="):
        create_model("msgnet", weights=tmp_path / "weights.safetensors", widths=(8, 8, 8, 8, 8))


# -- the paper's size ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scale", "size"), [(0.5, (4, 6)), (1, (8, 12)), (2, (16, 24))])
def test_blocks_keep_halve_or_double_the_size(scale: float, size: tuple[int, int]) -> None:
    assert Block(6, 10, 3, scale)(torch.randn(1, 6, 8, 12)).shape == (1, 10, *size)


def test_block_without_its_branch_is_nearest_neighbour_resizing() -> None:
    block = Block(3, 3, 2, 2)
    for conv in (block.leave, block.shortcut):
        for parameter in conv.parameters():
            parameter.data.zero_()
    assert isinstance(block.shortcut, nn.Conv2d)
    block.shortcut.weight.data[:, :, 0, 0] = torch.eye(3)
    x = torch.randn(1, 3, 4, 4)
    torch.testing.assert_close(block(x), x.repeat_interleave(2, 2).repeat_interleave(2, 3))


def test_paper_size_stores_one_gram_matrix_of_the_shared_encoder(paper: PaperMSGNet) -> None:
    exemplar = torch.rand(1, 1, 40, 48)
    style = paper.prepare([exemplar])
    assert set(style.tensors) == {"level2.gram"}
    features = paper.encoder(resize_short_side(exemplar, 32, 2).expand(-1, 3, -1, -1))
    torch.testing.assert_close(style.tensors["level2.gram"], gram_matrix(features[-1]))


def test_paper_size_reproduces_the_content_if_the_weight_inverts_the_gram_matrix(paper: PaperMSGNet) -> None:
    gray = torch.rand(1, 1, 32, 40)
    style, content = paper.double().prepare([gray.double()]), gray.double().expand(-1, 3, -1, -1)
    match = paper.matches[0]
    assert isinstance(match, CoMatch)
    match.weight.data = torch.linalg.pinv(style.tensors["level2.gram"][0])
    torch.testing.assert_close(paper(content, style, 1.0), paper(content, style, 0.0))


def test_size_is_read_from_the_file(paper: PaperMSGNet, tmp_path: Path) -> None:
    paper.save(tmp_path / "weights.safetensors")
    assert isinstance(create_model("msgnet", weights=tmp_path / "weights.safetensors"), PaperMSGNet)
    with pytest.raises(WeightsError, match="expected size='paper'"):
        create_model("msgnet", weights=tmp_path / "weights.safetensors", size="compact")


@pytest.mark.parametrize(
    "arguments", [{"size": "huge"}, {"widths": (8,)}, {"brush": 8}, {"widths": (4,) * 6, "brush": 16}], ids=str
)
def test_rejects_an_unknown_size(arguments: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="compact, paper" if "size" in arguments else "two or more widths and a brush"):
        create_model("msgnet", weights=None, **{"size": "paper", **arguments})
