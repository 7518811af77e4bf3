from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from ir_transfer.models.wct2.network import BANDS, WaveletDecoder, WaveletEncoder, WaveletUnpool
from torch import Tensor, nn

from ir_transfer import create_model
from ir_transfer.errors import InputError, WeightsError
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.wct2.paper import PaperWCT2
from ir_transfer.models.wct2.paper_network import PaperNetwork
from ir_transfer.nn.moments import Statistics, covariance_moments
from ir_transfer.nn.wct import exact_square_roots, recolour, regularised

COMPACT: Mapping[str, Any] = {"widths": (4, 8, 16), "depths": (1, 2, 1)}
PAPER: Mapping[str, Any] = {"size": "vgg19", "widths": (4, 8, 8, 16)}


def make(arguments: Mapping[str, Any]) -> TranslationModel:
    torch.manual_seed(0)
    return create_model("wct2", weights=None, **arguments)


def scene(*shape: int, seed: int) -> Tensor:
    """Return a smooth picture with noise, so that every band has a variance."""
    generator = torch.Generator().manual_seed(seed)
    coarse = F.interpolate(torch.rand(*shape[:2], 4, 5, generator=generator), shape[2:], mode="bilinear")
    return (coarse + 0.05 * torch.randn(shape, generator=generator)).clamp(0, 1)


@pytest.mark.parametrize("unpool", ["sum", "cat5"])
@torch.inference_mode()
def test_unpooling_puts_every_band_back_in_its_place(unpool: str) -> None:
    """The mixture begins as the identity, and without the feature it is the inverse of what the encoder pools by."""
    layer = WaveletUnpool(4, unpool)
    if unpool == "cat5":
        for parameter in layer.feature.parameters():
            parameter.zero_()
    features = scene(2, 4, 16, 24, seed=0)
    encoder = WaveletEncoder((4, 4), (1, 1), 4)
    encoder.levels = nn.ModuleList([nn.Identity(), nn.Identity()])
    found = encoder(features)
    torch.testing.assert_close(layer(found["level2"], [found[f"level1.{b}"] for b in BANDS], features), features)


@pytest.mark.parametrize("unpool", ["sum", "cat5"])
@pytest.mark.parametrize("size", ["compact", "paper"])
@torch.inference_mode()
def test_the_decoder_swaps_no_bands(size: str, unpool: str) -> None:
    """What is constant along one side stays so; a band of the other side in its place would make a pattern of it."""
    torch.manual_seed(0)
    widths, depths = (4, 8, 16), (2, 2, 2)
    paper = PaperNetwork(widths, depths, unpool, 1)
    encoder, decoder = WaveletEncoder(widths, depths, 3), WaveletDecoder(widths, depths, 1, unpool)

    def translate(picture: Tensor) -> Tensor:
        if size == "compact":
            found: Tensor = decoder(encoder(picture))
            return found
        return paper.decode(*paper.encode(picture, lambda _, x: x), lambda _, x: x)

    line = torch.rand(1, 3, 1, 64)
    columns, rows = translate(line.expand(-1, -1, 48, -1)), translate(line.mT.expand(-1, -1, -1, 48))
    for varied, along in ((columns, -1), (rows, -2)):
        assert varied.std(dim=along).mean() > 1e-4
        assert varied.std(dim=-3 - along).max() < 1e-3 * varied.std(dim=along).mean()


def test_inverted_exemplar_gives_the_inverted_picture() -> None:
    model = make(COMPACT)
    content, exemplar = scene(1, 3, 48, 64, seed=0), scene(1, 1, 40, 60, seed=1)
    pairs = ((exemplar, True), (1 - exemplar, False))
    upright, inverted = (model(content, model.prepare([e], white_hot=white)) for e, white in pairs)
    torch.testing.assert_close(inverted, 1 - upright, atol=1e-4, rtol=0)


def test_tiles_with_the_pictures_statistics_equal_the_whole() -> None:
    model = make(COMPACT)
    content, style = scene(1, 3, 64, 192, seed=0), model.prepare([scene(1, 1, 40, 60, seed=1)])
    statistics = model.content_statistics(content)
    left = model(content[..., :128], style, statistics=statistics)[..., :96]
    right = model(content[..., 64:], style, statistics=statistics)[..., 32:]
    torch.testing.assert_close(torch.cat([left, right], dim=-1), model(content, style), atol=1e-4, rtol=0)


@torch.inference_mode()
def test_more_levels_need_a_larger_multiple() -> None:
    model = make({"widths": (4, 4, 4, 4, 4), "depths": (1, 1, 1, 1, 1)})
    style = model.prepare([scene(1, 1, 40, 57, seed=1)])
    assert model(scene(1, 3, 24, 40, seed=0), style).shape == (1, 1, 24, 40)


def test_statistics_of_tiles_add_up() -> None:
    model = make(COMPACT)
    tile = scene(1, 3, 32, 32, seed=0)
    once = model.content_statistics(tile)
    twice = Statistics.total([once, once])
    for place, moments in once.places.items():
        torch.testing.assert_close(twice[place].mean, moments.mean)
        torch.testing.assert_close(twice[place].scatter, 2 * moments.scatter, atol=1e-4, rtol=1e-4)


