"""Style swap behind the contract: a compact network that is trained on pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from kornia.color import rgb_to_grayscale
from torch import Tensor

from ir_transfer.errors import InputError
from ir_transfer.models import weight_files
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.info import ModelInfo
from ir_transfer.models.style_code import as_part
from ir_transfer.models.style_swap.network import (
    SWAP_LEVEL,
    CodePredictor,
    InverseNetwork,
    PictureEncoder,
    finer_than_patches,
)
from ir_transfer.models.style_swap.paper import RUN_OPTIONS, PaperStyleSwap, weighted_swaps
from ir_transfer.nn.moments import Statistics
from ir_transfer.nn.patch_swap import check_patch
from ir_transfer.nn.polarity import sign_of, turn
from ir_transfer.nn.resize import shrink_short_side
from ir_transfer.nn.rows import with_rows
from ir_transfer.nn.units import from_units, in_units, tone
from ir_transfer.nn.vgg import VggEncoder

_COMMITMENT = 0.25


class StyleSwap(TranslationModel):
    """The photograph says what belongs where, the exemplar's own patches say what that looks like.

    A picture encoder turns the exemplar, in units of its own tone, into a code at a quarter of its size. Another
    network looks at the photograph and predicts the code of its infrared picture. Each of its patches gives way to the
    exemplar's most similar one, and an inverse network decodes the swapped code, with the edges of the photograph that
    are finer than a patch. At strength 0 the code is that of the luminance.

    Args:
        info: What the model declares.
        widths: Channels of each level of the photograph's encoder; the first three also those of the picture's.
        depths: Convolutions of each level of the photograph's encoder.
        picture_depths: Convolutions of each level of the picture encoder and of the inverse network.
        code: Channels of the code.
        patch: Side of a swapped patch, in positions of the code (four pixels each); odd.
        stride: Step between swapped patches.
        short_side: A larger exemplar is shrunk until its short side has so many pixels. It, ``patch`` and
            ``stride`` may differ from those of the training.
    """

    run_options = RUN_OPTIONS

    def __init__(
        self,
        info: ModelInfo,
        widths: Sequence[int] = (16, 32, 64, 96, 112),
        depths: Sequence[int] = (1, 2, 2, 2, 2),
        picture_depths: Sequence[int] = (2, 2, 2),
        code: int = 24,
        patch: int = 3,
        stride: int = 1,
        short_side: int = 128,
    ) -> None:
        if len(widths) < SWAP_LEVEL or patch % 2 == 0:
            raise InputError(f"expected at least {SWAP_LEVEL} widths and an odd patch, got {widths} and {patch}")
        stored: dict[str, Any] = {
            "widths": list(widths),
            "depths": list(depths),
            "picture_depths": list(picture_depths),
        }
        stored |= {"code": code, "patch": patch, "stride": stride, "short_side": short_side}
        super().__init__(replace(info, size_multiple=2 ** (len(widths) - 1)), stored)
        self.takes_rows = True
        self.encoder = VggEncoder(widths, depths, in_channels=4, padding="replicate", residual=True)
        self.predictor = CodePredictor(widths[SWAP_LEVEL - 1 :], depths[SWAP_LEVEL - 1 :], code)
        self.picture_encoder = PictureEncoder(widths[:SWAP_LEVEL], picture_depths, code)
        self.inverse = InverseNetwork(widths[:SWAP_LEVEL], picture_depths, code)
        self._commitment: Tensor | None = None

    @classmethod
    def build(  # type: ignore[override]  # the size decides the class
        cls, info: ModelInfo, weights: str | Path | None, encoder_weights: str | Path | None, **hyper_parameters: Any
    ) -> TranslationModel:
        """Make the size that is asked for or that the file holds; see :func:`ir_transfer.create_model`."""
        size = hyper_parameters.pop("size", None)
        if size not in {None, *SIZES}:
            raise InputError(f"expected size to be one of {', '.join(SIZES)}, got {size!r}")
        if encoder_weights is not None:
            if weights is not None or size == "compact":
                raise InputError(
                    f"expected weights=None and size='vgg19' beside encoder_weights, got {weights!s} and {size!r}: the "
                    "inverse network is not published, train it"
                )
            return PaperStyleSwap.with_encoder(info, encoder_weights, **hyper_parameters)
        if weights is None:
            return SIZES[size or "compact"](info, **hyper_parameters)
        path = weight_files.locate(info, weights)
        _, metadata = weight_files.read(path, kind="weights", model=info.name)
        stored = weight_files.hyper_parameters(metadata, path)
        weight_files.refuse_contradiction(path, {"size": "compact", **stored}, {"size": size} if size else {})
        return SIZES[stored.get("size", "compact")]._from_file(info, path, hyper_parameters)

    def encode_content(self, content: Tensor) -> None:
        """Run the encoder; see the base class."""
        self.encoder(with_rows(content))

    def encode(self, exemplars: Tensor, white_hot: Tensor) -> dict[str, Tensor]:
        """Return the code as ``part0.code`` (B, K, h, w) and ``tone.mean``, ``tone.std``, ``polarity`` (B, 1)."""
        sign = sign_of(white_hot)
        pictures = shrink_short_side(turn(exemplars, sign), self.hyper_parameters["short_side"])
        mean, std = tone(pictures)
        code = self._encoded(pictures, mean, std)[-1]
        check_patch(code, self.hyper_parameters["patch"])
        return {"polarity": sign, "tone.mean": mean, "tone.std": std, **as_part({"code": code})}

    def translate(
        self, content: Tensor, style: Mapping[str, Tensor], strength: float | Tensor, statistics: Statistics | None
    ) -> Tensor:
        """Translate padded content; see the base class."""
        features: list[Tensor] = self.encoder(with_rows(content))
        code = self._swapped(self.predictor(features[SWAP_LEVEL - 1 :]), style)
        mean, std = style["tone.mean"], style["tone.std"]
        asked = [*features[: SWAP_LEVEL - 1], code, mean, std]
        *shallow, code, mean, std = self._with_own(content, asked, strength)
        details = [
            finer_than_patches(feature, 2 ** (SWAP_LEVEL - 1 - level), self.hyper_parameters["patch"])
            for level, feature in enumerate(shallow)
        ]
        return turn(from_units(self.inverse(details, code), mean, std), style["polarity"])

    def auxiliary_loss(self) -> Tensor | None:
        """Return the commitment of the last translation in training, once.

        It draws the predicted code to what the exemplar has (van den Oord et al. 2017, equation 3).
        """
        commitment, self._commitment = self._commitment, None
        return None if commitment is None else _COMMITMENT * commitment

    def _with_own(self, content: Tensor, asked: Sequence[Tensor], strength: float | Tensor) -> list[Tensor]:
        """Blend what is asked for with the luminance's own, which is encoded where it counts alone."""
        shares = torch.as_tensor(strength, device=content.device, dtype=torch.float32).expand(len(content), 1)
        blended = [tensor.expand(len(content), *tensor.shape[1:]) for tensor in asked]
        chosen = (shares[:, 0] < 1).nonzero()[:, 0]
        if not len(chosen):
            return blended
        luminance = rgb_to_grayscale(content[chosen, :3])
        mean, std = tone(luminance)
        for index, own in enumerate([*self._encoded(luminance, mean, std), mean, std]):
            whole = blended[index]
            share = shares[chosen].view(-1, *[1] * (whole.dim() - 1)).to(whole.dtype)
            blended[index] = whole.index_copy(0, chosen, own + (whole[chosen] - own) * share)
        return blended

    def _encoded(self, pictures: Tensor, mean: Tensor, std: Tensor) -> list[Tensor]:
        """Return the picture encoder's features above the code, shallowest first, and the code."""
        shallow, code = self.picture_encoder(in_units(pictures, mean, std))
        return [*shallow, code]

    def _swapped(self, code: Tensor, style: Mapping[str, Tensor]) -> Tensor:
        """Return the mean of the code's swaps with every exemplar, by their shares.

        The choice of a patch has no gradient: that of the swapped code goes to the predicted one as it is, as to a
        vector that is quantised (van den Oord et al. 2017, section 3.2), and to the patches that were chosen.
        """
        swapped = weighted_swaps(code, style, "code", self.hyper_parameters["patch"], self.hyper_parameters["stride"])
        if not self.training:
            return swapped
        self._commitment = (code - swapped.detach()).square().sum(dim=1).mean()
        return swapped + (code - code.detach())


SIZES: dict[str, type[TranslationModel]] = {"compact": StyleSwap, "vgg19": PaperStyleSwap}
