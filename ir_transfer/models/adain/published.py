"""Loads AdaIN's published checkpoints (layout of naoto0804/pytorch-AdaIN) and torchvision's VGG-19 as its encoder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from torch import nn

from ir_transfer.models import published_files

if TYPE_CHECKING:
    from ir_transfer.models.adain.paper import PaperAdaIN

_LAYOUTS = (
    "known layouts of adain: vgg_normalised.pth with decoder.pth (Sequentials, out_channels=3), "
    "and torchvision's vgg19 as encoder"
)


def load(model: PaperAdaIN, weights: str | Path | None, encoder_weights: str | Path) -> str:
    """Fill encoder and, unless ``weights`` is None, decoder from published files and return the files' hash.

    Both files are Sequentials in the order of the network, so convolutions are matched by order. The encoder's
    file continues to relu5_4; layers after relu4_1 are ignored.

    Raises:
        MissingFileError: A file is missing.
        WeightsError: A file is damaged or of another layout.
    """
    published_files.fill_encoder(model.encoder, encoder_weights, _LAYOUTS)
    if weights is not None:
        convs = [module for module in model.decoder.modules() if isinstance(module, nn.Conv2d)]
        state = published_files.read_state(weights)
        keys = published_files.convolution_keys(state)
        published_files.fill(published_files.in_order(keys, convs), state, weights, _LAYOUTS)
    return published_files.files_hash([weights, encoder_weights])