def test_learns_two_pairs_of_both_polarities() -> None:
    model = make({"widths": (8, 16, 24), "depths": (1, 1, 2)}).train()
    content = scene(2, 3, 32, 32, seed=3)
    truth = (1 - content[:, :1]) * content[:, 2:]
    optimiser = torch.optim.AdamW(model.parameters(), 4e-3)
    errors = []
    for step in range(60):
        hot = torch.tensor([step % 2 == 0] * 2)
        wanted = truth if step % 2 == 0 else 1 - truth
        error = F.l1_loss(model.translate(content, model.encode(wanted, hot), torch.ones(2, 1), None), wanted)
        optimiser.zero_grad()
        error.backward()  # type: ignore[no-untyped-call]
        assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)
        optimiser.step()
        errors.append(error.item())
    assert min(errors[-4:]) < 0.35 * errors[0]


@pytest.mark.parametrize("arguments", [COMPACT, PAPER], ids=["compact", "paper"])
@pytest.mark.parametrize("level", [0.0, 0.5])
def test_gradients_stay_finite_on_flat_pictures(arguments: Mapping[str, Any], level: float) -> None:
    model = make(arguments).train()
    flat = torch.full((1, 3, 32, 32), level)
    output = model.translate(flat, model.encode(flat[:, :1], torch.tensor([True])), 1.0, None)
    output.sum().backward()  # type: ignore[no-untyped-call]
    assert output.isfinite().all()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize("arguments", [COMPACT, PAPER], ids=["compact", "paper"])
@torch.inference_mode()
def test_one_label_everywhere_equals_no_masks(arguments: Mapping[str, Any]) -> None:
    model = make(arguments)
    content, exemplar = scene(2, 3, 45, 52, seed=0), scene(1, 1, 48, 64, seed=1)
    plain = model(content, model.prepare([exemplar]))
    style = model.prepare([exemplar], masks=[torch.full((1, 1, 48, 64), 7)])
    masked = model(content, style, masks=torch.full((2, 1, 45, 52), 7))
    torch.testing.assert_close(masked, plain, atol=1e-4, rtol=0)
    absent = model(content, style, masks=torch.full((2, 1, 45, 52), 3))
    torch.testing.assert_close(absent, plain, atol=1e-4, rtol=0)


@pytest.mark.parametrize("arguments", [COMPACT, PAPER], ids=["compact", "paper"])
@torch.inference_mode()
def test_a_label_takes_the_look_of_the_same_label(arguments: Mapping[str, Any]) -> None:
    model = make(arguments).train()
    content = scene(1, 3, 96, 128, seed=0)
    labels = torch.zeros(1, 1, 96, 128, dtype=torch.int64)
    labels[..., 64:] = 1
    exemplars = [scene(1, 1, 96, 128, seed=seed) for seed in (1, 2)]
    # Two exemplars differ inside label 1 only: the picture then changes there, and hardly inside label 0.
    exemplars[1] = torch.where(labels == 1, exemplars[1], exemplars[0])
    outputs = [model(content, model.prepare([e], white_hot=True, masks=[labels]), masks=labels) for e in exemplars]
    change = (outputs[0] - outputs[1]).abs()
    assert change[..., 96:].mean() > 2 * change[..., :32].mean()  # the rest leaks through the receptive field


@torch.inference_mode()
def test_masks_of_several_exemplars_blend() -> None:
    model = make(COMPACT)
    exemplars = [scene(1, 1, 48, 64, seed=seed) for seed in (1, 2)]
    masks = [torch.zeros(1, 1, 48, 64, dtype=torch.uint8), torch.ones(1, 1, 48, 64, dtype=torch.uint8)]
    style = model.prepare(exemplars, [3, 1], masks=masks)
    output = model(scene(1, 3, 40, 40, seed=0), style, masks=torch.ones(1, 1, 40, 40, dtype=torch.int32))
    assert output.isfinite().all()


def test_refuses_masks_that_do_not_fit() -> None:
    model = make(COMPACT)
    content, exemplar = scene(1, 3, 32, 32, seed=0), scene(1, 1, 32, 32, seed=1)
    style = model.prepare([exemplar])
    with pytest.raises(InputError, match=r"integer mask of shape \(1, 1, 32, 32\), got torch.float32"):
        model(content, style, masks=torch.zeros(1, 1, 32, 32))
    with pytest.raises(InputError, match="integer mask of shape"):
        model.prepare([exemplar], masks=[torch.zeros(1, 1, 16, 32, dtype=torch.int64)])
    with pytest.raises(InputError, match="one mask per picture"):
        model.prepare([exemplar], masks=[])
    with pytest.raises(InputError, match="masks or statistics"):
        masks = torch.zeros(1, 1, 32, 32, dtype=torch.int64)
        model(content, style, masks=masks, statistics=model.content_statistics(content))
    gray = create_model("gray")
    with pytest.raises(InputError, match="no masks for model 'gray'"):
        gray.prepare([exemplar], masks=[torch.zeros(1, 1, 32, 32, dtype=torch.int64)])
    with pytest.raises(InputError, match="no masks for model 'gray'"):
        gray(content, gray.prepare([exemplar]), masks=torch.zeros(1, 1, 32, 32, dtype=torch.int64))


