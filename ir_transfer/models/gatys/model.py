"""Gatys: a thermal map is optimised to match target features of the content encoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import torch
import torch.nn.functional as F
from kornia.color import rgb_to_grayscale
from torch import Tensor

from ir_transfer.errors import InputError
from ir_transfer.models import weight_files
from ir_transfer.models.adain.model import AdaIN
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.building import build_sized
from ir_transfer.models.gatys import published
from ir_transfer.models.gatys.equations import LEAST_SCALE, Aim
from ir_transfer.models.gatys.network import EncoderFeatures
from ir_transfer.models.gatys.paper import PaperGatys
from ir_transfer.models.gatys.search import differentiable, search, style_of_image
from ir_transfer.models.info import ModelInfo
from ir_transfer.models.registry import model_info
from ir_transfer.models.run_options import RunOption
from ir_transfer.models.style_code import as_part, parts_of
from ir_transfer.models.style_facts import POLARITY
from ir_transfer.models.thermal import GRAIN, TONE
from ir_transfer.nn.gram import gram_matrix
from ir_transfer.nn.limits import SMALLEST_SIDE
from ir_transfer.nn.moments import Statistics
from ir_transfer.nn.polarity import apply_polarity, polarity_sign
from ir_transfer.nn.resize import resize_short_side, shrink_short_side
from ir_transfer.nn.thermal.exemplar_encoder import standardised
from ir_transfer.nn.thermal.grain import add_grain
from ir_transfer.nn.thermal.overview import encoder_image, overview_of
from ir_transfer.nn.thermal.tone import Tone, apply_tone, tone_of
from ir_transfer.nn.thermal.windows import Window

_START = "adain"
_GRAY_MEAN, _GRAY_DEVIATION = 0.5, 0.2  # tone of standardised intensities as input of the content encoder


class Gatys(TranslationModel):
    """Finds for every image the thermal map whose Gram matrices are the exemplar's and whose content is AdaIN's.

    Gatys et al. 2016, on the features of the content encoder that every compact system contains. The optimisation
    starts from the thermal map of AdaIN, in which warm objects are warm, and the content loss preserves its structure;
    Gram matrices alone do not determine what is warm. The exemplar is resized to the map, so that both have the same
    scale. The result gets the exemplar's tone and polarity.

    Args:
        info: Declaration of the model.
        steps: Budget of L-BFGS steps for each image.
        content_weight: ``alpha``; see :class:`~ir_transfer.models.gatys.equations.Aim`.
        style_weight: ``beta``.
        tolerance: The optimisation stops when ten steps reduce the loss by less than this share.
        style_side: Short side in pixels to which larger exemplars are reduced.
        **sizes: Sizes of AdaIN; see :class:`~ir_transfer.models.adain.model.AdaIN`.
    """

    run_options: Mapping[str, RunOption] = {
        **{name: option for name, option in PaperGatys.run_options.items() if name != "init"},
        "style_side": RunOption("short side in pixels to which larger exemplars are reduced", int, SMALLEST_SIDE),
    }

    def __init__(
        self,
        info: ModelInfo,
        steps: int = 60,
        content_weight: float = 20.0,
        style_weight: float = 100.0,
        tolerance: float = 1e-3,
        style_side: int = 512,
        **sizes: Any,
    ) -> None:
        start = AdaIN(model_info(_START), **sizes)
        stored = {name: value for name, value in start.hyper_parameters.items() if name not in start.run_options}
        super().__init__(replace(info, size_multiple=1), stored)
        options = {"steps": steps, "content_weight": content_weight, "style_weight": style_weight}
        options |= {"tolerance": tolerance, "style_side": style_side}
        self.configure({name: str(value) for name, value in options.items()})
        self.start = start.requires_grad_(False)

    @classmethod
    def build(  # type: ignore[override]  # the size decides the class
        cls, info: ModelInfo, weights: str | Path | None, encoder_weights: str | Path | None, **hyper_parameters: Any
    ) -> TranslationModel:
        """Make the model from AdaIN's weights, or the paper's model from a VGG.

        A VGG may also be passed as ``weights``: ``"torchvision"``, or a file of
        :class:`~ir_transfer.nn.perceptual.PerceptualEncoder`, since the paper's model has no other weights. See
        :func:`ir_transfer.create_model`.

        Raises:
            InputError: Weights or another size beside a VGG.
        """
        size = hyper_parameters.pop("size", None)
        if encoder_weights is None and published.is_vgg(weights):
            weights, encoder_weights = None, weights
        if encoder_weights is not None:
            if weights not in {None, "default"} or size not in {None, "vgg19"}:
                raise InputError(
                    f"expected no weights and no other size beside encoder_weights, got {weights!s} and {size!r}: the "
                    "model has no other weights"
                )
            return PaperGatys.with_vgg(info, encoder_weights, **hyper_parameters)
        if weights is not None and size in {None, "compact"}:
            path = weight_files.locate(info, weights)
            if weight_files.read(path, kind="weights")[1].get("model") == _START:
                return cls._from_start(info, path, hyper_parameters)
        return build_sized(SIZES, info, weights, size, hyper_parameters)

    @classmethod
    def _from_start(cls, info: ModelInfo, path: Path, asked: Mapping[str, Any]) -> Self:
        start = AdaIN.build(model_info(_START), path, None, size="compact")
        sizes = {name: value for name, value in start.hyper_parameters.items() if name not in start.run_options}
        weight_files.refuse_contradiction(path, sizes, asked)
        model = cls(info, **{**sizes, **asked})
        model.start.load_state_dict(start.state_dict())
        model.weights_hash, model.metadata = start.weights_hash, start.metadata
        return model

    @property
    def features(self) -> EncoderFeatures:
        """Network whose features are compared."""
        return EncoderFeatures(self.start.encoder)

    @property
    def dtype(self) -> torch.dtype:
        """Data type of the optimisation."""
        return next(self.start.parameters()).dtype

    def encode(self, exemplars: Tensor, white_hot: Tensor) -> dict[str, Tensor]:
        """Return AdaIN's style, and the white-hot exemplar (B, 1, h, w) as ``part0.exemplar``.

        Its Gram matrices depend on the size to which it is resized, that of the image.
        """
        with torch.autocast(exemplars.device.type, enabled=False):
            exemplars = exemplars.to(self.dtype)
            upright = apply_polarity(exemplars, polarity_sign(white_hot.to(exemplars.device)).to(exemplars))
            kept = shrink_short_side(upright, int(self.hyper_parameters["style_side"]))
            return {**self.start.encode(exemplars, white_hot), **as_part({"exemplar": kept})}

    def translate(
        self, content: Tensor, style: Mapping[str, Tensor], strength: float | Tensor, statistics: Statistics | None
    ) -> Tensor:
        """Optimise each image separately; see :meth:`~ir_transfer.models.base.TranslationModel.translate`.

        Raises:
            InputError: The model was made inside :func:`torch.inference_mode`, whose tensors take no gradients.
        """
        if next(self.start.parameters()).is_inference():
            raise InputError(
                f"expected model {self.info.name!r} to be made outside torch.inference_mode, whose tensors take no "
                "gradients: call create_model before it"
            )
        with differentiable(content.device):
            images = content.clone().to(self.dtype)  # inference tensors have no gradients
            codes = {name: tensor.clone() for name, tensor in style.items()}
            luma = rgb_to_grayscale(images)
            shares = torch.as_tensor(strength, device=images.device).to(images).flatten().expand(len(images))
            found = [
                self._translated(images[i : i + 1], style_of_image(codes, i)) if share > 0 else luma[i : i + 1]
                for i, share in enumerate(shares.tolist())
            ]
            translated = torch.lerp(luma, torch.cat(found), shares[:, None, None, None])
            return apply_polarity(translated, codes[POLARITY]).to(content.dtype)

    def _translated(self, image: Tensor, style: Mapping[str, Tensor]) -> Tensor:
        """Return an image (1, 3, H, W) in the exemplar's tone, white-hot."""
        height, width = image.shape[-2:]
        factor = self.start.overview_factor(height, width)
        with torch.no_grad():
            overview = overview_of(image, factor)
            seen, scale = encoder_image(overview)
            maps, _ = self.start.maps(overview, self.start.encoder(seen), style, scale=scale)
            thermal = self.start.detail.render(overview, maps.at(1), Window.whole(*overview.shape[-2:]))
            whole = self.start.detail.render(image, maps.at(factor), Window.whole(height, width))
        canonical = standardised(whole) + _sized(self._search(standardised(thermal), style), height, width)
        toned = apply_tone(canonical, tone_of(canonical), Tone(*(style[name] for name in TONE)))
        return add_grain(toned, style[GRAIN], Window.whole(height, width))

    def _search(self, thermal: Tensor, style: Mapping[str, Tensor]) -> Tensor:
        """Return the change of a standardised thermal map (1, 1, h, w), optimised at half its size.

        The first convolution has a stride of 2, so optimising single pixels would produce a checkerboard.
        """
        height, width = thermal.shape[-2:]
        aim = self._aim(_gray(thermal), style)

        def losses(change: Tensor) -> Mapping[str, Tensor]:
            return aim(_gray(thermal + _sized(change, height, width)))

        nothing = thermal.new_zeros(1, 1, -(-height // 2), -(-width // 2))
        return search(nothing, losses, self.hyper_parameters["steps"], self.hyper_parameters["tolerance"], self.on_step)

    @torch.no_grad()
    def _aim(self, thermal: Tensor, style: Mapping[str, Tensor]) -> Aim:
        features = self.features
        own = features.at(thermal, features.layers)
        grams, powers = self._targets(min(thermal.shape[-2:]), style)
        scales = {name: _power(found) for name, found in own.items()}
        scales |= {name: (scales[name] + powers[name]) / 2 for name in grams}
        return Aim(
            features,
            content={features.content_layer: own[features.content_layer]},
            style=grams,
            scales={name: scale.clamp(min=LEAST_SCALE) for name, scale in scales.items()},
            content_weight=self.hyper_parameters["content_weight"],
            style_weight=self.hyper_parameters["style_weight"],
        )

    def _targets(self, side: int, style: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Return Gram matrices and scales by layer of the exemplars, resized to a short side in pixels."""
        features = self.features
        grams: dict[str, Tensor] = {}
        powers: dict[str, Tensor] = {}
        for part, share in parts_of(style):
            exemplar = _gray(standardised(resize_short_side(part["exemplar"], side, clamp=False)))
            for name, found in features.at(exemplar, features.style_layers).items():
                weight = share.squeeze()
                grams[name] = grams.get(name, torch.zeros(())) + weight * gram_matrix(found)
                powers[name] = powers.get(name, torch.zeros(())) + weight * _power(found)
        return grams, powers

    @torch.no_grad()
    def style_loss(self, image: Tensor, style: Mapping[str, Tensor]) -> Tensor:
        """Return the unweighted style loss (equation 5) of one image (1, 1, H, W) in [0, 1] against a style."""
        upright = apply_polarity(image.to(self.dtype), style[POLARITY])
        grams, powers = self._targets(min(image.shape[-2:]), style)
        aim = Aim(
            self.features, style=grams, scales={name: power.clamp(min=LEAST_SCALE) for name, power in powers.items()}
        )
        return aim(_gray(standardised(upright)))["style"]


def _sized(planes: Tensor, height: int, width: int) -> Tensor:
    return F.interpolate(planes, (height, width), mode="bilinear", align_corners=False)


def _gray(intensities: Tensor) -> Tensor:
    return _GRAY_MEAN + _GRAY_DEVIATION * intensities


def _power(features: Tensor) -> Tensor:
    return features.square().mean().sqrt()


SIZES: dict[str, type[TranslationModel]] = {"compact": Gatys, "vgg19": PaperGatys}
