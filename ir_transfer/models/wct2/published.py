"""Loads WCT2's published checkpoints (layout of clovaai/WCT2) and torchvision's VGG-19 as its encoder."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from ir_transfer.models import published_files
from ir_transfer.models.wct2.paper import PaperWCT2

_LAYOUTS = (
    "known layouts of wct2: wave_encoder_cat5_l4.pth with wave_decoder_cat5_l4.pth (unpool='cat5'), "
    "wave_encoder_sum_l4.pth with wave_decoder_sum_l4.pth (unpool='sum'), both with out_channels=3, "
    "and torchvision's vgg19 as encoder"
)


def load(model: PaperWCT2, weights: str | Path | None, encoder_weights: str | Path) -> str:
    """Fill encoder and, unless ``weights`` is None, decoder from published files and return the files' hash.

    Raises:
        MissingFileError: A file is missing.
        WeightsError: A file is damaged or of another layout.
    """
    state = published_files.encoder_state(encoder_weights)
    convs = _convs(model.network.encoder)
    if published_files.is_torchvision(state):
        colour = convs.pop("conv0")
        published_files.fill_from_torchvision(colour, list(convs.values()), state, encoder_weights, _LAYOUTS)
    else:
        published_files.fill(convs, state, encoder_weights, _LAYOUTS)
    if weights is not None:
        state = published_files.read_state(weights)
        published_files.fill(_convs(model.network.decoder), state, weights, _LAYOUTS)
    return published_files.files_hash([weights, encoder_weights])


def _convs(convs: nn.ModuleDict) -> dict[str, nn.Conv2d]:
    return {name: conv for name, conv in convs.items() if isinstance(conv, nn.Conv2d)}
