"""The contract of models: tests that run for each registered model with random weights."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from kornia.color import rgb_to_grayscale
from torch import Tensor

from ir_transfer import SpatialStyle, TranslationModel, create_model, list_models
from ir_transfer.errors import InputError, UnknownNameError
from ir_transfer.models.capabilities import content_statistics_of
from ir_transfer.models.fixed_styles import FixedStyles
from ir_transfer.models.style_code import StyleCode
from ir_transfer.models.thermal import ThermalModel
from ir_transfer.nn.moments import Statistics
from ir_transfer.nn.tone import reorder
from tests.models.small_thermal import conditioned


@dataclass(frozen=True)
class Case:
    """A model with the constructor arguments to test it with."""

    name: str
    hyper_parameters: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return "-".join([self.name, *(str(v) for v in self.hyper_parameters.values() if isinstance(v, str))])

    def make(self, weights: Path | None = None) -> TranslationModel:
        torch.manual_seed(0)
        model = create_model(self.name, weights=weights, **self.hyper_parameters)
        if weights is None:
            for network in (model, getattr(model, "start", None)):
                if isinstance(network, ThermalModel):
                    conditioned(network)
        return model


def image(*shape: int, seed: int = 0) -> Tensor:
    """Return a smooth random image in [0, 1] with flat, bright and dark areas."""
    coarse = torch.rand(shape[0], shape[1], 5, 6, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, shape[2:], mode="bilinear").mul(1.6).sub(0.3).clamp(0, 1)


class BaseModelTester:
    """Tests of the contract in ``models/base.py``; a subclass is parametrised with ``case``."""

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls, case: Case) -> TranslationModel:
        return case.make()

    @pytest.fixture(scope="class")
    @classmethod
    def style(cls, model: TranslationModel) -> StyleCode:
        return model.style_for(cls.exemplar(model))

    @staticmethod
    def exemplar(model: TranslationModel, height: int = 57, width: int = 40, seed: int = 7) -> Tensor:
        return image(1, model.exemplar_channels, height, width, seed=seed)

    @staticmethod
    def check(
        model: TranslationModel, content: Tensor, style: StyleCode | SpatialStyle, strength: float = 1.0
    ) -> Tensor:
        with torch.inference_mode():
            output: Tensor = model(content, style, strength)
        channels = int(model.hyper_parameters.get("out_channels", model.info.out_channels))
        assert output.shape == (len(content), channels, *content.shape[2:])
        assert output.dtype == content.dtype
        low, high = output.aminmax()
        assert low >= 0, "also false for NaN"
        assert high <= 1
        return output

    @staticmethod
    def trained_style(model: TranslationModel, exemplars: Tensor) -> Mapping[str, Tensor]:
        """Return differentiable style tensors of two samples, or of two fixed styles."""
        if isinstance(model, FixedStyles):
            return model.encode_styles(torch.tensor([0, len(model.styles) - 1]), torch.tensor([True, False]))
        return model.encode(exemplars, torch.arange(len(exemplars)) % 2 == 0)

    @given(st.integers(16, 80), st.integers(16, 80), st.floats(0, 1))
    @settings(max_examples=12, deadline=None)
    def test_keeps_size_and_range_for_any_size_and_strength(
        self, model: TranslationModel, style: StyleCode, height: int, width: int, strength: float
    ) -> None:
        self.check(model, image(1, 3, height, width), style, strength)

    @pytest.mark.parametrize("size", [(16, 16), (17, 16), (16, 201), (129, 31), (96, 128)])
    def test_minimum_and_odd_sizes(self, model: TranslationModel, style: StyleCode, size: tuple[int, int]) -> None:
        self.check(model, image(1, 3, *size), style)

    def test_padding_is_removed_where_it_was_added(self, model: TranslationModel, style: StyleCode) -> None:
        height, width, multiple = 53, 75, model.info.size_multiple
        grain = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))
        content = 0.7 * image(1, 3, height, width) + 0.3 * grain
        bottom, right = -height % multiple, -width % multiple
        padded = torch.nn.functional.pad(content, (0, right, 0, bottom), mode="reflect")
        whole, output = self.check(model, padded, style), self.check(model, content, style)
        far = [(y, x) for y in (0, bottom) for x in (0, right) if (y, x) != (0, 0)]
        distance = {
            (y, x): (whole[..., y : y + height, x : x + width] - output).abs().mean().item() for y, x in [(0, 0), *far]
        }
        # Not equal: what a model knows of the height in the image differs in a higher one.
        assert all(distance[0, 0] <= 0.5 * distance[place] for place in far)
        assert multiple == 1 or max(distance.values()) > 1e-4

    @pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
    def test_flat_content_and_flat_exemplar_stay_finite(
        self, model: TranslationModel, style: StyleCode, level: float
    ) -> None:
        flat = model.style_for(torch.full_like(self.exemplar(model), level))
        self.check(model, torch.full((1, 3, 33, 40), level), style)
        self.check(model, torch.full((1, 3, 33, 40), level), flat)
        self.check(model, image(1, 3, 33, 40), flat)

    def test_batch_equals_its_single_images(self, model: TranslationModel, style: StyleCode) -> None:
        batch = torch.cat([image(1, 3, 50, 37, seed=seed) for seed in range(3)])
        singly = torch.cat([self.check(model, content[None], style) for content in batch])
        assert torch.allclose(self.check(model, batch, style), singly, atol=1e-5)

    def test_works_with_and_without_gradients(self, model: TranslationModel, style: StyleCode) -> None:
        content = image(1, 3, 40, 50)
        assert torch.allclose(model(content, style).detach(), self.check(model, content, style), atol=1e-5)

    def test_is_deterministic_and_does_not_modify_its_input(self, model: TranslationModel, style: StyleCode) -> None:
        content = image(1, 3, 40, 50)
        before = content.clone()
        assert torch.equal(self.check(model, content, style), self.check(model, content, style))
        assert torch.equal(content, before)

    def test_double_precision_agrees(self, model: TranslationModel, style: StyleCode) -> None:
        content = image(1, 3, 40, 50)
        double = self.check(copy.deepcopy(model).double(), content.double(), style.to("cpu", torch.float64))
        # On average: a rank may jump where two values are equal in one precision only.
        assert (double.float() - self.check(model, content, style)).abs().mean() < 1e-3

    def test_bfloat16_agrees(self, model: TranslationModel) -> None:
        content, exemplar = image(2, 3, 48, 64), self.exemplar(model)
        exact = self.check(model, content, model.style_for(exemplar))
        with torch.autocast("cpu", torch.bfloat16), torch.inference_mode():
            rough = model(content, model.style_for(exemplar)).float()
        # The features of an untrained neck hardly vary, and the tone stretches what they leave to the full range.
        assert (rough - exact).abs().mean() < (0.05 if isinstance(model, ThermalModel) else 0.01)

    def test_strength_can_differ_within_a_batch(self, model: TranslationModel, style: StyleCode) -> None:
        batch, strengths = image(2, 3, 48, 64), (0.2, 0.9)
        with torch.inference_mode():
            together = model.translate(batch, style.tensors, torch.tensor(strengths)[:, None], None)
            pairs = zip((batch[:1], batch[1:]), strengths, strict=True)
            singly = torch.cat([model.translate(one, style.tensors, strength, None) for one, strength in pairs])
        torch.testing.assert_close(together, singly, atol=5e-5, rtol=0)

    def test_channels_last_agrees_with_contiguous(self, model: TranslationModel, style: StyleCode) -> None:
        content = image(2, 3, 48, 64)
        last = copy.deepcopy(model).to(memory_format=torch.channels_last)
        other = self.check(last, content.to(memory_format=torch.channels_last), style)
        assert torch.allclose(other, self.check(model, content, style), atol=0.02 if model.info.iterative else 1e-4)

    def test_style_round_trips_through_a_file(self, model: TranslationModel, style: StyleCode, tmp_path: Path) -> None:
        style.save(tmp_path / "style.safetensors")
        loaded = StyleCode.load(tmp_path / "style.safetensors")
        assert (loaded.model, loaded.hash, loaded.metadata) == (style.model, style.hash, style.metadata)
        content = image(1, 3, 40, 50)
        assert torch.equal(self.check(model, content, loaded), self.check(model, content, style))

    def test_exemplars_of_several_sizes_blend_by_weight(self, model: TranslationModel) -> None:
        exemplars = [self.exemplar(model, 16, 16), self.exemplar(model, 71, 33, seed=8), self.exemplar(model, 64, 90)]
        content = image(1, 3, 40, 50)
        self.check(model, content, model.prepare(exemplars))
        alone, weighted = model.prepare([exemplars[1]]), model.prepare(exemplars, weights=[0, 2, 0])
        assert torch.allclose(self.check(model, content, alone), self.check(model, content, weighted), atol=1e-5)

    def test_styles_with_masks(self, model: TranslationModel, style: StyleCode) -> None:
        content, ones = image(2, 3, 33, 40), torch.ones(1, 1, 33, 40)
        other = model.style_for(self.exemplar(model, seed=9))
        output = self.check(model, content, SpatialStyle([style, other], [ones, 0 * ones]))
        assert torch.allclose(output, self.check(model, content, style), atol=1e-5)

    def test_keep_tone_keeps_the_tone_of_the_input(self, model: TranslationModel, style: StyleCode) -> None:
        content = image(2, 3, 33, 40)
        output, luma = self.check(model, content, style), rgb_to_grayscale(content)
        with torch.inference_mode():
            kept = model(content, style, keep_tone=True)
        assert torch.equal(kept, reorder(output, luma, ascending=style.white_hot))

    def test_global_statistics_can_be_passed_explicitly(self, model: TranslationModel, style: StyleCode) -> None:
        content = image(1, 3, 64, 96)
        if isinstance(model, ThermalModel):  # they depend on the style as well
            with torch.inference_mode():
                statistics = model.image_statistics(content, style.tensors)
                given = model(content, style, statistics=statistics)
            assert torch.allclose(given, self.check(model, content, style), atol=1e-5)
            return
        if model.info.tiling != "exact":
            with pytest.raises(InputError, match=r"global content statistics|requires all of it"):
                content_statistics_of(model).content_statistics(content)
            with pytest.raises(InputError, match=r"no statistics for model|expected statistics of"):
                model(content, style, statistics=Statistics({}))
            return
        with torch.inference_mode():
            given_ones = model(content, style, statistics=content_statistics_of(model).content_statistics(content))
        assert torch.allclose(given_ones, self.check(model, content, style), atol=1e-5)

    def test_weights_round_trip_through_a_file(self, case: Case, model: TranslationModel, tmp_path: Path) -> None:
        if not model.info.needs_weights:
            assert not list(model.parameters())
            with pytest.raises(InputError, match="no weights for model"):
                create_model(case.name, weights=tmp_path / "weights.safetensors")
            return
        path = tmp_path / "weights.safetensors"
        model.save(path, {"recipe": "none"})
        loaded = create_model(case.name, weights=path)
        assert loaded.metadata["recipe"] == "none"
        content, exemplar = image(1, 3, 40, 50), self.exemplar(model)
        outputs = [self.check(m, content, m.style_for(exemplar)) for m in (model, loaded)]
        assert torch.equal(*outputs)
        with pytest.raises(InputError, match="prepare it again"):
            loaded(content, model.style_for(exemplar))

    def test_every_parameter_receives_a_gradient(self, case: Case) -> None:
        model = case.make().train()
        if not any(p.requires_grad for p in model.parameters()):
            assert not model.info.needs_weights or model.info.iterative, "what it searches with is another's weights"
            return
        # A multiple of every model's size: training calls the network itself, without padding.
        content = image(2, 3, 64, 64)
        exemplars = image(2, model.exemplar_channels, 64, 64, seed=3)
        optimiser = torch.optim.SGD(model.parameters(), 1e-3)
        for _ in range(2):  # heads that start at zero pass on no gradient at first
            optimiser.zero_grad()
            if model.info.iterative:  # what it searches for has no gradient to the features it is searched with
                output = torch.cat([features.flatten() for features in model.encoder(content)])  # type: ignore[operator]
            else:
                output = model.translate(content, self.trained_style(model, exemplars), 0.5, None)
            wanted = [output.square().mean(), model.auxiliary_loss()]
            torch.stack([one for one in wanted if one is not None]).sum().backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        gradients = {name: p.grad for name, p in model.named_parameters() if p.requires_grad}  # the others are frozen
        assert gradients
        assert [name for name, grad in gradients.items() if grad is None or not grad.isfinite().all()] == []
        gradients.pop("detail.to_thermal.bias", None)  # the tone removes constants: only rounding is left of it
        idle = [name for name, grad in gradients.items() if grad is not None and not grad.any()]
        assert not idle, f"without a gradient: {idle}"

    @pytest.mark.parametrize("strength", [-0.01, 1.01, math.nan, torch.tensor([[0.5], [0.6]])])
    def test_rejects_strength_out_of_range(self, model: TranslationModel, style: StyleCode, strength: float) -> None:
        with pytest.raises(InputError, match=r"strength in \[0, 1\]"):
            model(image(1, 3, 32, 32), style, strength)

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (torch.zeros(1, 1, 32, 32), r"content of shape \(B, 3, H, W\)"),
            (torch.zeros(3, 32, 32), r"content of shape \(B, 3, H, W\)"),
            (torch.zeros(0, 3, 32, 32), r"content of shape \(B, 3, H, W\)"),
            (torch.zeros(1, 5, 32, 32), r"content of shape \(B, 3, H, W\)"),
            (torch.ones(1, 4, 32, 32), r"content (of shape \(B, 3, H, W\)|that grows downwards)"),
            (torch.zeros(1, 3, 15, 32), "at least 16 pixels"),
            (torch.zeros(1, 3, 32, 32, dtype=torch.uint8), "float content"),
            (torch.full((1, 3, 32, 32), 1.5), r"content values in \[0, 1\]"),
            (torch.full((1, 3, 32, 32), math.nan), r"content values in \[0, 1\]"),
        ],
    )
    def test_rejects_tensors_that_are_not_images(
        self, model: TranslationModel, style: StyleCode, content: Tensor, message: str
    ) -> None:
        with pytest.raises(InputError, match=message):
            model(content, style)

    def test_rejects_invalid_exemplars(self, model: TranslationModel) -> None:
        exemplar = self.exemplar(model)
        if isinstance(model, FixedStyles):
            with pytest.raises(UnknownNameError, match=r"unknown style .*'no-such'"):
                model.style("no-such")
        with pytest.raises(InputError, match="at least one exemplar"):
            model.prepare([])
        with pytest.raises(InputError, match="one weight per exemplar"):
            model.prepare([exemplar], weights=[1, 1])
        with pytest.raises(InputError, match="weights >= 0"):
            model.prepare([exemplar, exemplar], weights=[1, -1])
        with pytest.raises(InputError, match="one exemplar per tensor, got 2"):
            model.prepare([torch.cat([exemplar, exemplar])])
        with pytest.raises(InputError, match=r"exemplar values in \[0, 1\]"):
            model.prepare([torch.full_like(exemplar, math.nan)])
        with pytest.raises(InputError, match="exemplar of shape"):
            model.prepare([image(1, 4 - model.exemplar_channels, 32, 32)])

    def test_rejects_a_style_of_another_model(self, model: TranslationModel, style: StyleCode) -> None:
        other = next(name for name in list_models() if name != model.info.name)
        with pytest.raises(InputError, match=f"style of model '{model.info.name}', got one of '{other}'"):
            model(image(1, 3, 32, 32), StyleCode(other, style.tensors))

    def test_model_info_is_complete(self, case: Case, model: TranslationModel) -> None:
        assert model.info.name == case.name
        assert model.info.summary
        assert model.info.paper or not model.info.needs_weights
        assert set(model.info.bands) <= {"lwir", "nir"}
        assert not model.training
