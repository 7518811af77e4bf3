"""LPIPS with its learned weights, from local files; torchmetrics and lpips would download the backbone."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn

from ir_transfer.errors import MissingFileError, WeightsError

_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
_BACKBONES: Mapping[str, tuple[str, tuple[int, ...], tuple[int, ...]]] = {
    # Name -> (file in torchvision's cache, index of each compared ReLU in .features, its channels).
    "alex": ("alexnet-*.pth", (1, 4, 7, 9, 11), (64, 192, 384, 256, 256)),
    "vgg": ("vgg16-*.pth", (3, 8, 15, 22, 29), (64, 128, 256, 512, 512)),
}


class Lpips(nn.Module):
    """Learned perceptual image patch similarity (Zhang et al. 2018, arXiv:1801.03924), version 0.1.

    Args:
        name: ``alex`` or ``vgg``.
        features: The backbone's convolutions, ReLUs and poolings.
        heads: Non-negative weight of every channel (C_l,), level by level.
    """

    def __init__(self, name: str, features: nn.Module, heads: list[Tensor]) -> None:
        super().__init__()
        self.name = name
        self.features = features
        self._levels = _BACKBONES[name][1]
        for index, head in enumerate(heads):
            self.register_buffer(f"head{index}", head.flatten())
        self.requires_grad_(False).eval()

    def forward(self, output: Tensor, ground_truth: Tensor) -> Tensor:
        """Return the distance (B,) of two images (B, 1, H, W) in [0, 1], sides >= 64."""
        pairs = zip(self._units(output), self._units(ground_truth), strict=True)
        distance = torch.zeros(len(output), device=output.device)
        for index, (a, b) in enumerate(pairs):
            head: Tensor = getattr(self, f"head{index}")
            distance = distance + ((a - b).square() * head[:, None, None]).sum(dim=1).mean(dim=(1, 2))
        return distance

    def _units(self, image: Tensor) -> list[Tensor]:
        shift, scale = (torch.tensor(v).to(image)[:, None, None] for v in (_SHIFT, _SCALE))
        x = ((2 * image - 1).expand(-1, 3, -1, -1) - shift) / scale
        found = []
        for index, layer in enumerate(self.features.children()):
            x = layer(x)
            if index in self._levels:
                found.append(x / (x.square().sum(dim=1, keepdim=True).sqrt() + 1e-10))
        return found

    @classmethod
    def load(cls, heads: Path, cache: Path | None = None) -> Self:
        """Load LPIPS from the file of its learned weights and the backbone in torchvision's cache.

        Args:
            heads: ``alex.pth`` or ``vgg.pth`` as published with the paper; its channels determine the backbone.
            cache: Folder of the backbone's file; torch's own by default.

        Raises:
            MissingFileError: One of the files is missing.
            WeightsError: One of them has another layout.
        """
        if not heads.is_file():
            raise MissingFileError(f"expected LPIPS weights (alex.pth or vgg.pth) at {heads}, found none")
        state = _read(heads)
        learned = [state[key] for key in sorted(state) if key.startswith("lin") and key.endswith(".weight")]
        channels = tuple(head.numel() for head in learned)
        name = next((n for n, (_, _, wanted) in _BACKBONES.items() if wanted == channels), None)
        if name is None:
            raise WeightsError(f"expected the five heads of LPIPS alex or vgg in {heads}, got channels {channels}")
        return cls(name, _backbone(name, cache or Path(torch.hub.get_dir()) / "checkpoints"), learned)


def _backbone(name: str, cache: Path) -> nn.Module:
    pattern, levels, _ = _BACKBONES[name]
    found = sorted(cache.glob(pattern))
    if not found:
        raise MissingFileError(
            f"expected torchvision's {pattern} in {cache}, found none: download it once, or omit --lpips"
        )
    from torchvision.models import alexnet, vgg16

    with torch.device("meta"):
        whole = (alexnet if name == "alex" else vgg16)(weights=None).features
    layers = nn.Sequential(*list(whole.children())[: levels[-1] + 1])
    state = _read(found[0])
    try:
        wanted = {key: state[f"features.{key}"] for key in layers.state_dict()}
        layers.load_state_dict(wanted, assign=True)
    except (KeyError, RuntimeError) as error:
        raise WeightsError(f"expected the features of torchvision's {name} in {found[0]}, got: {error}") from error
    for layer in layers:
        if isinstance(layer, nn.ReLU):
            layer.inplace = False
    return layers


def _read(path: Path) -> dict[str, Tensor]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise WeightsError(f"expected {path} to contain only tensors, got: {error}") from error
    if not isinstance(state, dict):
        raise WeightsError(f"expected a dictionary of tensors in {path}, got {type(state).__name__}")
    return state
