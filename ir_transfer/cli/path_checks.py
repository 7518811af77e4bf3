"""Wrong paths, reported before anything heavy is imported."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Sequence
from pathlib import Path

from ir_transfer.errors import InputError, MissingFileError
from ir_transfer.imaging.remote import is_url
from ir_transfer.resources import PRESET, missing_exemplar

_VIRTUAL = "/vsi"
_STORES = ("models:/", "runs:/")
_POLICIES = ("fixed:", "nearest:")


def check_inputs(inputs: Sequence[str]) -> None:
    """Refuse inputs that do not exist; globs and places elsewhere are left to those who read them.

    Raises:
        MissingFileError: One does not exist.
    """
    for text in inputs:
        if not text or text.startswith(_VIRTUAL) or is_url(text) or glob.has_magic(text):
            continue
        path = Path(text)
        if not path.exists() and not path.is_symlink():
            raise MissingFileError(f"expected the input {text} to exist, found none: check the path")


def check_styles(styles: Sequence[str]) -> None:
    """Refuse exemplars and saved styles that do not exist.

    Raises:
        MissingFileError: One does not exist; the message names a preset that is called so.
    """
    for text in styles:
        if not text.startswith(PRESET) and not Path(text).exists():
            raise missing_exemplar(text)


def check_weights(weights: str | None) -> None:
    """Refuse a file of weights that does not exist; names and models in MLflow are left to those who read them.

    Raises:
        MissingFileError: It does not exist.
    """
    if weights is None or weights.startswith(_STORES):
        return
    if weights.endswith(".safetensors") and not Path(weights).is_file():
        raise MissingFileError(f"expected a weights file at {weights}, found none: check the path")


def check_exists(path: Path | None, what: str, remedy: str = "check the path") -> None:
    """Refuse a path that does not exist; None is no path.

    Args:
        path: As it was typed.
        what: What is expected there, with its option: ``"the pairs of --data"``.
        remedy: What to do.

    Raises:
        MissingFileError: It does not exist.
    """
    if path is not None and not path.exists():
        raise MissingFileError(f"expected {what} at {path}, found none: {remedy}")


def check_vgg(vgg: str | None) -> None:
    """Refuse a perceptual VGG that does not exist.

    Raises:
        MissingFileError: It does not exist.
    """
    if vgg is not None and vgg != "torchvision":
        check_exists(Path(vgg), "a perceptual VGG", "pass its path, or 'torchvision'")


def check_policies(exemplars: Iterable[str]) -> None:
    """Refuse exemplar files and folders of ``--exemplar`` that do not exist.

    Raises:
        MissingFileError: One does not exist.
    """
    for text in exemplars:
        prefix = next((policy for policy in _POLICIES if text.startswith(policy)), "")
        if text != "oracle" and not Path(text.removeprefix(prefix)).exists():
            raise missing_exemplar(text.removeprefix(prefix))


def check_fresh(folder: Path, names: Sequence[str], *, overwrite: bool) -> None:
    """Refuse a folder that has results of an earlier run.

    Args:
        folder: Where the results go.
        names: Files that would be written there.
        overwrite: Whether the user asked to replace them.

    Raises:
        InputError: Some exist.
    """
    existing = [name for name in names if (folder / name).exists()]
    if existing and not overwrite:
        raise InputError(
            f"expected no results in {folder} yet, got {', '.join(existing)}: use --overwrite, or another -o"
        )
