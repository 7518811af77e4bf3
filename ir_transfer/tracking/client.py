"""A quiet connection to an MLflow store, and the words that all its users share."""

from __future__ import annotations

import getpass
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ir_transfer.errors import InputError, MissingFileError, MissingPackageError, TrackingError

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "ir-transfer"
KIND = "ir_transfer.kind"
"""Tag of a run: ``train``, ``evaluate`` or ``convert``."""

LONGEST_PARAM = 500
"""Characters of a parameter's value, in the strictest of MLflow's stores."""

CANDIDATE, CHAMPION = "candidate", "champion"
"""Aliases of registered versions: the newest one, and the best one that an evaluation has found."""

_SQLITE = "sqlite:///"
_ALLOWED = frozenset("_-. /:")  # beside letters and digits, in a name
_TRAINING_PAGES = {"mlflow.experimentKind": "custom_model_development"}  # else the pages for language models open
# No messages home, no bars between our lines, no project files of the current directory in a model, and a server that
# is away is given up on within seconds instead of minutes. What the user has set stays.
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_UV_AUTO_DETECT": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def connect(uri: str, *, create: bool = False) -> MlflowClient:
    """Return a client of a store; one that is away is noticed by the first call.

    Args:
        uri: Of the tracking store, which keeps the registered models too.
        create: Whether an SQLite file may be made. Reading never makes one.

    Raises:
        MissingFileError: The SQLite file is not there.
        MissingPackageError: MLflow is not installed.
        InputError: No URI of a store, or a file that is none.
    """
    if not create and uri.startswith(_SQLITE) and not Path(uri.removeprefix(_SQLITE)).is_file():
        raise MissingFileError(
            f"expected an MLflow store at {uri}, found none: train a model first, or name the store with "
            "--tracking-uri or MLFLOW_TRACKING_URI"
        )
    if create and uri.startswith(_SQLITE):
        Path(uri.removeprefix(_SQLITE)).parent.mkdir(parents=True, exist_ok=True)
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError as error:
        raise MissingPackageError(
            "expected the package mlflow, found none: pip install mlflow, or pass --no-tracking"
        ) from error
    try:
        return MlflowClient(uri, registry_uri=uri)
    except (MlflowException, SQLAlchemyError) as error:
        raise InputError(f"expected the URI of an MLflow store, got {uri!r}: {one_line(error)}") from error


def experiment_id(client: MlflowClient) -> str:
    """Return the id of the experiment, made if it is missing; SQLite keeps its artifacts beside it."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(EXPERIMENT)
    if found is None:
        uri = client.tracking_uri
        beside = Path(uri.removeprefix(_SQLITE)).parent / "mlartifacts" if uri.startswith(_SQLITE) else None
        try:
            return client.create_experiment(EXPERIMENT, beside.resolve().as_uri() if beside else None, _TRAINING_PAGES)
        except MlflowException:  # another process was faster
            found = client.get_experiment_by_name(EXPERIMENT)
            if found is None:
                raise
    return str(found.experiment_id)


@contextmanager
def as_default_store(client: MlflowClient) -> Iterator[None]:
    """Make the client's store the process's own for a while: parts of MLflow ask it whatever client they serve."""
    import mlflow

    variable = "MLFLOW_TRACKING_URI"
    before, outer = mlflow.get_tracking_uri(), os.environ.get(variable)
    mlflow.set_tracking_uri(client.tracking_uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)
        os.environ.pop(variable, None)
        if outer is not None:
            os.environ[variable] = outer


@contextmanager
def told_plainly(uri: str) -> Iterator[None]:
    """Turn what MLflow raises when a store is away, damaged or refuses into one error of this package.

    Raises:
        TrackingError: In place of MLflow's own, of the data base's and of the network's errors.
    """
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, ConnectionError, TimeoutError) as error:
        if isinstance(error, TrackingError):
            raise
        raise TrackingError(
            f"expected an answer of the MLflow store {uri}, got: {one_line(error)}: check --tracking-uri and that "
            "the store is up"
        ) from error


def who_runs() -> dict[str, str]:
    """Return the tags that MLflow's pages show as creator and source."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container may run a user without a name
        user = "unknown"
    return {"mlflow.user": user, "mlflow.source.name": "ir-transfer", "mlflow.source.type": "LOCAL"}


def metric_name(text: str) -> str:
    """Return a name that MLflow takes for a metric or a parameter."""
    return "".join(c if c.isalnum() or c in _ALLOWED else "_" for c in text)


def one_line(error: Exception) -> str:
    """Return the start of MLflow's message, which may be a page, on one line."""
    return " ".join(str(error).split())[:200]
