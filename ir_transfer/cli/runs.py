"""``ir-transfer runs``: list tracked runs, and deliver journals to a tracking store."""

from pathlib import Path
from typing import Any

import click

from ir_transfer.cli.console import print_table
from ir_transfer.cli.option_types import PATH
from ir_transfer.cli.options import tracking_uri_option
from ir_transfer.cli.result import give_result
from ir_transfer.redaction import redact


@click.group
def runs() -> None:
    """List and deliver runs tracked in MLflow.

    \b
    Examples:
      ir-transfer runs list
      ir-transfer runs deliver runs/first
    """


@runs.command("list")
@click.option("--kind", type=click.Choice(["train", "evaluate", "convert"]), help="List only runs of this kind.")
@click.option(
    "-n", "--count", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="Runs to list."
)
@tracking_uri_option
def list_(*, kind: str | None, count: int, tracking_uri: str | None) -> None:
    """List runs, most recent first.

    Trainings are listed with the rank of the weights that were kept, and with their validation data.

    Ranks compare only between trainings with the same validation data. Curves, images and recipes are compared in
    MLflow's pages: ir-transfer review.
    """
    from ir_transfer.tracking.run_inputs import input_digests
    from ir_transfer.tracking.runs import RunStore, describe_start, name_of, short_id, text_of
    from ir_transfer.tracking.store import KIND, resolve_uri

    store = RunStore(resolve_uri(tracking_uri))
    found = store.runs(kind)
    described, rows = [], []
    for run in found[:count]:
        best = store.best_step(run)
        data, own = input_digests(run, "validation"), run.data.tags.get(KIND)
        described.append(
            {key: getattr(run.info, key) for key in ("run_id", "run_name", "status", "start_time", "end_time")}
            | {"kind": own, "metrics": run.data.metrics, "best_step": best and best[0], "validation_data": data}
        )
        rank = "" if best is None else f"{text_of(best[1])} at step {best[0]}"
        state = str(run.info.status).lower()
        rows.append([short_id(run), name_of(run), own or "", state, describe_start(run), rank, ", ".join(data)])
    give_result(described)
    print_table(["run", "name", "kind", "status", "started", "best rank", "validation data"], rows)
    if len(found) > count:
        click.echo(f"{len(found) - count} more: --count {len(found)}", err=True)


@runs.command("deliver")
@click.argument("folders", nargs=-1, required=True, type=PATH, metavar="FOLDER...")
@tracking_uri_option
def deliver(*, folders: tuple[Path, ...], tracking_uri: str | None) -> None:
    """Send the journals of run FOLDERs to MLflow: events that a store missed, or runs with --no-tracking.

    \b
    Example:
      ir-transfer runs deliver runs/adain-lwir --tracking-uri http://tracking:5000
    """
    from ir_transfer.tracking.delivery import delivery_of
    from ir_transfer.tracking.store import resolve_uri, translate_store_errors

    delivered: list[dict[str, Any]] = []
    for folder in folders:
        uri = resolve_uri(tracking_uri, folder.resolve().parent)
        delivery = delivery_of(folder, uri)
        with translate_store_errors(uri):
            count = delivery.deliver()
        click.echo(f"{folder}: {count} events delivered to run {delivery.run} at {redact(uri)}")
        delivered.append({"folder": folder, "events": count, "run_id": delivery.run, "tracking_uri": uri})
    give_result(delivered)
