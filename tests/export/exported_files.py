"""Small models and their exported files on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from ir_transfer.conversion.exported.make import ExportOptions, export_file
from ir_transfer.export.metadata import ExportMetadata, FileKind
from tests.conftest import thermal
from tests.models.small_thermal import small_thermal

FEW_SIZES = ((16, 16), (48, 70), (131, 90))


def small_weights(folder: Path, name: str = "adain") -> Path:
    """Return the weight file of a small system."""
    path = folder / f"small-{name}.safetensors"
    if not path.exists():  # two files of the same weights have hashes of their own
        small_thermal(name).save(path)
    return path


def exemplar_file(folder: Path) -> Path:
    """Return an infrared image on disk."""
    path = folder / "look.png"
    Image.fromarray(thermal(60, 80)).save(path)
    return path


def export_small(
    folder: Path, kind: FileKind, name: str = "adain", *, baked: bool = True, polarity: str | None = None
) -> tuple[Path, ExportMetadata]:
    """Export a small model; return the file and its metadata."""
    out = folder / f"{name}{'' if baked else '-any'}{'.onnx' if kind == 'onnx' else '.xml'}"
    options = ExportOptions(
        model=name,
        out=out,
        kind=kind,
        styles=(str(exemplar_file(folder)),) if baked else (),
        weights=str(small_weights(folder, name)),
        white_hot=True,
        polarity=polarity,  # type: ignore[arg-type]
        sizes=FEW_SIZES,
        threads=1,
    )
    return out, export_file(options)


def random_image(height: int, width: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Return an image (1, 3, H, W) in [0, 1]."""
    return np.random.default_rng(height).random((1, 3, height, width), np.float32)
