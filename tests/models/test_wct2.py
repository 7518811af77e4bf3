from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ir_transfer import create_model
from ir_transfer.errors import InputError, WeightsError
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.wct2.model import WCT2
from ir_transfer.models.wct2.paper import PaperWCT2
from ir_transfer.models.wct2.paper_network import PaperNetwork
from ir_transfer.nn.moments import covariance_moments
from ir_transfer.nn.thermal.exemplar_encoder import standardised
from ir_transfer.nn.wct import exact_square_roots, recolour, regularised
from tests.models.small_thermal import SMALL_THERMAL, small_thermal

COMPACT = SMALL_THERMAL
PAPER: Mapping[str, Any] = {"size": "vgg19", "widths": (4, 8, 8, 16)}


def make(arguments: Mapping[str, Any]) -> TranslationModel:
    torch.manual_seed(0)
    return create_model("wct2", weights=None, **arguments)


def scene(*shape: int, seed: int) -> Tensor:
    """Return a smooth image with noise, so that every band has a variance."""
    generator = torch.Generator().manual_seed(seed)
    coarse = F.interpolate(torch.rand(*shape[:2], 4, 5, generator=generator), shape[2:], mode="bilinear")
    return (coarse + 0.05 * torch.randn(shape, generator=generator)).clamp(0, 1)


@pytest.mark.parametrize("unpool", ["sum", "cat5"])
@torch.inference_mode()
def test_decoder_keeps_the_band_order(unpool: str) -> None:
    """An image that is constant along one axis stays so; swapped bands would create a pattern."""
    torch.manual_seed(0)
    paper = PaperNetwork((4, 8, 16), (2, 2, 2), unpool, 1)
    line = torch.rand(1, 3, 1, 64)
    images = line.expand(-1, -1, 48, -1), line.mT.expand(-1, -1, -1, 48)
    columns, rows = (paper.decode(*paper.encode(image, lambda _, x: x), lambda _, x: x) for image in images)
    for varied, along in ((columns, -1), (rows, -2)):
        assert varied.std(dim=along).mean() > 1e-4
        assert varied.std(dim=-3 - along).max() < 1e-3 * varied.std(dim=along).mean()


def test_overfits_two_pairs() -> None:
    model = small_thermal("wct2").train()
    content = scene(2, 3, 32, 32, seed=3)
    truth = (1 - content[:, :1]) * content[:, 2:]
    optimiser = torch.optim.AdamW(model.parameters(), 1e-2)
    errors = []
    for _ in range(30):
        canonical = model.survey(content, 1, model.encode(truth, torch.ones(len(truth), dtype=torch.bool))).canonical
        assert canonical is not None
        error = F.mse_loss(standardised(canonical), standardised(truth))
        optimiser.zero_grad()
        error.backward()  # type: ignore[no-untyped-call]
        assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)
        optimiser.step()
        errors.append(error.item())
    assert min(errors[-4:]) < 0.35 * errors[0]


@torch.inference_mode()
def test_features_get_the_covariance_of_the_exemplars() -> None:
    model = small_thermal("wct2")
    features, style = (
        5 * torch.randn(1, 8, 40, 50) + 3,
        model.encode(scene(1, 1, 96, 128, seed=1), torch.tensor([True])),
    )
    found = covariance_moments(model.align(1, features, model.measure(features), style))
    colouring = style["level1.colouring"]
    torch.testing.assert_close(found.mean, style["level1.mean"], atol=1e-4, rtol=1e-4)
    # White noise is drawn towards a multiple of itself, so it is whitened whole.
    torch.testing.assert_close(found.covariance(), colouring @ colouring, atol=1e-3, rtol=0.1)


