"""Downloads the weights of a registered model or of a run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ir_transfer.errors import InputError, TrackingError, UnknownNameError, WeightsError, one_line
from ir_transfer.tracking.store import as_default_store, connect, translate_store_errors
from ir_transfer.tracking.weights_file import WeightsFile

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

_REGISTERED = re.compile(r"models:/(?P<name>[^/@]+)(@(?P<alias>[^/@]+)|/(?P<version>\d+))")
_LOGGED = re.compile(r"models:/(?P<model_id>m-[0-9a-f]+)")  # the source of a version
_RUN = re.compile(r"runs:/(?P<run_id>[^/]+)/(?P<path>.+)")
_FORMS = "models:/NAME@ALIAS, models:/NAME/VERSION or runs:/RUN/PATH"


@dataclass(frozen=True)
class Fetched:
    """A weights file from a store.

    Attributes:
        uri: The requested URI.
        weights: The file and its header.
        name: Registered name; empty for the weights of a run.
        version: Registered version; empty likewise.
        model_id: Identifier of the logged model; empty likewise.
        run_id: Identifier of the training run.
    """

    uri: str
    weights: WeightsFile
    name: str = ""
    version: str = ""
    model_id: str = ""
    run_id: str = ""

    @property
    def title(self) -> str:
        """Name and version, such as ``adain-lwir version 3``, or the URI."""
        return f"{self.name} version {self.version}" if self.name else self.uri


def find_version(client: MlflowClient, name: str, *, alias: str = "", version: str = "") -> ModelVersion:
    """Return a registered version by its alias or its number.

    Raises:
        UnknownNameError: No such model, alias or version; the message has the closest ones.
        TrackingError: The store does not answer.
    """
    aliases = _aliases(client, name)
    if alias:
        if alias not in aliases:
            raise UnknownNameError.among(f"alias of {name}", alias, aliases)
        version = str(aliases[alias])
    with translate_store_errors(client.tracking_uri):
        versions = {str(found.version): found for found in client.search_model_versions(f"name='{name}'")}
    if version not in versions:
        raise UnknownNameError.among(f"version of {name}", version, versions)
    return versions[version]


def _aliases(client: MlflowClient, name: str) -> dict[str, str]:
    from mlflow.exceptions import MlflowException

    with translate_store_errors(client.tracking_uri):
        try:
            return dict(client.get_registered_model(name).aliases)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
        known = [model.name for model in client.search_registered_models()]
    raise UnknownNameError.among("registered model", name, known)


def list_versions(client: MlflowClient) -> list[dict[str, str]]:
    """Return name, version, aliases and results of every registered version, newest first within a name.

    Raises:
        TrackingError: The store does not answer.
    """
    with translate_store_errors(client.tracking_uri):
        found = []
        for model in sorted(client.search_registered_models(), key=lambda one: one.name):
            versions = client.search_model_versions(f"name='{model.name}'")
            for version in sorted(versions, key=lambda one: -int(one.version)):
                aliases = [alias for alias, number in model.aliases.items() if str(number) == str(version.version)]
                found.append(
                    {
                        "name": model.name,
                        "version": str(version.version),
                        "aliases": ", ".join(sorted(aliases)),
                        "composite": version.tags.get("ir_transfer.composite", ""),
                        "evaluated on": version.tags.get("ir_transfer.evaluated_on", ""),
                        "weights": version.tags.get("ir_transfer.weights_sha256", "")[:16],
                        "run": version.run_id or "",
                    }
                )
    return found


def fetch_weights(uri: str, tracking_uri: str, folder: Path) -> Fetched:
    """Download the weights file that a URI names.

    Args:
        uri: ``models:/NAME@ALIAS``, ``models:/NAME/VERSION``, ``runs:/RUN/FILE.safetensors``, or ``runs:/RUN/NAME`` of
            a model that the run logged.
        tracking_uri: URI of the store.
        folder: Folder of the file, whose name includes the version.

    Raises:
        InputError: Another form of URI.
        UnknownNameError: No such model, alias or version.
        MissingFileError: The file of the store is missing.
        TrackingError: The store does not answer, or has no such run or file.
        WeightsError: It is not a model of this package.
    """
    client = connect(tracking_uri)
    if found := _REGISTERED.fullmatch(uri):
        version = find_version(client, found["name"], alias=found["alias"] or "", version=found["version"] or "")
        return fetch_version(client, version, folder, uri)
    if found := _RUN.fullmatch(uri):
        path = found["path"]
        if path.endswith(".safetensors"):
            weights = _read(_download(client, uri, folder), uri)
        else:
            weights = _from_model(client, uri, uri, folder, path.rpartition("/")[2])
        return Fetched(uri, weights, run_id=found["run_id"])
    raise InputError(f"expected {_FORMS}, got {uri!r}")


def fetch_version(client: MlflowClient, version: ModelVersion, folder: Path, uri: str = "") -> Fetched:
    """Download the weights of a registered version; see :func:`fetch_weights` for the errors."""
    root = f"models:/{version.name}/{version.version}"
    weights = _from_model(client, root, uri or root, folder, f"{version.name}-{version.version}")
    logged = _LOGGED.fullmatch(version.source or "")
    model_id = logged["model_id"] if logged else version.model_id or ""
    return Fetched(uri or root, weights, version.name, str(version.version), model_id, version.run_id or "")


def _from_model(client: MlflowClient, root: str, asked: str, folder: Path, name: str) -> WeightsFile:
    """Download only the weights of a logged model, which may have other large files."""
    import yaml

    from ir_transfer.tracking.packaged_model import WEIGHTS

    described = _download(client, f"{root}/MLmodel", folder)
    artifact = _artifact(yaml.safe_load(described.read_text(encoding="utf-8")), WEIGHTS)
    described.unlink()
    if artifact is None:
        raise WeightsError(
            f"expected {asked} to be a model of ir-transfer, got another kind: use a model trained by ir-transfer"
        )
    path = _download(client, f"{root}/{artifact}", folder)
    return _read(path.replace(folder / f"{name}.safetensors"), asked)


def _artifact(described: Any, name: str) -> str | None:
    for key in ("flavors", "python_function", "artifacts", name, "path"):
        described = described.get(key) if isinstance(described, Mapping) else None
    return None if described is None else str(described)


def _download(client: MlflowClient, uri: str, folder: Path) -> Path:
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    store = client.tracking_uri
    folder.mkdir(parents=True, exist_ok=True)
    with translate_store_errors(store), as_default_store(client):
        try:
            return Path(download_artifacts(uri, dst_path=str(folder), tracking_uri=store, registry_uri=store))
        except (MlflowException, FileNotFoundError) as error:  # the latter for a missing file of a local store
            raise TrackingError(
                f"expected {uri} in the MLflow store {store}, got: {one_line(error)}: check the name, or train it again"
            ) from error


def _read(path: Path, asked: str) -> WeightsFile:
    try:
        return WeightsFile.read(path)
    except WeightsError as error:
        raise WeightsError(f"{asked}: {error}") from error
