"""Registers a weights file as a version of a model, logged to its training run, with a model card."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ir_transfer import __version__
from ir_transfer.errors import InputError, MissingFileError
from ir_transfer.tracking.store import CANDIDATE, as_default_store
from ir_transfer.tracking.weights_file import WeightsFile

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

CARD = "README.md"
"""File name of the card in a logged model."""


def model_card(name: str, weights: WeightsFile, run_id: str, data_notes: Sequence[str] = ()) -> str:
    """Return the card as Markdown.

    Args:
        name: Registered name.
        weights: The weights file.
        run_id: Identifier of the training run.
        data_notes: One line per source of the training data: name, licence, restrictions.
    """
    band = weights.band.upper() or "an unnamed band"
    scores = "\n".join(f"| {figure} | {value:.3f} |" for figure, value in weights.scores.items())
    table = f"| figure | value |\n|---|---|\n{scores}" if scores else "None were recorded."
    return f"""# {name}

Weights of `{weights.model}` that translate an RGB image to an apparent-intensity {band} image of the same size, in the
style of an exemplar (an infrared image). Weights file: sha256 `{weights.sha256}`. Training run: `{run_id}`.

## Use

```bash
ir-transfer convert photos/ --style thermal.png --weights models:/{name}@champion
```

```python
model = mlflow.pyfunc.load_model("models:/{name}@champion")  # needs ir-transfer installed
infrared = model.predict(rgb, params={{"strength": 1.0, "polarity": "white-hot"}})
```

`rgb` is an array (H, W, 3), uint8 or float in [0, 1], of any size; `infrared` is float32 (H, W) in [0, 1].
Pass several images of one size as (N, H, W, 3); of several sizes as an object array of arrays, bytes of image files, or
their base64 texts. A served model accepts `{{"inputs": ["<base64 of a PNG or JPEG>"]}}`. The style is that of the
exemplar that is logged with the model.

## Trained on

{_data(weights, data_notes)}

## Recipe

{_recipe(weights)}

## Validation metrics from training

{table}

`ir-transfer models promote {name}` compares it with the baselines and the champion: see this version's tags.

## Limits

