"""What a command tells MLflow when its work is done: a store that is away costs a warning, never the work."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from ir_transfer.redaction import redact

if TYPE_CHECKING:
    from mlflow import MlflowClient


def track(tracking_uri: str | None, log: Callable[[MlflowClient], str], *, quiet: bool = False) -> None:
    """Log a run and say which, or warn that it is not logged.

    Args:
        tracking_uri: As it was typed.
        log: Logs, and returns the run's id.
        quiet: Whether only the warning is printed.
    """
    from ir_transfer.tracking.store import connect, one_line, resolve_uri

    uri = resolve_uri(tracking_uri)
    try:
        run = log(connect(uri, create=True))
    except Exception as error:  # whatever a store or the network comes up with
        click.echo(redact(f"Warning: not logged to MLflow at {uri}: {one_line(error)}"), err=True)
        return
    if not quiet:
        click.echo(f"MLflow run {run} at {redact(uri)}")
