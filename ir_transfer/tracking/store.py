"""The MLflow store: its URI, the connection to it, and the errors that it raises."""

from __future__ import annotations

import getpass
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from ir_transfer.errors import InputError, MissingFileError, MissingPackageError, TrackingError, one_line

if TYPE_CHECKING:
    from mlflow import MlflowClient


DEFAULT_FOLDER = Path("runs")
"""Folder of the default store in the working directory: ``mlflow.db`` and ``mlartifacts/``."""

SQLITE = "sqlite:///"
"""Start of the URI of a store in an SQLite file."""
_VARIABLE = "MLFLOW_TRACKING_URI"


def resolve_uri(given: str | None, folder: Path = DEFAULT_FOLDER) -> str:
    """Return the tracking URI: the one given, else that of ``MLFLOW_TRACKING_URI``, else a database in a folder.

    Example:
        >>> from pathlib import Path
        >>> resolve_uri("http://tracking:5000")
        'http://tracking:5000'
        >>> resolve_uri("sqlite:////data/mlflow.db")
        'sqlite:////data/mlflow.db'
    """
    text = given or os.environ.get(_VARIABLE)
    if text is None or not text:
        return f"{SQLITE}{(folder.absolute() / 'mlflow.db').as_posix()}"
    file = text.removeprefix(SQLITE)
    if file == text or not file or file.startswith((":", "/", "?")) or Path(file).is_absolute():
        return text
    return f"{SQLITE}{Path(file).resolve().as_posix()}"  # the same in every working directory


EXPERIMENT = "ir-transfer"
KIND = "ir_transfer.kind"
"""Tag of a run's kind: ``train``, ``evaluate`` or ``convert``."""

FOLDER = "ir_transfer.folder"
"""Tag of a training's folder, absolute and without symbolic links."""

LONGEST_PARAM = 500
"""Largest length of a parameter value in the strictest of MLflow's stores."""

CANDIDATE, CHAMPION = "candidate", "champion"
"""Aliases of registered versions: the newest one, and the best one by an evaluation."""

_DATABASES = frozenset({"postgresql", "mysql", "mssql"})
_DRIVERS = {"psycopg2": "psycopg2-binary", "psycopg": "'psycopg[binary]'", "MySQLdb": "mysqlclient"}
_ALLOWED = frozenset("_-. /:")  # in a name, besides letters and digits
_TRAINING_PAGES = {"mlflow.experimentKind": "custom_model_development"}  # otherwise the pages for language models open
# No telemetry, no progress bars, no project files of the working directory in a model, and a timeout of seconds instead
# of minutes for an unavailable server. Values of the user's environment are kept.
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_UV_AUTO_DETECT": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def connect(uri: str, *, create: bool = False) -> MlflowClient:
    """Return a client of a store; an unavailable server is found by the first call.

    Args:
        uri: URI of the tracking store, which also has the registered models.
        create: Whether to create a missing SQLite file.

    Raises:
        MissingFileError: The SQLite file is missing.
        MissingPackageError: MLflow is not installed.
        InputError: Not the URI of a store, or a file of another kind.
    """
    if not create and uri.startswith(SQLITE) and not Path(uri.removeprefix(SQLITE)).is_file():
        raise MissingFileError(
            f"expected an MLflow store at {uri}, found none: train a model first, or set the store with "
            "--tracking-uri or MLFLOW_TRACKING_URI"
        )
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
        with _creation_lock(uri) if create else nullcontext():
            return MlflowClient(uri, registry_uri=uri)
    except (MlflowException, SQLAlchemyError) as error:
        raise InputError(f"expected the URI of an MLflow store, got {uri!r}: {one_line(error)}") from error


def check_store(uri: str) -> None:
    """Refuse a URI that can be no store, before the work that is to be logged; networks are not used.

    Raises:
        MissingPackageError: The driver of a database is not installed.
        InputError: Not the URI of a store, or a file of another kind.
    """
    if uri.partition(":")[0].partition("+")[0] in _DATABASES:
        _check_driver(uri)
    elif not uri.startswith(SQLITE) or Path(uri.removeprefix(SQLITE)).exists():
        connect(uri)