- The output is relative apparent intensity, not temperature or reflectance, and is not calibrated.
- It shows the usual infrared appearance of such a scene. Heat sources not visible in the RGB image are not detected.
- Results are worse for scenes unlike the training data; there is no warning.
"""


def _data(weights: WeightsFile, data_notes: Sequence[str]) -> str:
    noted = [f"- {note}" for note in data_notes] or weights.metadata.get("training_data", "").splitlines()
    if not noted:
        sources = weights.recipe.get("data", {}).get("sources", [])
        noted = [f"- `{source.get('path')}`: licence not recorded; see the data set's card." for source in sources]
    licence = weights.metadata.get("licence")
    return "\n".join(noted or ["Not recorded."]) + (f"\n\nLicence: {licence}." if licence else "")


def _recipe(weights: WeightsFile) -> str:
    if not weights.recipe:
        return "Not recorded."
    losses = ", ".join(f"{name} {share:g}" for name, share in weights.recipe.get("losses", {}).items()) or "none named"
    step = weights.metadata.get("step", "unknown")
    return f"Kept from step {step}. Losses: {losses}. The whole recipe is in the weights file and in the training run."


WEIGHTS_SHA256 = "ir_transfer.weights_sha256"
"""Tag of a version: the digest of its weights file."""
_LONGEST_DESCRIPTION = 5000  # characters of the column in MLflow's databases


def registered_name(weights: WeightsFile) -> str:
    """Return the registered name of weights, such as ``adain-lwir``.

    Raises:
        InputError: The file has no band.
    """
    if not weights.band:
        raise InputError(f"expected {weights.path} to have a band (metadata band or recipe), got none: train it again")
    return f"{weights.model}-{weights.band}"


def log_model(
    client: MlflowClient,
    run_id: str,
    weights: Path,
    exemplar: Path,
    *,
    name: str | None = None,
    data_notes: Sequence[str] = (),
    step: int = 0,
) -> ModelVersion:
    """Log weights and an exemplar as a model of a run, and register it as the candidate.

    Args:
        client: Client of the run's store.
        run_id: Identifier of the run, which may have ended.
        weights: The ``.safetensors`` file.
        exemplar: Infrared image or saved style that the model uses.
        name: Registered name; ``<model>-<band>`` by default.
        data_notes: One line per source of the training data: name, licence, restrictions.
        step: Step of the training.

    Returns:
        The new version, whose alias is ``candidate``; that of an earlier call for the same weights and run.

    Raises:
        MissingFileError: A file is missing.
        WeightsError: Not weights of this package.
        InputError: The weights have no band.
        mlflow.exceptions.MlflowException: The store refuses or is unavailable.
    """
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus

    file = WeightsFile.read(weights)
    if not exemplar.is_file():
        raise MissingFileError(f"expected an exemplar at {exemplar}, found none: check the path")
    name = name or registered_name(file)
    if (earlier := _registered_before(client, name, run_id, file.sha256)) is not None:
        return earlier
    run = client.get_run(run_id)
    logged = client.create_logged_model(
        run.info.experiment_id, name, run_id, {WEIGHTS_SHA256: file.sha256}, model_type=file.model
    )
    try:
        card = model_card(name, file, run_id, data_notes)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model"
            _save(path, file, exemplar, logged.model_id, run_id, logged.artifact_location)
            (path / CARD).write_text(card, encoding="utf-8")
            client.log_model_artifacts(logged.model_id, str(path))
    except BaseException:
        client.finalize_logged_model(logged.model_id, LoggedModelStatus.FAILED)
        raise
    client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
    client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step)])
    return _register(client, name, file, logged.model_id, run_id, card)


def _registered_before(client: MlflowClient, name: str, run_id: str, sha256: str) -> ModelVersion | None:
    """Return the version of an earlier delivery of the same weights and run."""
    for version in client.search_model_versions(f"run_id='{run_id}'"):
        if version.name == name and version.tags.get(WEIGHTS_SHA256) == sha256:
            return version
    return None


def _save(path: Path, file: WeightsFile, exemplar: Path, model_id: str, run_id: str, location: str) -> None:
    import mlflow
    from mlflow.models import Model

    from ir_transfer.tracking import packaged_entry, packaged_model

    described = Model(artifact_path=location, run_id=run_id, model_uuid=model_id, model_id=model_id)
    mlflow.pyfunc.save_model(
        path,
        python_model=str(packaged_entry.__file__),
        artifacts={packaged_model.WEIGHTS: str(file.path), packaged_model.EXEMPLAR: str(exemplar)},
        signature=packaged_model.signature(),
        input_example=packaged_model.input_example(),
        pip_requirements=_requirements(),
        metadata={"model": file.model, "band": file.band, "weights_sha256": file.sha256},
        mlflow_model=described,
    )


def _requirements() -> list[str]:
    """Return this package and the packages that its outputs depend on; its code is not copied into the model."""
    from importlib.metadata import version

    packages = ("mlflow", "torch", "numpy", "safetensors")
    return [f"ir-transfer=={__version__}", *(f"{package}=={version(package).split('+')[0]}" for package in packages)]


def _register(
    client: MlflowClient, name: str, file: WeightsFile, model_id: str, run_id: str, card: str
) -> ModelVersion:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name, description=f"`{file.model}` for {file.band or 'an unnamed band'}.")
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    tags = {WEIGHTS_SHA256: file.sha256, "ir_transfer.model": file.model, "ir_transfer.band": file.band}
    with as_default_store(client):
        version = client.create_model_version(
            name, f"models:/{model_id}", run_id, tags=tags, description=card[:_LONGEST_DESCRIPTION], model_id=model_id
        )
    client.set_registered_model_alias(name, CANDIDATE, version.version)
    return version
