"""Gatys as in the paper: the RGB image's luma is optimised on the features of a VGG-19."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import torch
from kornia.color import rgb_to_grayscale
from torch import Tensor

from ir_transfer.errors import InputError
from ir_transfer.models import published_files
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.gatys import published
from ir_transfer.models.gatys.equations import LEAST_SCALE, Aim
from ir_transfer.models.gatys.network import CONTENT_LAYER, STYLE_LAYERS, Pooling, VggFeatures
from ir_transfer.models.gatys.search import differentiable, noise, search, style_of_image
from ir_transfer.models.info import ModelInfo
from ir_transfer.models.run_options import RunOption
from ir_transfer.nn.gram import gram_matrix
from ir_transfer.nn.limits import SMALLEST_SIDE
from ir_transfer.nn.moments import Statistics
from ir_transfer.nn.perceptual import PerceptualEncoder
from ir_transfer.nn.polarity import apply_polarity, polarity_sign
from ir_transfer.nn.resize import resize_short_side

WIDTHS = (64, 128, 256, 512, 512)


class PaperGatys(TranslationModel):
    """Optimises an image to have conv4_2 features of the RGB image and Gram matrices of the exemplar.

    The luma of the RGB image is used. The optimisation is white-hot and its result is inverted for black-hot exemplars,
    so that an inverted exemplar gives the exact negative.

    ``strength`` s interpolates the target Gram matrices from those of the RGB image to those of the exemplar,
    ``(1 - s) G + s A``, and a start from noise likewise. At 0 the result is the luma, at 1 that of the paper.

    Args:
        info: Declaration of the model.
        size: ``"vgg19"``, which selects this class.
        widths: Channels of the five levels.
        pooling: ``"average"`` as in the paper, or ``"max"``.
        steps: Budget of L-BFGS steps for each image.
        init: Start from the ``"content"`` or from ``"noise"``, which depends on torch's seed.
        content_weight: ``alpha``; see :class:`~ir_transfer.models.gatys.equations.Aim`.
        style_weight: ``beta``.
        tolerance: The optimisation stops when ten steps reduce the loss by less than this share.
        style_side: Short side in pixels to which larger exemplars are reduced.
    """

    run_options: Mapping[str, RunOption] = {
        "steps": RunOption("budget of L-BFGS steps for each image", int, 1),
        "init": RunOption("start of the optimisation", str, choices=("content", "noise")),
        "content_weight": RunOption("weight of the content loss", float, 0, 1e9),
        "style_weight": RunOption("weight of the style loss", float, 0, 1e9),
        "tolerance": RunOption(
            "least share by which ten steps must reduce the loss, else the optimisation stops", float, 0, 1
        ),
        "style_side": RunOption("short side in pixels to which larger exemplars are reduced", int, SMALLEST_SIDE),
    }

    def __init__(
        self,
        info: ModelInfo,
        size: Literal["vgg19"] = "vgg19",
        widths: Sequence[int] = WIDTHS,
        pooling: Pooling = "average",
        steps: int = 500,
        init: Literal["content", "noise"] = "content",
        content_weight: float = 1.0,
        style_weight: float = 100.0,
        tolerance: float = 1e-3,
        style_side: int = 512,
    ) -> None:
        if pooling not in {"average", "max"}:
            raise InputError(f"expected pooling to be average or max, got {pooling!r}")
        if len(widths) != len(STYLE_LAYERS):
            raise InputError(f"expected widths of {len(STYLE_LAYERS)} levels, got {list(widths)}")
        super().__init__(info, {"size": size, "widths": list(widths), "pooling": pooling})
        self.configure(
            {
                "steps": str(steps),
                "init": init,
                "content_weight": str(content_weight),
                "style_weight": str(style_weight),
                "tolerance": str(tolerance),
                "style_side": str(style_side),
            }
        )
        self.encoder = VggFeatures(widths, pooling)

    @classmethod
    def with_vgg(cls, info: ModelInfo, source: str | Path, **hyper_parameters: Any) -> Self:
        """Make the model with torchvision's VGG-19 (``"torchvision"``) or a file of a PerceptualEncoder.

        Raises:
            WeightsError: The file is damaged, or has other widths than requested.
        """
        vgg = PerceptualEncoder.load(source)
        model = cls(info, **{"widths": vgg.widths, **hyper_parameters})
        published.fill(model.encoder, vgg, source)
        model.weights_hash = published_files.files_hash([source])
        return model

    @property
    def features(self) -> VggFeatures:
        """Network whose features are compared."""
        return self.encoder

    @property
    def dtype(self) -> torch.dtype:
        """Data type of the optimisation."""
        return self.encoder.conv0.weight.dtype

    def encode(self, exemplars: Tensor, white_hot: Tensor) -> dict[str, Tensor]:
        """Return ``gram.{layer}`` (B, N, N), ``mean.{layer}`` (B, 1) of the white-hot exemplar, ``polarity`` (B, 1)."""
        with torch.autocast(exemplars.device.type, enabled=False):
            exemplars = exemplars.to(self.dtype)
            sign = polarity_sign(white_hot)
            side = min(int(self.hyper_parameters["style_side"]), *exemplars.shape[-2:])
            features = self.encoder.at(apply_polarity(resize_short_side(exemplars, side), sign), STYLE_LAYERS)
            grams = {f"gram.{name}": gram_matrix(found) for name, found in features.items()}
            means = {f"mean.{name}": found.mean((1, 2, 3))[:, None] for name, found in features.items()}
        return {**grams, **means, "polarity": sign}

    def translate(
        self, content: Tensor, style: Mapping[str, Tensor], strength: float | Tensor, statistics: Statistics | None
    ) -> Tensor:
        """Optimise each image separately; see :meth:`~ir_transfer.models.base.TranslationModel.translate`.

        Raises:
            InputError: The model was made inside :func:`torch.inference_mode`, whose tensors take no gradients.
        """
        if self.encoder.conv0.weight.is_inference():
            raise InputError(
                f"expected model {self.info.name!r} to be made outside torch.inference_mode, whose tensors take no "
                "gradients: call create_model before it"
            )
        with differentiable(content.device):
            luma = rgb_to_grayscale(content.clone().to(self.dtype))  # inference tensors have no gradients
            codes = {name: tensor.clone() for name, tensor in style.items()}
            strengths = torch.as_tensor(strength).flatten().expand(len(luma)).tolist()
            found = [
                self._search(luma[i : i + 1], style_of_image(codes, i), share) for i, share in enumerate(strengths)
            ]
            return apply_polarity(torch.cat(found), codes["polarity"]).to(content.dtype)

    def encode_content(self, content: Tensor) -> None:
        """Run the encoder on (B, 3, H, W)."""
        self.encoder(content)

    def style_loss(self, image: Tensor, style: Mapping[str, Tensor]) -> Tensor:
        """Return the unweighted style loss (equation 5) of one image (1, 1, H, W) against a style."""
        scales = {name: style[f"mean.{name}"].clamp(min=LEAST_SCALE).squeeze() for name in STYLE_LAYERS}
        aim = Aim(self.encoder, style={name: style[f"gram.{name}"] for name in STYLE_LAYERS}, scales=scales)
        return aim(apply_polarity(image.to(self.dtype), style["polarity"]))["style"]

    def _search(self, luma: Tensor, style: Mapping[str, Tensor], strength: float) -> Tensor:
        if strength == 0:
            return luma  # the losses are zero already
        options = self.hyper_parameters
        start = luma
        if options["init"] == "noise":
            start = luma.lerp(noise(luma.shape[-2], luma.shape[-1], luma), strength)
        return search(start, self._aim(luma, style, strength), options["steps"], options["tolerance"], self.on_step)

    def _aim(self, luma: Tensor, style: Mapping[str, Tensor], strength: float) -> Aim:
        with torch.no_grad():
            own = self.encoder.at(luma, {CONTENT_LAYER, *STYLE_LAYERS})
        means = {name: features.mean() for name, features in own.items()}
        means |= {name: (means[name] + style[f"mean.{name}"].squeeze()) / 2 for name in STYLE_LAYERS}
        return Aim(
            self.encoder,
            content={CONTENT_LAYER: own[CONTENT_LAYER]},
            style={name: gram_matrix(own[name]).lerp(style[f"gram.{name}"], strength) for name in STYLE_LAYERS},
            scales={name: mean.clamp(min=LEAST_SCALE) for name, mean in means.items()},
            content_weight=self.hyper_parameters["content_weight"],
            style_weight=self.hyper_parameters["style_weight"],
        )
