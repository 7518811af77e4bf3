"""Where experiments are tracked: a server, or a database beside the runs."""

from __future__ import annotations

import os
from pathlib import Path

DEFAULT_FOLDER = Path("runs")
"""Folder of the default store below the current one: ``mlflow.db`` and ``mlartifacts/``."""

_SQLITE = "sqlite:///"
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
    text = given or os.environ.get(_VARIABLE)
    if text is None or not text:
        return f"{_SQLITE}{(folder.absolute() / 'mlflow.db').as_posix()}"
    file = text.removeprefix(_SQLITE)
    if file == text or not file or file.startswith((":", "/", "?")) or Path(file).is_absolute():
        return text
    return f"{_SQLITE}{Path(file).resolve().as_posix()}"  # the same store has one name from every folder