def _check_driver(uri: str) -> None:
    from sqlalchemy import create_engine
    from sqlalchemy.exc import SQLAlchemyError

    try:
        create_engine(uri)
    except ImportError as error:
        package = _DRIVERS.get(error.name or "", error.name)
        raise MissingPackageError(
            f"expected the database driver {error.name} for the MLflow store {uri}, found none: pip install {package}"
        ) from error
    except SQLAlchemyError as error:
        raise InputError(f"expected the URI of an MLflow store, got {uri!r}: {one_line(error)}") from error


def _creation_lock(uri: str) -> AbstractContextManager[Any]:
    """Return a lock between processes that may create the same SQLite file, since concurrent MLflow migrations fail."""
    if not uri.startswith(SQLITE):
        return nullcontext()
    file = Path(uri.removeprefix(SQLITE))
    file.parent.mkdir(parents=True, exist_ok=True)
    lock: AbstractContextManager[Any] = FileLock(file.with_name(f".{file.name}.lock"))
    return lock


def experiment_id(client: MlflowClient) -> str:
    """Return the id of the experiment, created if it is missing; the artifacts of SQLite are stored in its folder."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(EXPERIMENT)
    if found is None:
        uri = client.tracking_uri
        beside = Path(uri.removeprefix(SQLITE)).parent / "mlartifacts" if uri.startswith(SQLITE) else None
        try:
            return client.create_experiment(EXPERIMENT, beside.resolve().as_uri() if beside else None, _TRAINING_PAGES)
        except MlflowException:  # another process was faster
            found = client.get_experiment_by_name(EXPERIMENT)
            if found is None:
                raise
    return str(found.experiment_id)


@contextmanager
def as_default_store(client: MlflowClient) -> Iterator[None]:
    """Make the client's store the default of the process: parts of MLflow ignore their client and use the default."""
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
def translate_store_errors(uri: str) -> Iterator[None]:
    """Translate the errors of an unavailable, damaged or refusing store into one of this package.

    Raises:
        TrackingError: For errors of MLflow, of its database and of the network.
    """
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, ConnectionError, TimeoutError) as error:
        if isinstance(error, TrackingError):
            raise
        raise TrackingError(
            f"expected the MLflow store {uri} to respond, got: {one_line(error)}: check --tracking-uri and that "
            "the store is running"
        ) from error


@contextmanager
def recorded_run(
    client: MlflowClient, kind: str, name: str, tags: Mapping[str, str] | None = None
) -> Iterator[RecordedRun]:
    """Create a finished run and record into it; a run whose recording fails has the status ``FAILED``.

    Args:
        client: Client of the store.
        kind: ``evaluate`` or ``convert``.
        name: Name of the run.
        tags: More tags.

    Raises:
        mlflow.exceptions.MlflowException: The store refuses or is unavailable.
    """
    own = {KIND: kind, **creator_tags(), **(tags or {})}
    created = client.create_run(experiment_id(client), tags=own, run_name=name)
    run = RecordedRun(client, str(created.info.run_id), int(created.info.start_time))
    try:
        yield run
    except BaseException:
        client.set_terminated(run.id, "FAILED")
        raise
    client.set_terminated(run.id, run.status)


@dataclass
class RecordedRun:
    """A run that is being recorded.

    Attributes:
        client: Client of the store.
        id: Identifier of the run.
        start: Its start in milliseconds since 1970.
        status: Its status at the end.
    """

    client: MlflowClient
    id: str
    start: int
    status: str = "FINISHED"

    def log(
        self, metrics: Mapping[str, float], params: Mapping[str, object], tags: Mapping[str, str] | None = None
    ) -> None:
        """Log values; None parameters and empty tags are omitted, and long parameters are truncated."""
        from mlflow.entities import Metric, Param, RunTag

        self.client.log_batch(
            self.id,
            [Metric(metric_name(name), float(value), self.start, 0) for name, value in metrics.items()],
            [Param(metric_name(k), str(v)[:LONGEST_PARAM]) for k, v in params.items() if v is not None],
            [RunTag(key, text) for key, text in (tags or {}).items() if text],
            synchronous=True,
        )


def creator_tags() -> dict[str, str]:
    """Return the tags of user and source that MLflow's pages show."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container may run a user without a name
        user = "unknown"
    return {"mlflow.user": user, "mlflow.source.name": "ir-transfer", "mlflow.source.type": "LOCAL"}


def metric_name(text: str) -> str:
    """Return a text as a valid name of a metric or a parameter."""
    return "".join(c if c.isalnum() or c in _ALLOWED else "_" for c in text)
