"""``ir-transfer runs``: list and compare tracked runs, and deliver journals to a tracking store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ir_transfer.cli.console import print_error, print_table
from ir_transfer.cli.option_types import PATH
from ir_transfer.cli.options import tracking_uri_option
from ir_transfer.cli.result import give_result
from ir_transfer.redaction import redact


@click.group
def runs() -> None:
    """List, compare and deliver runs tracked in MLflow.

    \b
    Examples:
      ir-transfer runs list
      ir-transfer runs compare adain-lwir 3f2a91bc -o compare.html
      ir-transfer runs compare runs/first runs/second
      ir-transfer runs deliver runs/first
    """


@runs.command("list")
@click.option("--kind", type=click.Choice(["train", "evaluate", "convert"]), help="List only runs of this kind.")
@click.option(
    "-n", "--count", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="Runs to list."
)
@tracking_uri_option
def list_(*, kind: str | None, count: int, tracking_uri: str | None) -> None:
    """List runs, most recent first."""
    from ir_transfer.tracking.run_metrics import RANK, text_of
    from ir_transfer.tracking.runs import RunStore, describe_start, name_of, short_id
    from ir_transfer.tracking.store import KIND, resolve_uri

    found = RunStore(resolve_uri(tracking_uri)).runs(kind)
    keys = ("run_id", "run_name", "status", "start_time", "end_time")
    give_result(
        [
            {key: getattr(run.info, key) for key in keys}
            | {"kind": run.data.tags.get(KIND), "metrics": run.data.metrics}
            for run in found[:count]
        ]
    )
    rows = [
        [
            short_id(run),
            name_of(run),
            run.data.tags.get(KIND, ""),
            str(run.info.status).lower(),
            describe_start(run),
            text_of(run.data.metrics.get(RANK)),
        ]
        for run in found[:count]
    ]
    print_table(["run", "name", "kind", "status", "started", "last rank"], rows)
    if len(found) > count:
        click.echo(f"{len(found) - count} more: --count {len(found)}", err=True)


@runs.command(short_help="Compare runs in an HTML page.")
@click.argument("given", metavar="A B [C ...]", nargs=-1, required=True)
@click.option("-o", "--out", type=PATH, default=Path("compare.html"), show_default=True,
              metavar="FILE", help="HTML file to write.")  # fmt: skip
@tracking_uri_option
def compare(*, given: tuple[str, ...], out: Path, tracking_uri: str | None) -> None:
    """Compare runs in a self-contained HTML page: recipes, data, validation metrics and images, evaluations.

    Each run is given by its id or a unique prefix of it, by its name, or by its folder.

    \b
    Examples:
      ir-transfer runs compare adain-lwir 3f2a91bc
      ir-transfer runs compare runs/first runs/second -o first-second.html
    """
    from ir_transfer.tracking.compare import compare_runs, conclusions, write_comparison
    from ir_transfer.tracking.runs import RunStore
    from ir_transfer.tracking.store import resolve_uri

    store = RunStore(resolve_uri(tracking_uri))
    compared = compare_runs(store, given)
    warnings = [*compared.warnings, *write_comparison(store, compared, out)]
    for line in warnings:
        print_error(line, "Warning")
    give_result({"out": out, "verdict": conclusions(compared), "warnings": warnings})
    for line in conclusions(compared):
        click.echo(line)
    click.echo(out)


@runs.command(short_help="Send journals of runs to a tracking store.")
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
