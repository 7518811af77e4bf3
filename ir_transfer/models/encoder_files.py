"""Files of the content encoder, which every compact system contains and a distillation makes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ir_transfer.errors import WeightsError
from ir_transfer.json_files import json_text
from ir_transfer.models import weight_files
from ir_transfer.nn.content_encoder import ContentEncoder
from ir_transfer.resources import resource

NAME = weight_files.ENCODER
"""What the files say they belong to, and the name of the weights that ship."""


def save_encoder(encoder: ContentEncoder, path: Path, metadata: Mapping[str, str], *, packed: bool = False) -> None:
    """Write an encoder without normalisations.

    Args:
        encoder: See :meth:`~ir_transfer.nn.content_encoder.ContentEncoder.folded`.
        path: A ``.safetensors`` file.
        metadata: What else it says of itself.
        packed: Whether large weights take 8 bits a number.
    """
    sizes = {"widths": encoder.widths, "depths": encoder.depths, "head_width": encoder.head_width}
    described = {**metadata, "kind": "weights", "model": NAME, "hyper_parameters": json_text(sizes)}
    state = encoder.state_dict()
    weight_files.write(path, weight_files.packed(state) if packed else state, described)


def load_encoder(encoder: ContentEncoder, source: str | Path) -> None:
    """Fill an encoder from a file, or from the weights that ship (``"content-encoder"``).

    Raises:
        MissingFileError: No such file.
        WeightsError: Damaged, of another model, or of another size.
    """
    path = resource(f"weights/{NAME}.safetensors") if str(source) == NAME else Path(source)
    tensors, metadata = weight_files.read(path, kind="weights", model=NAME)
    asked = {"widths": list(encoder.widths), "depths": list(encoder.depths), "head_width": encoder.head_width}
    stored = weight_files.hyper_parameters(metadata, path)
    if stored != asked:
        raise WeightsError(f"expected a content encoder of {asked} in {path}, got one of {stored}: name another file")
    weight_files.load_into(encoder, tensors, path)
