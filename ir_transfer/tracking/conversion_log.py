"""The record of a conversion in MLflow: what was made, from what, with what."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ir_transfer.conversion.manifest import Manifest
from ir_transfer.conversion.options import Options, Summary
from ir_transfer.conversion.preview import draw_preview
from ir_transfer.data.remote import public
from ir_transfer.errors import InputError
from ir_transfer.tracking.client import KIND, LONGEST_PARAM, experiment_id, who_runs
from ir_transfer.tracking.fetch import Fetched

if TYPE_CHECKING:
    from mlflow import MlflowClient


def log_conversion(client: MlflowClient, options: Options, summary: Summary, fetched: Fetched | None = None) -> str:
    """Log a finished conversion as a run and return the run's id.

    Args:
        client: Of the store.
        options: What was asked for.
        summary: What was done.
        fetched: Where the weights came from, if from this store: the run is linked to that version.

    Raises:
        InputError: The folder has no manifest any more.
        IrTransferError: A picture of the preview that has gone since.
        mlflow.exceptions.MlflowException: The store refuses or is away.
    """
    from mlflow.entities import LoggedModelInput, Metric, Param, RunTag

    manifest = Manifest.load(summary.out)
    if manifest is None:
        raise InputError(f"expected a manifest in {summary.out}, found none: convert again")
    run = client.create_run(
        experiment_id(client), tags={KIND: "convert", **who_runs()}, run_name=summary.out.resolve().name
    )
    try:
        header = manifest.header
        names = ", ".join(Path(style).name for style in options.styles)
        params = {**header.look, **header.versions, "style_names": names, "out": public(summary.out)}
        counts = {"converted": summary.converted, "skipped": summary.skipped, "failed": summary.failed}
        tags = {"ir_transfer.command": header.command, "ir_transfer.stopped": summary.stopped or ""}
        if fetched is not None:
            tags |= {"ir_transfer.weights_uri": fetched.uri, "ir_transfer.model_version": fetched.title}
            if fetched.model_id:
                client.log_inputs(run.info.run_id, models=[LoggedModelInput(fetched.model_id)])
        client.log_batch(
            run.info.run_id,
            [Metric(f"pictures/{name}", count, run.info.start_time, 0) for name, count in counts.items()],
            [Param(name, str(value)[:LONGEST_PARAM]) for name, value in params.items()],
            [RunTag(name, text) for name, text in tags.items() if text],
            synchronous=True,
        )
        client.log_artifact(run.info.run_id, str(manifest.path))
        sheet = draw_preview(summary.plan, options.styles, options.max_pixels, summary.without_result)
        if sheet is not None:
            client.log_image(run.info.run_id, sheet, "preview.png")
    except BaseException:
        client.set_terminated(run.info.run_id, "FAILED")
        raise
    client.set_terminated(run.info.run_id, "FINISHED" if summary.stopped is None else "FAILED")
    return str(run.info.run_id)
