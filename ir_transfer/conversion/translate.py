"""Pictures to infrared intensities on a device: the model is loaded and the exemplar encoded once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ir_transfer import create_model
from ir_transfer.conversion.exemplar import read_exemplar
from ir_transfer.conversion.options import Precision
from ir_transfer.conversion.styles import WHITE_HOT, NamedLook, SavedStyle, StyleChoice
from ir_transfer.data.image_io import LUMA, MAX_PIXELS, Picture
from ir_transfer.errors import InputError
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.fixed_looks import FixedLooks
from ir_transfer.models.style_code import StyleCode, blend_codes

_BATCH_PIXELS = 2**22
_LARGEST_BATCH = 16


def pick_device(name: str = "auto") -> torch.device:
    """Return the device to compute on.

    Args:
        name: ``"auto"`` (CUDA where there is one), ``"cpu"``, ``"cuda"`` or ``"cuda:1"``.

    Raises:
        InputError: Unknown, or not in this machine.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind, _, index = name.partition(":")
    if kind == "cpu" and not index:
        return torch.device("cpu")
    if kind != "cuda" or (index and not index.isdecimal()):
        raise InputError(f"expected --device auto, cpu, cuda or cuda:N, got {name!r}")
    if int(index or 0) >= torch.cuda.device_count():
        raise InputError(
            f"expected the device {name!r} in this machine, found {torch.cuda.device_count()} CUDA devices: "
            "use --device cpu"
        )
    return torch.device(name)


def prepare_styles(
    model: TranslationModel, choice: StyleChoice, max_pixels: int = MAX_PIXELS, white_hot: bool | None = None
) -> StyleCode:
    """Encode or load each style of a choice and blend them into one code on the CPU.

    Args:
        model: On any device.
        choice: The styles.
        max_pixels: Larger exemplars are refused.
        white_hot: Whether hot is bright in the exemplar files; the model judges by itself if None.

    Raises:
        MissingFileError: No such exemplar.
        DecodeError: An exemplar that cannot be read.
        InputError: An exemplar without contrast or too small, or a code made with other weights.
        WeightsError: A damaged code.
    """
    colour = model.exemplar_channels == 3
    codes = []
    for style in choice.styles:
        if isinstance(style, SavedStyle):
            codes.append(_load(model, style))
        elif isinstance(style, NamedLook):
            codes.append(_look(model, style).to("cpu"))
        else:
            exemplar = read_exemplar(style, max_pixels, keep_colour=colour)
            picture = torch.from_numpy(np.ascontiguousarray(exemplar))[None]
            codes.append(model.prepare([picture], white_hot=white_hot).to("cpu"))
    return codes[0] if len(codes) == 1 else blend_codes(codes, choice.shares)


def _look(model: TranslationModel, style: NamedLook) -> StyleCode:
    if not isinstance(model, FixedLooks):
        raise InputError(f"expected no look {style.name!r} for model {model.info.name!r}, which reads exemplars")
    return model.look(style.name, white_hot=style.polarity == WHITE_HOT)


def _load(model: TranslationModel, style: SavedStyle) -> StyleCode:
    code = StyleCode.load(style.path)
    made_with = code.metadata.get("weights_hash", model.weights_hash)
    if made_with != model.weights_hash:
        raise InputError(
            f"{style.path}: expected a style made with weights {model.weights_hash}, got one of {made_with}: "
            "build it again with ir-transfer styles build"
        )
    return code


@dataclass(frozen=True)
class Translator:
    """A loaded model with its style, ready for many pictures.

    The result of a picture does not depend on what is translated with it: on a CPU, where batches gain
    nothing, pictures go one by one; on CUDA every batch of one size is filled up to the same length.

    Attributes:
        model: In evaluation mode, on ``device``.
        style: On ``device``.
        device: Where to compute.
        strength: 0 keeps the photograph's own look, 1 is the exemplar's.
        precision: ``"bfloat16"`` computes under autocast.
        batch_size: Pictures at once on CUDA; chosen by their size if None.
        seed: Seeds each call, so that no result depends on the order.
    """

    model: TranslationModel
    style: StyleCode
    device: torch.device
    strength: float = 1.0
    precision: Precision = "float32"
    batch_size: int | None = None
    seed: int = 0

    @classmethod
    def load(
        cls,
        choice: StyleChoice,
        device: torch.device,
        *,
        strength: float = 1.0,
        precision: Precision = "float32",
        batch_size: int | None = None,
        seed: int = 0,
        max_pixels: int = MAX_PIXELS,
        white_hot: bool | None = None,
    ) -> Translator:
        """Load the model and prepare the styles of a choice; see :func:`prepare_styles` for the errors."""
        torch.manual_seed(seed)
        model = create_model(choice.model, choice.weights)
        model = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        style = prepare_styles(model, choice, max_pixels, white_hot).to(device)
        return cls(model, style, device, strength, precision, batch_size, seed)

    def batch_for(self, height: int, width: int) -> int:
        """Return how many pictures of a size are translated at once."""
        if self.device.type == "cpu":
            return 1
        return self.batch_size or max(1, min(_LARGEST_BATCH, _BATCH_PIXELS // (height * width)))

    def __call__(self, pictures: Sequence[Picture]) -> list[NDArray[np.float32]]:
        """Translate pictures of one size to intensities (H, W) in [0, 1].

        Raises:
            InputError: A picture smaller than 16 pixels.
        """
        size = self.batch_for(pictures[0].height, pictures[0].width)
        results: list[NDArray[np.float32]] = []
        for start in range(0, len(pictures), size):
            part = pictures[start : start + size]
            filled = [*part, *[part[-1]] * (size - len(part))]
            results += list(self._translate(filled)[: len(part)].numpy())
        return results

    @torch.inference_mode()
    def _translate(self, pictures: Sequence[Picture]) -> Tensor:
        torch.manual_seed(self.seed)
        content = torch.stack([torch.from_numpy(picture.rgb()) for picture in pictures])
        content = content.to(self.device).contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            output: Tensor = self.model(content, self.style, self.strength)
        output = output.float()
        if output.shape[1] == 3:  # a published checkpoint: one channel is what this command writes
            output = (output * output.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
        return output[:, 0].cpu()
