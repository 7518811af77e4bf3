"""Paths of a command line: checked before heavy imports, staged locally if they are remote, and printed."""

import glob
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from ir_transfer.cli.process import escape_controls
from ir_transfer.errors import InputError, MissingFileError
from ir_transfer.imaging.remote import is_url, public
from ir_transfer.resources import GET_IT, PRESET, is_elsewhere, missing_exemplar

_VIRTUAL = "/vsi"
_STORES = ("models:/", "runs:/")
_POLICIES = ("fixed:", "nearest:")


def check_inputs(inputs: Sequence[str]) -> None:
    """Refuse inputs that do not exist; globs, URLs and GDAL's virtual paths are not checked.

    Raises:
        MissingFileError: One does not exist.
    """
    for text in inputs:
        if not text or text.startswith(_VIRTUAL) or is_url(text) or glob.has_magic(text):
            continue
        path = Path(text)
        if not path.exists() and not path.is_symlink():
            raise MissingFileError(f"expected the input {text} to exist, found none: check the path")


def check_local(exemplars: Sequence[str]) -> None:
    """Refuse exemplars in archives and on the network.

    Raises:
        MissingFileError: One is not on a local disk.
    """
    for text in exemplars:
        if is_elsewhere(text) and not Path(text).exists():
            raise missing_exemplar(text)


def check_styles(styles: Sequence[str]) -> None:
    """Refuse exemplars and saved styles that do not exist.

    Raises:
        MissingFileError: One does not exist; the message suggests a preset of a similar name.
    """
    for text in styles:
        if not text.startswith(PRESET) and not Path(text).exists():
            raise missing_exemplar(text)


def check_weights(weights: str | None) -> None:
    """Refuse a weights file that does not exist; names and models in MLflow are not checked.

    Raises:
        MissingFileError: It does not exist.
    """
    if weights is None or weights.startswith(_STORES):
        return
    if weights.endswith(".safetensors") and not Path(weights).is_file():
        raise MissingFileError(f"expected a weights file at {weights}, found none: check the path")


def check_exists(path: Path | None, what: str, remedy: str = "check the path") -> None:
    """Refuse a path that does not exist; None is accepted.

    Args:
        path: Value of the option.
        what: Description of the expected file or folder with its option: ``"the pairs of --data"``.
        remedy: Advice for a missing path.

    Raises:
        MissingFileError: It does not exist.
    """
    if path is not None and not path.exists():
        if is_elsewhere(path):
            raise MissingFileError(
                f"expected {what} on a local disk, got {path}, in an archive or on the network: {GET_IT}"
            )
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
    """Refuse an output folder with results of an earlier run.

    Args:
        folder: The output folder.
        names: Names of the files to write.
        overwrite: Whether existing files may be replaced.

    Raises:
        InputError: One of them exists.
    """
    existing = [name for name in names if (folder / name).exists()]
    if existing and not overwrite:
        raise InputError(
            f"expected no results in {folder} yet, got {', '.join(existing)}: use --overwrite, or another -o"
        )


def check_new_file(path: Path, *, overwrite: bool, suffix: str | None = None) -> None:
    """Refuse an output file that exists, or that has another suffix.

    Args:
        path: Value of ``-o``.
        overwrite: Whether an existing file may be replaced.
        suffix: The only suffix, if any, that the file may have.
    """
    if suffix is not None and path.suffix.lower() != suffix:
        raise click.UsageError(f"expected -o to end in {suffix}, got {path}")
    if path.exists() and not overwrite:
        raise click.UsageError(f"expected a new file, got {path}, which exists: use --overwrite or another -o")


def local_paths(inputs: Sequence[str], out: Path | str | None) -> tuple[tuple[str, ...], Path | None]:
    """Return local paths for inputs and results; remote ones are staged in folders that exist until the command ends.

    Raises:
        IrTransferError: A remote storage cannot be used; see :func:`~ir_transfer.conversion.staging.staged`.
    """
    if not any(is_url(str(text)) for text in (*inputs, out)):
        return tuple(inputs), None if out is None else Path(out)
    from ir_transfer.conversion.staging import staged

    return click.get_current_context().with_resource(staged(inputs, out))


def format_path(path: Path) -> str:
    """Return a path for display: a staged path as its URL, without control characters."""
    return escape_controls(public(click.format_filename(path)))