def places_of(model: TranslationModel, content: Tensor) -> dict[str, Tensor]:
    """Return the features of every place of the paper's encoder, as they are after transfer from ``style``."""
    assert isinstance(model, PaperWCT2)
    found: dict[str, Tensor] = {}

    def keep(place: str, features: Tensor) -> Tensor:
        found[place] = features
        return features

    model.network.encode(content, keep)
    return found


@pytest.mark.parametrize("unpool", ["sum", "cat5"])
@pytest.mark.parametrize("component", ["ll", "lh", "hl", "hh"])
@torch.inference_mode()
def test_a_component_alone_is_transferred(component: str, unpool: str) -> None:
    """Of one pooling: the component ends with the mean of the exemplar, the other three as they were."""
    arguments = {"size": "vgg19", "widths": (4, 8), "depths": (2, 1), "unpool": unpool, "transfer": (component,)}
    model = make(arguments)
    assert isinstance(model, PaperWCT2)
    assert model.places == {f"skip1.{component}"}
    content, exemplar = scene(1, 3, 64, 64, seed=0), scene(1, 1, 64, 64, seed=1)
    style = model.prepare([exemplar]).tensors
    untouched, recoloured = places_of(model, content), dict[str, Tensor]()

    def transfer(place: str, features: Tensor) -> Tensor:
        if place in model.places:
            moments = covariance_moments(features)
            whitening = exact_square_roots(regularised(moments, 0, 1))[1]
            features = recolour(features, moments.mean, whitening, style[f"{place}.mean"], style[f"{place}.colouring"])
        recoloured[place] = features
        return features

    model.network.encode(content, transfer)
    for place in (f"skip1.{band}" for band in ("ll", "lh", "hl", "hh")):
        if place not in model.places:
            assert torch.equal(recoloured[place], untouched[place])
    place = f"skip1.{component}"
    asked = places_of(model, exemplar.expand(-1, 3, -1, -1))[place]
    torch.testing.assert_close(recoloured[place].mean((2, 3)), asked.mean((2, 3)), atol=1e-4, rtol=1e-4)
    output, plain = model(content, model.prepare([exemplar])), model(content, model.prepare([exemplar]), 0.0)
    assert (output - plain).abs().max() > 1e-6


@pytest.mark.parametrize("unpool", ["sum", "cat5"])
@torch.inference_mode()
def test_components_by_name_are_the_skip(unpool: str) -> None:
    content, exemplar = scene(1, 3, 32, 48, seed=0), scene(1, 1, 40, 40, seed=1)
    for size in (COMPACT, PAPER):
        by_name, at_skip = (
            make({**size, "unpool": unpool, "transfer": transfer}) for transfer in (("hh", "lh", "hl"), ("skip",))
        )
        outputs = [model(content, model.prepare([exemplar], white_hot=True)) for model in (by_name, at_skip)]
        torch.testing.assert_close(*outputs, atol=1e-5, rtol=0)
    # With sum, LL before the deepest level is what the encoder's transfer takes.
    both, encoder = (make({**PAPER, "unpool": "sum", "transfer": t}) for t in (("encoder", "ll"), ("encoder",)))
    assert torch.equal(both(content, both.prepare([exemplar])), encoder(content, encoder.prepare([exemplar])))


@torch.inference_mode()
def test_one_component_changes_the_compact_picture_by_its_detail_alone() -> None:
    content, exemplar = scene(1, 3, 32, 48, seed=0), scene(1, 1, 40, 40, seed=1)
    model = make({**COMPACT, "transfer": ("hh",)})
    style = model.prepare([exemplar], white_hot=True)
    assert {key.rpartition(".")[0] for key in style.tensors} == {"", "level1.hh", "level2.hh"}
    change = (model(content, style) - model(content, style, 0.0)).abs()
    assert change.max() > 1e-6


def test_the_size_is_read_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "paper.safetensors"
    make(PAPER).save(path)
    assert create_model("wct2", weights=path).hyper_parameters["size"] == "vgg19"
    with pytest.raises(WeightsError, match="size='vgg19' as stored"):
        create_model("wct2", weights=path, size="compact")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"unpool": "max"}, "unpool to be one of sum, cat5, got 'max'"),
        ({"transfer": ("decoder",)}, "one of encoder, skip, lh, hl, hh, got 'decoder'"),
        ({"transfer": ("ll",)}, "one of encoder, skip, lh, hl, hh, got 'll'"),
        ({"exemplar_encoder": "none"}, "one of own, shared"),
        ({"size": "huge"}, "size to be one of compact, vgg19"),
        ({"size": "vgg19", "transfer": ("middle",)}, "one of encoder, decoder, skip, ll, lh, hl, hh, got 'middle'"),
        ({"size": "vgg19", "depths": (1, 2, 4, 1)}, "at least two convolutions"),
    ],
)
def test_refuses_unknown_hyper_parameters(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        create_model("wct2", weights=None, **arguments)
