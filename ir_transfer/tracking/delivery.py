"""Delivers the new events of a training's journal to MLflow, each event once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ir_transfer.errors import InputError, MissingFileError
from ir_transfer.imaging.image_io import write_whole
from ir_transfer.inside import inside_path
from ir_transfer.json_files import json_text, read_json
from ir_transfer.redaction import redact
from ir_transfer.tracking.run_inputs import data_input
from ir_transfer.tracking.store import FOLDER, KIND, connect, creator_tags, experiment_id
from ir_transfer.training.journal import JOURNAL, read_events
from ir_transfer.training.recipe_files import flatten
from ir_transfer.training.run_folder import BEST, EXEMPLAR, RECIPE

if TYPE_CHECKING:
    from mlflow import MlflowClient

STATE = "tracking.json"
"""File in a run folder: store, run, and the delivered length of the journal."""
_MOST_METRICS = 1000  # in one log_batch
_MOST_PARAMS = 100
_LONGEST_PARAM = 6000
_STATUS = {"finished": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}


class Delivery:
    """The delivery of a run folder's journal to a tracking store.

    Its progress is stored in ``tracking.json``, so that the delivery of a resumed run, or after an unavailable server,
    continues from there.

    Args:
        folder: Folder of the run, with ``journal.jsonl``.
        uri: Tracking URI; if it has changed, delivery restarts from the first event.

    Attributes:
        folder: Folder of the run, absolute.
        uri: Tracking URI.
    """

    def __init__(self, folder: Path, uri: str) -> None:
        self.folder, self.uri = folder.resolve(), uri
        self._client: MlflowClient | None = None
        path = folder / STATE
        store = redact(uri)
        first: dict[str, Any] = {"uri": store, "delivered": 0, "params": {}}
        kept = read_json(path) if path.is_file() else first
        if not isinstance(kept, dict) or any(not isinstance(kept.get(key), type(first[key])) for key in first):
            raise InputError(f"expected the progress of a delivery in {path}, got another file: remove it")
        self._state = kept if kept["uri"] == store else first

    @property
    def run(self) -> str | None:
        """Identifier of the run in the store; None before the first delivery."""
        run: str | None = self._state.get("run")
        return run

    @property
    def complete(self) -> bool:
        """Whether all events are delivered."""
        return not read_events(self.folder, self._state["delivered"])[0]

    def deliver(self) -> int:
        """Deliver new events; return their number.

        After a failure, the next call repeats the same events; those already in the store are not affected.

        Raises:
            MissingPackageError: MLflow is not installed.
            mlflow.exceptions.MlflowException: The store does not answer, or refuses.
            OSError: A file of the folder cannot be read.
            InputError: A path in the journal leads out of the folder.
            EncodeError: The progress cannot be stored.
        """
        events, end = read_events(self.folder, self._state["delivered"])
        if not events:
            return 0
        client, run = self._connected(int(events[0]["at"] * 1000))
        self._metrics(client, run, events)
        for event in events:
            if event["kind"] == "started":
                self._started(client, run, event)
            elif event["kind"] == "data":
                self._data(client, run, event["data"])
            elif event["kind"] == "image":
                self._image(client, run, event)
        self._files(client, run, events)
        for event in events:
            if event["kind"] == "ended":
                self._ended(client, run, event)
        self._state["delivered"] = end
        self._save()
        return len(events)

    def _connected(self, began: int) -> tuple[MlflowClient, str]:
        if self._client is not None and self.run is not None:
            return self._client, self.run
        client = connect(self.uri, create=True)
        if self.run is None:
            experiment = experiment_id(client)
            tags = {KIND: "train", FOLDER: str(self.folder), **creator_tags()}
            created = client.create_run(experiment, began, tags, self.folder.name)
            self._state["run"] = created.info.run_id
            self._save()
        self._client = client
        run = self.run
        if run is None:
            raise MissingFileError(f"expected the run's identifier in {self.folder / STATE}, found none: delete it")
        return client, run

    def _save(self) -> None:
        write_whole(self.folder / STATE, json_text(self._state, indent=1).encode())

    def _metrics(self, client: MlflowClient, run: str, events: Iterable[Mapping[str, Any]]) -> None:
        from mlflow.entities import Metric

        metrics = [
            Metric(name, float("nan") if value is None else float(value), int(event["at"] * 1000), event["step"])
            for event in events
            if event["kind"] == "metrics"
            for name, value in event["values"].items()
        ]
        for start in range(0, len(metrics), _MOST_METRICS):
            client.log_batch(run, metrics=metrics[start : start + _MOST_METRICS], synchronous=True)

    def _started(self, client: MlflowClient, run: str, event: Mapping[str, Any]) -> None:
        """Log the recipe; a value that changed on resumption gets a new name, since MLflow cannot overwrite values."""
        from mlflow.entities import Param, RunTag

        known: dict[str, str] = self._state["params"]
        wanted = {key: _text(value)[:_LONGEST_PARAM] for key, value in flatten(event["recipe"]).items()}
        new = {key: value for key, value in wanted.items() if key not in known}
        changed = {f"{key}/from_step_{event['step']}": v for key, v in wanted.items() if known.get(key, v) != v}
        params = [Param(key, value) for key, value in {**new, **changed}.items()]
        code = event.get("code", {})
        tags = {f"ir_transfer.{key}": str(value) for key, value in {**event.get("facts", {}), **code}.items()}
        if "commit" in code:
            tags["mlflow.source.git.commit"] = code["commit"]
        for start in range(0, len(params), _MOST_PARAMS):
            client.log_batch(run, params=params[start : start + _MOST_PARAMS], synchronous=True)
        client.log_batch(run, tags=[RunTag(key, value) for key, value in tags.items()], synchronous=True)
        client.update_run(run, status="RUNNING")
        self._state["params"] = {**known, **wanted}

    def _data(self, client: MlflowClient, run: str, data: Mapping[str, Any]) -> None:
        client.log_inputs(run, [data_input(data)])
        profile = data["profile"]
        if data["context"] == "training":
            licence = profile.get("licence") or "licence not recorded (no card)"
            forbids = "".join(f"; forbids {what}" for what in profile.get("forbids", ()))
            line = f"{data['name']}, {profile['files']} files, content {data['digest']}: {licence}{forbids}"
            self._state["notes"] = [*self._state.get("notes", []), line]

    def _image(self, client: MlflowClient, run: str, event: Mapping[str, Any]) -> None:
        from PIL import Image

        path = inside_path(self.folder, event["path"])
        if path.is_file():  # the user may have deleted old sheets
            with Image.open(path) as image:
                image.load()
                client.log_image(
                    run,
                    image,
                    key="/".join(filter(None, ("validation", event.get("set")))),
                    step=event["step"],
                    timestamp=int(event["at"] * 1000),
                    synchronous=True,
                )

    def _files(self, client: MlflowClient, run: str, events: Iterable[Mapping[str, Any]]) -> None:
        """Upload the latest version of each file that was written."""
        targets = {"weights": "weights", "checkpoint": "checkpoints", "started": None}
        for kind, target in targets.items():
            last = next((e for e in reversed([*events]) if e["kind"] == kind), None)
            path = None if last is None else inside_path(self.folder, last.get("path", RECIPE))
            if path is not None and path.is_file():
                client.log_artifact(run, str(path), target)

    def _ended(self, client: MlflowClient, run: str, event: Mapping[str, Any]) -> None:
        if event["reason"] == "finished" and (self.folder / BEST).is_file():
            self._register(client, run, event["step"])
        client.set_terminated(run, _STATUS.get(event["reason"], "FINISHED"), int(event["at"] * 1000))

    def _register(self, client: MlflowClient, run: str, step: int) -> None:
        from ir_transfer.tracking.registration import log_model

        exemplar = inside_path(self.folder, EXEMPLAR)
        if not exemplar.is_file():  # required by a packaged model; without it the run is complete but has no model
            client.set_tag(run, "ir_transfer.model", f"not registered: {exemplar} is missing")
            return
        log_model(
            client, run, inside_path(self.folder, BEST), exemplar, data_notes=self._state.get("notes", []), step=step
        )


def delivery_of(folder: Path, uri: str) -> Delivery:
    """Return the delivery of a run folder.

    Raises:
        MissingFileError: The folder has no journal.
    """
    if not (folder / JOURNAL).is_file():
        raise MissingFileError(f"expected {JOURNAL} in {folder}, found none: pass the folder of a training run")
    return Delivery(folder, uri)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json_text(value, ensure_ascii=False)
