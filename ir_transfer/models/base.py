"""The contract of every model: prepare the exemplars once, then translate many pictures."""

from __future__ import annotations

import hashlib
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
from ir_transfer.models.capabilities import content_statistics_of, label_maps_of
from ir_transfer.models.checks import check_masks, check_picture, check_strength, check_style, common_polarity
from ir_transfer.models.info import ModelInfo
from ir_transfer.models.polarity import polarity_of_exemplar
from ir_transfer.models.run_options import RunOption, parsed_options
from ir_transfer.models.spatial import SpatialStyle
from ir_transfer.models.style_code import StyleCode, blend_codes
from ir_transfer.nn.moments import Statistics
from ir_transfer.nn.tone import reorder


class TranslationModel(nn.Module, ABC):
    """Base of all models: checks, padding, cropping, saving; a subclass adds ``encode`` and ``translate``.

    Args:
        info: What the model declares about itself.
        hyper_parameters: What its constructor took; stored in the weight file.
    """

    def __init__(self, info: ModelInfo, hyper_parameters: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.info = info
        self.hyper_parameters: dict[str, Any] = dict(hyper_parameters or {})
        self.weights_hash = "none"
        self.metadata: dict[str, str] = {}

    looks: tuple[str, ...] = ()
    """Names of the looks of a model that takes no exemplars (see :mod:`ir_transfer.models.fixed_looks`)."""

    run_options: Mapping[str, RunOption] = {}
    """Hyper-parameters that no weight depends on, so that :meth:`configure` may set them for a run."""

    on_step: Callable[[int, int, Mapping[str, float]], None] | None = None
    """Told of every step of an iterative model: its number, how many there may be, and the losses by name."""

    # -- to be written by a model -------------------------------------------------------------------------------

    @abstractmethod
    def encode(self, exemplars: Tensor, white_hot: Tensor) -> Mapping[str, Tensor]:
        """Turn exemplars (B, 1, h, w) in [0, 1] into style tensors with batch B; differentiable where trainable.

        ``white_hot`` (B,) bool is their polarity: :meth:`prepare` judges it, no model does.
        """

    @abstractmethod
    def translate(
        self, content: Tensor, style: Mapping[str, Tensor], strength: float | Tensor, statistics: Statistics | None
    ) -> Tensor:
        """Translate padded content (B, 3, H, W) to (B, C, H, W); sides are multiples of ``info.size_multiple``."""

    def auxiliary_loss(self) -> Tensor | None:
        """Return what the model wants minimised of its last translation, besides the recipe's losses."""
        return None

    def adopt(self, trained: TranslationModel) -> None:
        """Take over the weights of a trained model, to go on from them.

        Raises:
            WeightsError: It is of another model or size.
        """
        self._load(trained.state_dict(), trained)

    def _load(self, state: Mapping[str, Tensor], trained: TranslationModel) -> None:
        try:
            self.load_state_dict(dict(state))
        except RuntimeError as error:
            first = " ".join(str(error).split())[:300]
            raise WeightsError(
                f"expected weights that fit model {self.info.name!r} {self.hyper_parameters} to begin from, got "
                f"{trained.info.name!r} {trained.hyper_parameters}: {first}"
            ) from error

    def encode_content(self, content: Tensor) -> None:
        """Run the part of the network that sees the photograph, where hints watch it (B, 3, H, W)."""
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

        Each style translates the whole picture, and the shares composite the results; overridden by a model that
        can blend its features instead.
        """
        pairs = zip(styles, shares, strict=True)
        return torch.stack([self.translate(content, one, strength, statistics) * share for one, share in pairs]).sum(0)

    # -- the same for all ---------------------------------------------------------------------------------------

    def configure(self, options: Mapping[str, str]) -> None:
        """Set options for a run; see ``run_options``.

        Raises:
            UnknownNameError: No such option; the message lists the known ones.
            InputError: A value of another type or out of range; nothing has been set.
        """
        self.hyper_parameters |= parsed_options(self.info.name, self.run_options, options)

    @property
    def exemplar_channels(self) -> int:
        """Channels of an exemplar: 1, or 3 for published three-channel checkpoints."""
        return 3 if int(self.hyper_parameters.get("out_channels", self.info.out_channels)) == 3 else 1

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
            exemplars: One or more float pictures (1, 1, h, w) in [0, 1], sides >= 16, sizes may differ.
            weights: Share of each, normalised to sum to 1; equal by default.
            white_hot: Whether hot is bright in them, if that is known; if not, the shipped classifier judges each, but
                near-infrared ones, which nobody inverts, are taken as they are.
            masks: Integer label map (1, 1, h, w) of each, so that a label takes the look of the same label.

        Raises:
            InputError: No exemplar, a wrong shape, values outside [0, 1], as many weights as do not fit, or masks
                that do not fit or that the model does not take.
        """
        if not exemplars:
            raise InputError("expected at least one exemplar, got none")
        for exemplar in exemplars:
            check_picture("exemplar", exemplar, self.exemplar_channels)
            if len(exemplar) != 1:
                raise InputError(f"expected each exemplar on its own, got {len(exemplar)} in one tensor: pass a list")
        device = next((p.device for p in self.parameters()), torch.device("cpu"))
        judged = [polarity_of_exemplar(exemplar, white_hot, self.metadata.get("band")) for exemplar in exemplars]
        known = [torch.tensor([polarity.white_hot], device=device) for polarity in judged]
        if masks is None:
            encoded = [self.encode(e.to(device), white) for e, white in zip(exemplars, known, strict=True)]
        else:
            check_masks(masks, exemplars)
            labels = sorted({int(label) for mask in masks for label in torch.unique(mask)})
            parts = zip(exemplars, known, masks, strict=True)
            encoded = [
                label_maps_of(self).encode_regions(e.to(device), white, m.to(device), labels) for e, white, m in parts
            ]
        codes = [
            StyleCode(self.info.name, tensors, {"weights_hash": self.weights_hash, **polarity.metadata()})
            for tensors, polarity in zip(encoded, judged, strict=True)
        ]
        return blend_codes(codes, weights if weights is not None else [1.0] * len(codes))

    def style_for(self, exemplar: Tensor, white_hot: bool | None = None) -> StyleCode:
        """Return the style for one exemplar (1, 1, h, w); a model of fixed looks answers with its nearest."""
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
    ) -> Tensor:
        """Translate pictures.

        Args:
            content: Float sRGB (B, 3, H, W) in [0, 1], H and W >= 16.
            style: From :meth:`prepare` of this very model; several with a mask each for spatial control.
            strength: 0 keeps the photograph's own look, 1 is the exemplar's.
            statistics: Global statistics to use instead of this content's own, so that tiles equal the whole.
            masks: Integer label maps (B, 1, H, W); a label takes the look of the exemplar's same label.
            keep_tone: Keep the luma's order and take only the distribution of what the model makes; a black-hot style
                turns the order round (see :mod:`ir_transfer.nn.tone`).

        Returns:
            Apparent intensity (B, 1, H, W) in [0, 1], of exactly the content's height and width.

        Raises:
            InputError: A shape, a range, a style of another model, masks or statistics that the model does not
                take, both together, label maps together with several styles, or the tone of tiles.
        """
        check_picture("content", content, 3)
        codes = style.codes if isinstance(style, SpatialStyle) else (style,)
        for code in codes:
            check_style(code, self.info.name, self.weights_hash)
        strength = check_strength(strength)
        if statistics is not None and self.info.tiling not in {"overview", "exact", "passes"}:
            raise InputError(f"expected no statistics for model {self.info.name!r}, which takes none: leave them out")
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
                raise InputError(
                    "expected keep_tone for a whole picture, got statistics: a tile has no ranks of its own"
                )
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
            raise InputError("expected masks or statistics, got both: statistics are those of a whole picture")
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
        """Construct the model and load its weights; see :func:`ir_transfer.create_model`."""
        if encoder_weights is not None:
            raise InputError(f"expected no encoder_weights for model {info.name!r}, got {encoder_weights!s}")
        if not info.needs_weights and weights not in {None, "default"}:
            raise InputError(
                f"expected no weights for model {info.name!r}, which has none, got {weights!s}: leave them out"
            )
        if weights is None or not info.needs_weights:
            return cls(info, **hyper_parameters)
        return cls._from_file(info, weight_files.locate(info, weights), hyper_parameters)

    @classmethod
    def _from_file(cls, info: ModelInfo, path: Path, asked: Mapping[str, Any]) -> Self:
        tensors, metadata = weight_files.read(path, kind="weights", model=info.name)
        stored = weight_files.hyper_parameters(metadata, path)
        options = {name: str(value) for name, value in asked.items() if name in cls.run_options}
        fixed = {name: value for name, value in asked.items() if name not in options}
        weight_files.refuse_contradiction(path, stored, fixed)
        try:
            model = cls(info, **{**stored, **fixed})
        except (TypeError, ValueError) as error:
            raise WeightsError(
                f"expected hyper-parameters of {cls.__name__} in {path}, got: {error}; weights of another version of "
                "ir-transfer do not load: train them anew"
            ) from error
        model.configure(options)
        weight_files.load_into(model, _without_scorer(tensors), path)
        model.weights_hash = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        model.metadata = metadata
        return model


def _without_scorer(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors without the score of polarity that files of earlier versions have in them."""
    return {name: tensor for name, tensor in tensors.items() if not name.startswith("polarity.")}


def _singly(batch: Tensor) -> list[Tensor]:
    return [batch[index : index + 1] for index in range(len(batch))]
