"""``ir-transfer runs``: list tracked runs, compare some of them in one page, deliver what a store has missed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ir_transfer.cli.console import print_error, print_table
from ir_transfer.cli.options import tracking_uri_option
from ir_transfer.cli.result import give_result
from ir_transfer.redaction import redact


@click.group(short_help="List tracked runs; compare some in one page.")
def runs() -> None:
    """Runs that were tracked in MLflow.

    \b
    Examples:
      ir-transfer runs list
      ir-transfer runs compare adain-lwir 3f2a91bc -o compare.html
      ir-transfer runs compare runs/first runs/second
      ir-transfer runs deliver runs/first
    """


@runs.command("list", short_help="List the latest runs.")
@click.option("--kind", type=click.Choice(["train", "evaluate", "convert"]), help="Only such runs.")
@click.option("-n", "--count", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="How many.")
@tracking_uri_option
def list_(*, kind: str | None, count: int, tracking_uri: str | None) -> None:
    """List runs, the latest first."""
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
    print_table(["run", "name", "kind", "status", "begun", "last rank"], rows)
    if len(found) > count:
        click.echo(f"{len(found) - count} more: --count {len(found)}", err=True)


@runs.command(short_help="Write a page that compares runs.")
@click.argument("given", metavar="A B [C ...]", nargs=-1, required=True)
@click.option("-o", "--out", type=click.Path(path_type=Path), default=Path("compare.html"), show_default=True)
@tracking_uri_option
def compare(*, given: tuple[str, ...], out: Path, tracking_uri: str | None) -> None:
    """Compare runs in one HTML page that needs no server: recipes, data, validation metrics and images, evaluations.

    A run is named by its identifier or the beginning of it, by its name, or by its folder.

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


@runs.command("deliver", short_help="Deliver what a tracking store has missed.")
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FOLDER...")
@tracking_uri_option
def deliver(*, folders: tuple[Path, ...], tracking_uri: str | None) -> None:
    """Deliver the journals of run FOLDERs to MLflow: what a store missed, or runs made with --no-tracking.

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
