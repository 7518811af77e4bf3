"""Logs a conversion as an MLflow run: settings, counts, manifest and a preview."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ir_transfer.conversion.manifest import Manifest
from ir_transfer.conversion.options import Options, Summary
from ir_transfer.conversion.preview import draw_preview
from ir_transfer.errors import InputError
from ir_transfer.imaging.remote import public
from ir_transfer.tracking.fetch import Fetched
from ir_transfer.tracking.store import recorded_run

if TYPE_CHECKING:
    from mlflow import MlflowClient


def log_conversion(client: MlflowClient, options: Options, summary: Summary, fetched: Fetched | None = None) -> str:
    """Log a conversion as a run and return the run's id.

    Args:
        client: Client of the store.
        options: Options of the conversion.
        summary: Its result.
        fetched: Registered weights that were used; the run is linked to their version.

    Raises:
        InputError: The output folder has no manifest.
        IrTransferError: An image of the preview cannot be read.
        mlflow.exceptions.MlflowException: The store refuses or is unavailable.
    """
    from mlflow.entities import LoggedModelInput

    manifest = Manifest.load(summary.out)
    if manifest is None:
        raise InputError(f"expected a manifest in {summary.out}, found none: convert again")
    header = manifest.header
    styles = ", ".join(Path(style).name for style in options.styles)
    settings = {**header.look, **header.versions, "style_names": styles, "out": public(summary.out)}
    params = {key: str(value) for key, value in settings.items()}
    counts = {"converted": summary.converted, "skipped": summary.skipped, "failed": summary.failed}
    tags = {"ir_transfer.command": header.command, "ir_transfer.stopped": summary.stopped or ""}
    with recorded_run(client, "convert", summary.out.resolve().name) as run:
        if fetched is not None:
            tags |= {"ir_transfer.weights_uri": fetched.uri, "ir_transfer.model_version": fetched.title}
            if fetched.model_id:
                client.log_inputs(run.id, models=[LoggedModelInput(fetched.model_id)])
        run.log({f"images/{name}": count for name, count in counts.items()}, params, tags)
        client.log_artifact(run.id, str(manifest.path))
        sheet = draw_preview(summary.plan, options.styles, options.max_pixels, summary.without_result)
        if sheet is not None:
            client.log_image(run.id, sheet, "preview.png")
        if summary.stopped is not None:
            run.status = "FAILED"
    return run.id
