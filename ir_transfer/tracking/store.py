"""Where experiments are tracked: a server, or a database beside the runs."""

from __future__ import annotations

import os
from pathlib import Path

DEFAULT_FOLDER = Path("runs")
"""Folder of the default store below the current one: ``mlflow.db`` and ``mlartifacts/``."""

_VARIABLE = "MLFLOW_TRACKING_URI"


def resolve_uri(given: str | None, folder: Path = DEFAULT_FOLDER) -> str:
    """Return the tracking URI: the one given, else that of ``MLFLOW_TRACKING_URI``, else a database in a folder.

    Args:
        given: What the user typed.
        folder: Where the default database lies.

    Example:
        >>> from pathlib import Path
        >>> resolve_uri("http://tracking:5000")
        'http://tracking:5000'
        >>> resolve_uri("sqlite:////data/mlflow.db")
        'sqlite:////data/mlflow.db'
    """
    return given or os.environ.get(_VARIABLE) or f"sqlite:///{(folder.absolute() / 'mlflow.db').as_posix()}"