@torch.inference_mode()
def test_regions_get_their_own_statistics_at_every_level() -> None:
    model = small_thermal("wct2")
    assert isinstance(model, WCT2)
    exemplar = scene(1, 1, 96, 128, seed=1)
    exemplar[..., 64:] = 1 - 0.5 * exemplar[..., 64:].flip(-2)
    labels = (torch.arange(128) >= 64).long().expand(1, 1, 96, -1)
    style = model.prepare([exemplar], white_hot=True, masks=[labels]).tensors
    encoded = model.exemplar_encoder(standardised(exemplar))
    for level, width in enumerate((32, 16, 8, 8)):
        half = encoded[level].shape[-1] // 2
        for label, part in ((0, encoded[level][..., :half]), (1, encoded[level][..., half:])):
            torch.testing.assert_close(style[f"level{level}@{label}.mean"], part.mean((2, 3)), atol=1e-4, rtol=1e-4)
        features = torch.randn(1, model.neck.widths[level], width // 2, width)
        features[..., : width // 2] = 2 * features[..., : width // 2] + 4
        aligned = model._masked(labels).align(level, features, model.measure(features), style)
        for label, part in ((0, aligned[..., : width // 2]), (1, aligned[..., width // 2 :])):
            wanted = style[f"level{level}@{label}.mean"]
            torch.testing.assert_close(part.mean((2, 3)), wanted, atol=1e-3, rtol=1e-3)
        assert not torch.allclose(style[f"level{level}@0.mean"], style[f"level{level}@1.mean"], atol=1e-3)


@torch.inference_mode()
def test_labels_of_a_black_hot_exemplar_equal_those_of_its_negative() -> None:
    model, exemplar = small_thermal("wct2"), scene(1, 1, 96, 128, seed=1)
    labels = (torch.arange(128) >= 64).long().expand(1, 1, 96, -1)
    white = model.prepare([exemplar], white_hot=True, masks=[labels]).tensors
    black = model.prepare([1 - exemplar], white_hot=False, masks=[labels]).tensors
    assert white.keys() == black.keys()
    for name in white:
        sign = -1 if name == "polarity" else 1
        torch.testing.assert_close(black[name], sign * white[name], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("arguments", [COMPACT, PAPER], ids=["compact", "paper"])
@pytest.mark.parametrize("level", [0.0, 0.5])
def test_gradients_stay_finite_on_flat_images(arguments: Mapping[str, Any], level: float) -> None:
    model = make(arguments).train()
    flat = torch.full((1, 3, 32, 32), level)
    output = model.translate(flat, model.encode(flat[:, :1], torch.tensor([True])), 1.0, None)
    output.sum().backward()  # type: ignore[no-untyped-call]
    assert output.isfinite().all()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize("arguments", [COMPACT, PAPER], ids=["compact", "paper"])
@torch.inference_mode()
def test_single_label_equals_no_masks(arguments: Mapping[str, Any]) -> None:
    model = make(arguments)
    content, exemplar = scene(2, 3, 45, 52, seed=0), scene(1, 1, 48, 64, seed=1)
    plain = model(content, model.prepare([exemplar]))
    style = model.prepare([exemplar], masks=[torch.full((1, 1, 48, 64), 7)])
    masked = model(content, style, masks=torch.full((2, 1, 45, 52), 7))
    torch.testing.assert_close(masked, plain, atol=1e-4, rtol=0)
    absent = model(content, style, masks=torch.full((2, 1, 45, 52), 3))
    torch.testing.assert_close(absent, plain, atol=1e-4, rtol=0)


@pytest.mark.parametrize("size", ["compact", "paper"])
@torch.inference_mode()
def test_each_label_uses_the_style_of_the_same_label(size: str) -> None:
    model = small_thermal("wct2") if size == "compact" else make(PAPER).train()
    content = scene(1, 3, 96, 384, seed=0)
    labels = (torch.arange(384) >= 192).long().expand(1, 1, 96, -1)
    exemplars = [scene(1, 1, 96, 384, seed=seed) for seed in (1, 2)]
    # Two exemplars differ inside label 1 only: the image then changes there, and hardly inside label 0.
    exemplars[1] = torch.where(labels == 1, exemplars[1], exemplars[0])
    styles = [model.prepare([exemplar], white_hot=True, masks=[labels]) for exemplar in exemplars]
    if isinstance(model, WCT2):
        # Before the tone, which is that of the whole exemplar, and without the change that leaks into label 0 through
        # the exemplar's standardisation and the receptive field of 75 pixels of its encoder.
        changed = {name: tensor for name, tensor in styles[1].tensors.items() if "@1." in name}
        tensors = [styles[0].tensors, {**styles[0].tensors, **changed}]
        outputs = [model._masked(labels).survey(content, 1, one).canonical for one in tensors]
    else:
        outputs = [model(content, style, masks=labels) for style in styles]
    assert outputs[0] is not None
    assert outputs[1] is not None
    change = (outputs[0] - outputs[1]).abs()
    assert change[..., 256:].mean() > 2 * change[..., :128].mean()  # the rest leaks through the receptive field


@torch.inference_mode()
def test_masks_of_several_exemplars_blend() -> None:
    model = make(COMPACT)
    exemplars = [scene(1, 1, 48, 64, seed=seed) for seed in (1, 2)]
    masks = [torch.zeros(1, 1, 48, 64, dtype=torch.uint8), torch.ones(1, 1, 48, 64, dtype=torch.uint8)]
    style = model.prepare(exemplars, [3, 1], masks=masks)
    output = model(scene(1, 3, 40, 40, seed=0), style, masks=torch.ones(1, 1, 40, 40, dtype=torch.int32))
    assert output.isfinite().all()


def test_rejects_mismatched_masks() -> None:
    model = small_thermal("wct2")
    content, exemplar = scene(1, 3, 32, 32, seed=0), scene(1, 1, 32, 32, seed=1)
    style = model.prepare([exemplar])
    with pytest.raises(InputError, match=r"integer mask of shape \(1, 1, 32, 32\), got torch.float32"):
        model(content, style, masks=torch.zeros(1, 1, 32, 32))
    with pytest.raises(InputError, match="integer mask of shape"):
        model.prepare([exemplar], masks=[torch.zeros(1, 1, 16, 32, dtype=torch.int64)])
    with pytest.raises(InputError, match="one mask per image"):
        model.prepare([exemplar], masks=[])
    assert isinstance(model, WCT2)
    with pytest.raises(InputError, match="masks or statistics"):
        masks = torch.zeros(1, 1, 32, 32, dtype=torch.int64)
        model(content, style, masks=masks, statistics=model.image_statistics(content, style.tensors))
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
def test_single_component_is_transferred(component: str, unpool: str) -> None:
    """For one pooling, the component gets the exemplar's mean and the other three are unchanged."""
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
def test_named_components_equal_the_skip(unpool: str) -> None:
    content, exemplar = scene(1, 3, 32, 48, seed=0), scene(1, 1, 40, 40, seed=1)
    by_name, at_skip = (
        make({**PAPER, "unpool": unpool, "transfer": transfer}) for transfer in (("hh", "lh", "hl"), ("skip",))
    )
    outputs = [model(content, model.prepare([exemplar], white_hot=True)) for model in (by_name, at_skip)]
    torch.testing.assert_close(*outputs, atol=1e-5, rtol=0)
    # With sum, LL before the deepest level is what the encoder's transfer takes.
    both, encoder = (make({**PAPER, "unpool": "sum", "transfer": t}) for t in (("encoder", "ll"), ("encoder",)))
    assert torch.equal(both(content, both.prepare([exemplar])), encoder(content, encoder.prepare([exemplar])))


def test_size_is_read_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "paper.safetensors"
    make(PAPER).save(path)
    assert create_model("wct2", weights=path).hyper_parameters["size"] == "vgg19"
    with pytest.raises(WeightsError, match="size='vgg19' as stored"):
        create_model("wct2", weights=path, size="compact")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": "vgg19", "unpool": "max"}, "unpool to be one of sum, cat5, got 'max'"),
        ({"size": "huge"}, "size to be one of compact, vgg19"),
        ({"size": "vgg19", "transfer": ("middle",)}, "one of encoder, decoder, skip, ll, lh, hl, hh, got 'middle'"),
        ({"size": "vgg19", "depths": (1, 2, 4, 1)}, "at least two convolutions"),
    ],
)
def test_rejects_unknown_hyper_parameters(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        create_model("wct2", weights=None, **arguments)
