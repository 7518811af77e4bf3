"""The summary that ``ir-transfer dataset`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ir_transfer.cli.console import print_error
from ir_transfer.cli.paths import format_path
from ir_transfer.cli.result import give_result
from ir_transfer.imaging.image_names import ignored_text

if TYPE_CHECKING:
    from ir_transfer.conversion.plan import Plan
    from ir_transfer.dataset.options import DatasetSummary

_SHOWN = 10


def print_summary(summary: DatasetSummary, *, quiet: bool) -> int:
    """Print the counts and problems of a run, and return the exit code."""
    from ir_transfer.dataset.options import CARD_FOLDER, PROBLEMS_NAME

    run = summary.run
    give_result(
        {
            "out": run.out,
            "kind": summary.kind,
            "converted": run.converted,
            "skipped": run.skipped,
            "failed": run.failed,
            "missing": run.missing,
            "stopped": run.stopped,
            "label_files": summary.label_files,
            "problems": summary.problems,
            "broken": summary.broken,
        }
    )
    if run.stopped is not None:
        print_error(f"{run.stopped} ({run.missing} of {len(run.plan.jobs)} are missing)")
    for line in summary.broken:
        print_error(line)
    if not quiet:
        print_problems(summary.problems, f" in {format_path(run.out / CARD_FOLDER / PROBLEMS_NAME)}")
        click.echo(
            f"{summary.kind}: converted {run.converted}, skipped {run.skipped}, failed {run.failed}, "
            f"{summary.label_files} label files (see README.md){ignored_clause(run.plan)}"
        )
        click.echo(format_path(run.out))
    return 1 if run.failed or run.stopped is not None or summary.broken else 0


def ignored_clause(plan: Plan) -> str:
    """Return the clause about ignored files for the last line; empty if there are none."""
    text = ignored_text(plan.ignored)
    return f"; {text}" if text else ""


def print_problems(problems: list[str], where: str = "") -> None:
    """Print the first problems of the labels.

    Args:
        problems: One line each.
        where: Location of the others, appended to their count.
    """
    for line in problems[:_SHOWN]:
        print_error(line, "Warning")
    if len(problems) > _SHOWN:
        print_error(f"... and {len(problems) - _SHOWN} more{where}", "Warning")
