"""Weight files of the content encoder, which a distillation writes and every compact system contains."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from ir_transfer.errors import WeightsError
from ir_transfer.json_files import json_text
from ir_transfer.models import weight_files
from ir_transfer.nn.content_encoder import ContentEncoder
from ir_transfer.resources import resource

NAME = weight_files.ENCODER
"""Model name in the metadata of the files, and name of the bundled weights."""


def save_encoder(encoder: ContentEncoder, path: Path, metadata: Mapping[str, str], *, packed: bool = False) -> None:
    """Write an encoder without normalisations.

    Args:
        encoder: Encoder from :meth:`~ir_transfer.nn.content_encoder.ContentEncoder.folded`.
        path: A ``.safetensors`` file.
        metadata: Further metadata.
        packed: Whether large weights are stored as 8-bit integers.
    """
    sizes = {"widths": encoder.widths, "depths": encoder.depths, "head_width": encoder.head_width}
    described = {**metadata, "kind": "weights", "model": NAME, "hyper_parameters": json_text(sizes)}
    state = encoder.state_dict()
    weight_files.write(path, weight_files.packed(state) if packed else state, described)


def encoder_path(source: str | Path) -> Path:
    """Return the path of an encoder's file, given the file or the name of the bundled one (``"content-encoder"``)."""
    return resource(f"weights/{NAME}.safetensors") if str(source) == NAME else Path(source)


def load_encoder(encoder: ContentEncoder, source: str | Path) -> None:
    """Fill an encoder from a file, or from the bundled weights (``"content-encoder"``).

    Raises:
        MissingFileError: No such file.
        WeightsError: Damaged, of another model, or of another size.
    """
    path = encoder_path(source)
    tensors, metadata = weight_files.read(path, kind="weights", model=NAME)
    asked = {"widths": list(encoder.widths), "depths": list(encoder.depths), "head_width": encoder.head_width}
    stored = weight_files.hyper_parameters(metadata, path)
    if stored != asked:
        raise WeightsError(f"expected a content encoder of {asked} in {path}, got one of {stored}: name another file")
    weight_files.load_into(encoder, tensors, path)


def read_encoder(source: str | Path) -> ContentEncoder:
    """Return the encoder of a file, or the bundled one (``"content-encoder"``), frozen, in evaluation mode.

    Raises:
        MissingFileError: No such file.
        WeightsError: Damaged, or of another model.
    """
    path = encoder_path(source)
    tensors, metadata = weight_files.read(path, kind="weights", model=NAME)
    with torch.device("meta"):  # draws no random numbers
        encoder = ContentEncoder(**weight_files.hyper_parameters(metadata, path)).eval()
    weight_files.load_into(encoder, tensors, path, assign=True)
    return encoder.requires_grad_(False)


def shipped_encoder() -> ContentEncoder:
    """Return the bundled content encoder, frozen, in evaluation mode."""
    return read_encoder(NAME)
