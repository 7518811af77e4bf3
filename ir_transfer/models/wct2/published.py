"""Loads WCT2's published checkpoints (layout of clovaai/WCT2) and torchvision's VGG-19 as its encoder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from ir_transfer.errors import InputError
from ir_transfer.models import published_files
from ir_transfer.models.info import ModelInfo
from ir_transfer.models.wct2.paper import PaperWCT2

_LAYOUTS = (
    "known layouts of wct2: wave_encoder_cat5_l4.pth with wave_decoder_cat5_l4.pth (unpool='cat5'), "
    "wave_encoder_sum_l4.pth with wave_decoder_sum_l4.pth (unpool='sum'), both with out_channels=3, "
    "and torchvision's vgg19 as encoder"
)


def build(
    info: ModelInfo,
    weights: str | Path | None,
    encoder_weights: str | Path | None,
    hyper_parameters: Mapping[str, Any],
) -> PaperWCT2:
    """Make the paper's network from published files.

    Raises:
        InputError: The encoder is not named, or another size is asked for.
        MissingFileError: A file is missing.
        WeightsError: A file is damaged or of another layout.
    """
    encoder = published_files.required_encoder(weights, encoder_weights)
    arguments = dict(hyper_parameters)
    if arguments.pop("size", None) not in {None, "vgg19"}:
        raise InputError(
            f"expected size='vgg19' with published weights, got {hyper_parameters['size']!r}: leave it out"
        )
    model = PaperWCT2(info, **arguments)
    state = published_files.encoder_state(encoder)
    convs = _convs(model.network.encoder)
    if published_files.is_torchvision(state):
        colour = convs.pop("conv0")
        published_files.fill_from_torchvision(colour, list(convs.values()), state, encoder, _LAYOUTS)
    else:
        published_files.fill(convs, state, encoder, _LAYOUTS)
    if weights is not None:
        state = published_files.read_state(weights)
        published_files.fill(_convs(model.network.decoder), state, weights, _LAYOUTS)
    model.weights_hash = published_files.files_hash([weights, encoder_weights])
    return model


def _convs(convs: nn.ModuleDict) -> dict[str, nn.Conv2d]:
    return {name: conv for name, conv in convs.items() if isinstance(conv, nn.Conv2d)}
