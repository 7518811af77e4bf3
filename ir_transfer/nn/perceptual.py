"""Frozen VGG: features for perceptual losses and distances.

Two sources: a compact VGG-19 file in the layout of Collaborative Distillation (Wang et al. 2020,
arXiv:2003.08436; conv0, conv11 ... conv51, here as ``.safetensors``), or torchvision's VGG-19 by name.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Self

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ir_transfer.errors import MissingFileError, WeightsError
from ir_transfer.nn.imagenet import normalising_convolution

LEVELS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
STYLE_LAYERS = LEVELS
CONTENT_LAYERS = ("content.relu3_1", "content.relu4_1")
LAYERS = (*CONTENT_LAYERS, *STYLE_LAYERS)
"""Layers whose losses have sliders; style layers have the names of VGG layers."""
_NAMES = ("11", "12", "21", "22", "31", "32", "33", "34", "41", "42", "43", "44", "51")


class PerceptualEncoder(nn.Module):
    """VGG-19 to relu5_1 at any width, frozen.

    Args:
        widths: Channels of the five levels.
    """

    def __init__(self, widths: tuple[int, int, int, int, int] = (64, 128, 256, 512, 512)) -> None:
        super().__init__()
        self.widths = widths
        self.conv0 = nn.Conv2d(3, 3, 1)
        before = 3
        for name in _NAMES:
            width = widths[int(name[0]) - 1]
            setattr(self, f"conv{name}", nn.Conv2d(before, width, 3))
            before = width
        self.requires_grad_(False).eval()

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Return the features relu1_1 to relu5_1 of images (B, 1 or 3, H, W) in [0, 1]."""
        # Padding and convolutions take three times as long on a CPU in another memory format.
        x = self.conv0(images.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last))
        found: dict[str, Tensor] = {}
        for name in _NAMES:
            if name[1] == "1" and name[0] != "1":
                x = F.max_pool2d(x, 2)
            x = F.relu(getattr(self, f"conv{name}")(F.pad(x, (1, 1, 1, 1), mode="reflect")))
            if name[1] == "1":
                found[f"relu{name[0]}_1"] = x
        return found

    @classmethod
    def load(cls, source: str | Path) -> Self:
        """Load from a file, or from torchvision when ``source`` is ``"torchvision"`` (downloads on first use).

        Raises:
            MissingFileError: No such file, or no network to download it.
            WeightsError: The file is damaged or has another layout.
        """
        state = _torchvision_state() if str(source) == "torchvision" else _file_state(Path(source))
        widths = tuple(int(state[f"conv{level}1.weight"].shape[0]) for level in range(1, 6))
        encoder = cls(widths)  # type: ignore[arg-type]
        encoder.load_state_dict(state)
        return encoder


def unit(features: Tensor) -> Tensor:
    """Return features (B, C, H, W) normalised to length 1 over the channels; features near zero stay near zero."""
    return features / (features.pow(2).sum(dim=1, keepdim=True) + 1e-6).sqrt()


def _file_state(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise MissingFileError(f"expected a perceptual VGG at {path}, found none: pass its path, or 'torchvision'")
    try:
        state = load_file(path)
    except SafetensorError as error:
        raise WeightsError(f"expected {path} to be a .safetensors file, got: {error}") from error
    wanted = {f"conv{n}.{part}" for n in ("0", *_NAMES) for part in ("weight", "bias")}
    if not wanted <= state.keys():
        raise WeightsError(
            f"expected layers conv0, conv11 ... conv51 in {path}, missing {sorted(wanted - state.keys())[:3]}"
        )
    return {name: state[name] for name in wanted}


def _torchvision_state() -> dict[str, Tensor]:
    from torchvision.models import VGG19_Weights, vgg19

    weights = VGG19_Weights.IMAGENET1K_V1
    try:
        features = vgg19(weights=weights, progress=sys.stderr.isatty()).features
    except (OSError, RuntimeError) as error:  # URLError is an OSError; a wrong hash is a RuntimeError
        cache = Path(torch.hub.get_dir()) / "checkpoints" / Path(weights.url).name
        raise MissingFileError(
            f"expected to download the VGG of --vgg torchvision from {weights.url}, got: {error}: download "
            f"it on a machine with network access and save it as {cache}, or pass a .safetensors file to --vgg"
        ) from error
    convs = [layer for layer in features if isinstance(layer, nn.Conv2d)][: len(_NAMES)]
    state = {f"conv{n}.weight": c.weight.data for n, c in zip(_NAMES, convs, strict=True)}
    state |= {f"conv{n}.bias": c.bias.data for n, c in zip(_NAMES, convs, strict=True) if c.bias is not None}
    state["conv0.weight"], state["conv0.bias"] = normalising_convolution()
    return state
