"""Use of MLflow by commands: fetching weights and logging runs."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ir_transfer.errors import one_line
from ir_transfer.redaction import redact

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from ir_transfer.tracking.fetch import Fetched

STORE_PREFIXES = ("models:/", "runs:/")
"""Prefixes of weights in an MLflow store."""


def fetched(text: str | None, tracking_uri: str | None, runs: Path | None = None) -> Fetched | None:
    """Return weights ``models:/...`` or ``runs:/...`` as a file that exists until the command ends; None for others.

    Args:
        text: Value of ``--weights``.
        tracking_uri: Value of ``--tracking-uri``.
        runs: Folder whose ``mlflow.db`` is the default store; ``runs`` if None.

    Raises:
        IrTransferError: They cannot be fetched; see :func:`~ir_transfer.tracking.fetch.fetch_weights`.
    """
    if text is None or not text.startswith(STORE_PREFIXES):
        return None
    from ir_transfer.tracking.fetch import fetch_weights
    from ir_transfer.tracking.store import DEFAULT_FOLDER, resolve_uri

    folder = click.get_current_context().with_resource(tempfile.TemporaryDirectory())
    return fetch_weights(text, resolve_uri(tracking_uri, runs or DEFAULT_FOLDER), Path(folder))


def local_weights(text: str, tracking_uri: str | None, runs: Path | None = None) -> str:
    """Return the path of fetched weights, and other weights unchanged; see :func:`fetched`."""
    found = fetched(text, tracking_uri, runs)
    return text if found is None else str(found.weights.path)


def check_tracking(tracking_uri: str | None, runs: Path | None = None) -> None:
    """Refuse a store that cannot be used, before the run that is to be logged.

    Args:
        tracking_uri: Value of ``--tracking-uri``.
        runs: Folder whose ``mlflow.db`` is the default store; ``runs`` if None.

    Raises:
        IrTransferError: A missing package, or not the URI of a store.
    """
    from ir_transfer.tracking.store import DEFAULT_FOLDER, check_store, resolve_uri

    check_store(resolve_uri(tracking_uri, runs or DEFAULT_FOLDER))


def track(tracking_uri: str | None, log: Callable[[MlflowClient], str], *, quiet: bool = False) -> bool:
    """Log a run and print its id; return whether that succeeded, after a warning if not.

    Args:
        tracking_uri: Value of ``--tracking-uri``.
        log: Logs the run and returns its id.
        quiet: Print the warning only.
    """
    from ir_transfer.tracking.store import connect, resolve_uri

    uri = resolve_uri(tracking_uri)
    try:
        run = log(connect(uri, create=True))
    except Exception as error:  # stores and networks raise errors of any type
        click.echo(redact(f"Warning: not logged to MLflow at {uri}: {one_line(error)}"), err=True)
        return False
    if not quiet:
        click.echo(f"MLflow run {run} at {redact(uri)}")
    return True
