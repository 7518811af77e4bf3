"""``--weights`` that name a model in MLflow: fetched into a file for as long as the command runs."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ir_transfer.tracking.fetch import Fetched


_STORE_PREFIXES = ("models:/", "runs:/")


def fetched(text: str | None, tracking_uri: str | None, runs: Path | None = None) -> Fetched | None:
    """Return what ``models:/...`` or ``runs:/...`` names, as a file that lasts as long as the command; None else.

    Args:
        text: Weights as they were typed.
        tracking_uri: As it was typed.
        runs: Folder whose ``mlflow.db`` is the default; ``runs`` if None.

    Raises:
        IrTransferError: It cannot be fetched; see :func:`~ir_transfer.tracking.fetch.fetch_weights`.
    """
    if text is None or not text.startswith(_STORE_PREFIXES):
        return None
    from ir_transfer.tracking.fetch import fetch_weights
    from ir_transfer.tracking.store import DEFAULT_FOLDER, resolve_uri

    folder = click.get_current_context().with_resource(tempfile.TemporaryDirectory())
    return fetch_weights(text, resolve_uri(tracking_uri, runs or DEFAULT_FOLDER), Path(folder))


def local_weights(text: str, tracking_uri: str | None, runs: Path | None = None) -> str:
    """Return weights as a name or file: what lies in an MLflow store is fetched; see :func:`fetched`."""
    found = fetched(text, tracking_uri, runs)
    return text if found is None else str(found.weights.path)
