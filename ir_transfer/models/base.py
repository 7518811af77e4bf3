"""Interface of every model: prepare the exemplars once, then translate any number of images."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import torch
import torch.nn.functional as F
from kornia.color import rgb_to_grayscale
from torch import Tensor, nn

from ir_transfer.errors import InputError, WeightsError
from ir_transfer.json_files import json_text
from ir_transfer.models import weight_files
from ir_transfer.models.building import build_from_file
from ir_transfer.models.capabilities import content_statistics_of, label_maps_of
from ir_transfer.models.checks import check_image, check_masks, check_strength, check_style, common_polarity
from ir_transfer.models.info import ModelInfo
from ir_transfer.models.polarity import polarity_of_exemplar
from ir_transfer.models.run_options import RunOption, parsed_options
from ir_transfer.models.spatial import SpatialStyle
from ir_transfer.models.style_code import StyleCode, blend_codes
from ir_transfer.nn.moments import Statistics
from ir_transfer.nn.tone import reorder


class TranslationModel(nn.Module, ABC):
    """Base class of all models: checks, padding, cropping, saving; subclasses implement ``encode`` and ``translate``.

    Args:
        info: Declaration of the model.
        hyper_parameters: Arguments of its constructor, which are stored in the weight file.
    """

    def __init__(self, info: ModelInfo, hyper_parameters: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.info = info
        self.hyper_parameters: dict[str, Any] = dict(hyper_parameters or {})
        self.weights_hash = "none"
        self.metadata: dict[str, str] = {}

    styles: tuple[str, ...] = ()
    """Names of the styles of a model without exemplars (see :mod:`ir_transfer.models.fixed_styles`)."""

    run_options: Mapping[str, RunOption] = {}
    """Hyper-parameters on which no weight depends, so that :meth:`configure` may set them for a run."""

    on_step: Callable[[int, int, Mapping[str, float]], None] | None = None
    """Called after every step of an iterative model with step, largest number of steps, and losses by name."""

    # -- to be implemented by a model -------------------------------------------------------------------------------

    @abstractmethod
    def encode(self, exemplars: Tensor, white_hot: Tensor) -> Mapping[str, Tensor]:
        """Return the style tensors (batch B) of exemplars (B, 1, h, w) in [0, 1]; differentiable if trainable.

        ``white_hot`` (B,) bool is their polarity, which :meth:`prepare` determines.
        """

    @abstractmethod
    def translate(
        self, content: Tensor, style: Mapping[str, Tensor], strength: float | Tensor, statistics: Statistics | None
    ) -> Tensor:
        """Translate padded content (B, 3, H, W) to (B, C, H, W); sides are multiples of ``info.size_multiple``."""

    def auxiliary_loss(self) -> Tensor | None:
        """Return a loss () of the model's last translation that is added to the recipe's losses, or None."""
        return None

    def adopt(self, trained: TranslationModel) -> None:
        """Copy the weights of a trained model, as the start of a training.

        Raises:
            WeightsError: The model has another name or size.
        """
        self._load(trained.state_dict(), trained)

    def _load(self, state: Mapping[str, Tensor], trained: TranslationModel) -> None:
        try:
            self.load_state_dict(dict(state))
        except RuntimeError as error:
            first = " ".join(str(error).split())[:300]
            raise WeightsError(
                f"expected initial weights that fit model {self.info.name!r} {self.hyper_parameters}, got "
                f"{trained.info.name!r} {trained.hyper_parameters}: {first}"
            ) from error

    def encode_content(self, content: Tensor) -> None:
        """Run the encoder on RGB images (B, 3, H, W), so that attached feature hints record its features."""
        content_statistics_of(self).content_statistics(content)

    def translate_spatial(
        self,
        content: Tensor,
        styles: Sequence[Mapping[str, Tensor]],
        shares: Tensor,
        strength: float | Tensor,
        statistics: Statistics | None,
    ) -> Tensor:
        """Translate padded content with N styles, whose shares (N, 1, H, W) sum to 1 at every pixel.

        By default, the whole image is translated with each style and the results are composited by the shares; models
        may override this to blend features instead.
        """
        pairs = zip(styles, shares, strict=True)
        return torch.stack([self.translate(content, one, strength, statistics) * share for one, share in pairs]).sum(0)

    # -- shared by all models ---------------------------------------------------------------------------------------

    def configure(self, options: Mapping[str, str]) -> None:
        """Set options for a run; see ``run_options``.

        Raises:
            UnknownNameError: No such option.
            InputError: A value has the wrong type or is out of range; no option is set.
        """
        self.hyper_parameters |= parsed_options(self.info.name, self.run_options, options)

    @property
    def exemplar_channels(self) -> int:
        """Channels of an exemplar: 1, or 3 for published three-channel checkpoints."""
        return 3 if int(self.hyper_parameters.get("out_channels", self.info.out_channels)) == 3 else 1

    @property
    def device(self) -> torch.device:
        """Device of the parameters; the CPU if there are none."""
        return next((parameter.device for parameter in self.parameters()), torch.device("cpu"))

    @torch.no_grad()
    def prepare(
        self,
        exemplars: Sequence[Tensor],
        weights: Sequence[float] | None = None,
        white_hot: bool | None = None,
        *,
        masks: Sequence[Tensor] | None = None,
    ) -> StyleCode:
        """Encode the exemplars once for a run.

        Args:
            exemplars: One or more float images (1, 1, h, w) in [0, 1], sides >= 16, sizes may differ.
            weights: Share of each, normalised to sum to 1; equal by default.
            white_hot: Whether they are white-hot; None classifies each exemplar, except near-infrared ones, which
                are always white-hot.
            masks: Integer label map (1, 1, h, w) of each, so that a label takes the style of the same label.

        Raises:
            InputError: No exemplar, a wrong shape, values outside [0, 1], a wrong number of weights, or masks of a
                wrong shape or for a model without masks.
        """
        if not exemplars:
            raise InputError("expected at least one exemplar, got none")
        for exemplar in exemplars:
            check_image("exemplar", exemplar, self.exemplar_channels)
            if len(exemplar) != 1:
                raise InputError(f"expected one exemplar per tensor, got {len(exemplar)} in one: pass a list")
        polarities = [polarity_of_exemplar(exemplar, white_hot, self.metadata.get("band")) for exemplar in exemplars]
        known = [torch.tensor([polarity.white_hot], device=self.device) for polarity in polarities]
        if masks is None:
            encoded = [self.encode(e.to(self.device), white) for e, white in zip(exemplars, known, strict=True)]
        else:
            check_masks(masks, exemplars)
            labels = sorted({int(label) for mask in masks for label in torch.unique(mask)})
            parts = zip(exemplars, known, masks, strict=True)
            encoded = [
                label_maps_of(self).encode_regions(e.to(self.device), white, m.to(self.device), labels)
                for e, white, m in parts
            ]
        codes = [
            StyleCode(self.info.name, tensors, {"weights_hash": self.weights_hash, **polarity.metadata()})
            for tensors, polarity in zip(encoded, polarities, strict=True)
        ]
        return blend_codes(codes, weights if weights is not None else [1.0] * len(codes))

    def style_for(self, exemplar: Tensor, white_hot: bool | None = None) -> StyleCode:
        """Return the style of one exemplar (1, 1, h, w); models with fixed styles return their nearest one."""
        return self.prepare([exemplar], white_hot=white_hot)

    def forward(
        self,
        content: Tensor,
        style: StyleCode | SpatialStyle,
        strength: float = 1.0,
        *,
        statistics: Statistics | None = None,
        masks: Tensor | None = None,
        keep_tone: bool = False,
        check_values: bool = True,
    ) -> Tensor:
        """Translate images.

        Args:
            content: Float sRGB (B, 3, H, W) in [0, 1], H and W >= 16.
            style: From :meth:`prepare` of this model; several styles with a mask each for spatial control.
            strength: 0 returns the luma of the RGB image, 1 the full style.
            statistics: Global statistics that replace those of this content, so that tiles equal the whole image.
            masks: Integer label maps (B, 1, H, W); a label takes the style of the same label in the exemplar.
            keep_tone: Keep the rank order of the luma and take only the distribution of intensities from the output; a
                black-hot style reverses the order (see :mod:`ir_transfer.nn.tone`).
            check_values: Whether to check that content is in [0, 1]. If the range is known, False avoids waiting for a
                GPU.

        Returns:
            Apparent intensity (B, 1, H, W) in [0, 1], of the content's height and width.

        Raises:
            InputError: A wrong shape or range, a style of another model, masks or statistics that the model does not
                support, both together, label maps with several styles, or ``keep_tone`` with statistics.
        """
        check_image("content", content, 3, values=check_values)
        codes = style.codes if isinstance(style, SpatialStyle) else (style,)
        for code in codes:
            check_style(code, self.info.name, self.weights_hash)
        strength = check_strength(strength)
        if statistics is not None and self.info.tiling not in {"overview", "exact", "passes"}:
            raise InputError(f"expected no statistics for model {self.info.name!r}, which uses none: leave them out")
        height, width = content.shape[-2:]
        multiple = self.info.size_multiple
        pad = (0, -width % multiple, 0, -height % multiple)
        padded = F.pad(content, pad, mode="reflect") if any(pad) else content
        if isinstance(style, SpatialStyle):
            if masks is not None:
                raise InputError("expected label maps or a mask per style, got both: leave one out")
            shares = F.pad(style.shares(content), pad, mode="reflect")
            output = self.translate_spatial(padded, [c.tensors for c in codes], shares, strength, statistics)
        elif masks is not None:
            output = self._translate_regions(content, padded, style, strength, statistics, masks)
        else:
            output = self.translate(padded, style.tensors, strength, statistics)
        output = output[..., :height, :width]
        output = output if self.training else output.clamp(0, 1)
        if keep_tone:
            if statistics is not None:
                raise InputError("expected keep_tone for a whole image, got statistics: a tile has no ranks of its own")
            output = reorder(output, rgb_to_grayscale(content), ascending=common_polarity(codes))
        return output

    def _translate_regions(
        self,
        content: Tensor,
        padded: Tensor,
        style: StyleCode,
        strength: float,
        statistics: Statistics | None,
        masks: Tensor,
    ) -> Tensor:
        if statistics is not None:
            raise InputError("expected masks or statistics, got both: statistics are those of a whole image")
        check_masks(_singly(masks), _singly(content))
        bottom, right = padded.shape[-2] - content.shape[-2], padded.shape[-1] - content.shape[-1]
        labels = F.pad(masks.double(), (0, right, 0, bottom), mode="reflect").to(padded.device)
        pairs = zip(_singly(padded), _singly(labels), strict=True)
        return torch.cat(
            [label_maps_of(self).translate_regions(one, style.tensors, strength, mask) for one, mask in pairs]
        )

    def save(self, path: str | Path, metadata: Mapping[str, str] | None = None) -> None:
        """Write weights, hyper-parameters and ``metadata`` to one ``.safetensors`` file."""
        described = {
            **(metadata or {}),
            "kind": "weights",
            "model": self.info.name,
            "hyper_parameters": json_text(self.hyper_parameters),
        }
        weight_files.write(Path(path), self.state_dict(), described)

    @classmethod
    def build(
        cls, info: ModelInfo, weights: str | Path | None, encoder_weights: str | Path | None, **hyper_parameters: Any
    ) -> Self:
        """Construct the model and load its weights; see :func:`ir_transfer.create_model`.

        Raises:
            InputError: Weights or encoder weights that the model does not have.
        """
        if encoder_weights is not None:
            raise InputError(f"expected no encoder_weights for model {info.name!r}, got {encoder_weights!s}")
        if not info.needs_weights and weights not in {None, "default"}:
            raise InputError(
                f"expected no weights for model {info.name!r}, which has none, got {weights!s}: leave them out"
            )
        if weights is None or not info.needs_weights:
            return cls(info, **hyper_parameters)
        return build_from_file(cls, info, weight_files.locate(info, weights), hyper_parameters)


def _singly(batch: Tensor) -> list[Tensor]:
    return [batch[index : index + 1] for index in range(len(batch))]
