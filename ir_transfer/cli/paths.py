"""Paths of a command line: local folders for remote storage, and paths as they are printed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from ir_transfer.cli.streams import escape_controls


def local_paths(inputs: Sequence[str], out: Path | str | None) -> tuple[tuple[str, ...], Path | None]:
    """Return local folders for remote inputs and results, which last as long as the command.

    Raises:
        IrTransferError: A storage cannot be used; see :func:`~ir_transfer.conversion.staging.staged`.
    """
    from ir_transfer.imaging.remote import is_url

    if not any(is_url(str(text)) for text in (*inputs, out)):
        return tuple(inputs), None if out is None else Path(out)
    from ir_transfer.conversion.staging import staged

    return click.get_current_context().with_resource(staged(inputs, out))


def format_path(path: Path) -> str:
    """Return a path as it is printed: with the URL that its folder stands for."""
    from ir_transfer.imaging.remote import public

    return escape_controls(public(click.format_filename(path)))
