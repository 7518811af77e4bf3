"""``ir-transfer datasets check``: a data set checked against its card."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ir_transfer.cli.option_types import PATH
from ir_transfer.cli.options import root_option
from ir_transfer.cli.paths import check_exists
from ir_transfer.cli.result import give_result
from ir_transfer.errors import listed
from ir_transfer.json_files import json_text

if TYPE_CHECKING:
    from ir_transfer.data.checks.report import CheckReport


@click.command(short_help="Check a data set against its card.")
@click.argument("name")
@root_option
@click.option("-o", "--out", type=PATH, metavar="DIR", help="Folder for report.json and worst_pairs.png.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Read at most N pairs.  [default: all]")
@click.option("--split", type=PATH, metavar="FILE", help="Also check this split (from ir-transfer datasets split).")
def check(*, name: str, root: Path, out: Path | None, limit: int | None, split: Path | None) -> int:
    """Check the data set at --root against the card NAME, and suggest a remedy for each finding.

    Finds unpaired files, different sizes, RGB images without colour, infrared images with unequal channels, 16-bit
    content, duplicates, near-duplicates in different splits, and misregistered pairs. Exit code: 0 clean, 1 problems,
    2 wrong usage.

    \b
    Examples:
      ir-transfer datasets check generic-paired --root pairs/ -o report/
      ir-transfer datasets check kaist --root KAIST/ --limit 500
    """
    check_exists(root, "the pairs", "check the path of --root")
    check_exists(split, "a split file", "make one with ir-transfer datasets split")
    from ir_transfer.data.cards import load_card
    from ir_transfer.data.checks.check import check_dataset

    report = check_dataset(root, load_card(name), limit)
    if split is not None:
        from ir_transfer.data.pairs import list_pairs
        from ir_transfer.data.splits import read_split

        read_split(split, list_pairs(root, load_card(name)))
    content = _content(report)
    if out is not None:
        _write_report(report, content, out)
    give_result(content)
    _print_report(report, out)
    return 0 if report.is_clean else 1


def _content(report: CheckReport) -> dict[str, Any]:
    import dataclasses

    return {
        "card": report.card,
        "root": str(report.root),
        "count": report.count,
        "looked_at": report.looked_at,
        "clean": report.is_clean,
        "findings": [dataclasses.asdict(finding) for finding in report.findings],
        "shifts": {stem: [round(s.dx, 2), round(s.dy, 2)] for stem, s in report.shifts.items()},
    }


def _write_report(report: CheckReport, content: dict[str, Any], out: Path) -> None:
    from ir_transfer.data.checks.report import HEADINGS, worst_pairs
    from ir_transfer.evaluation.contact_sheet import contact_sheet
    from ir_transfer.imaging.image_io import encode_png, write_whole

    write_whole(out / "report.json", json_text(content, indent=2).encode())
    if rows := worst_pairs(report):
        write_whole(out / "worst_pairs.png", encode_png(contact_sheet(rows, HEADINGS)))


def _print_report(report: CheckReport, out: Path | None) -> None:
    opened = "" if report.looked_at == report.count else f", {report.looked_at} of them read"
    click.echo(f"{report.root}: {report.count} {'pairs' if report.pairs else 'images'} of {report.card}{opened}")
    for finding in report.findings:
        click.secho(f"{finding.level}: {len(finding.names)} {finding.what}", bold=finding.level == "problem")
        click.echo(f"  {listed(finding.names)}")  # the report file has all
        click.echo(f"  remedy: {finding.remedy}")
    if report.shifts:
        lengths = sorted(shift.length for shift in report.shifts.values())
        click.echo(
            f"offset: median {lengths[len(lengths) // 2]:.1f} px over the {len(lengths)} pairs with a measurable offset"
        )
    if out is not None:
        click.echo(f"report in {out}")
    click.echo("clean" if report.is_clean else "not clean")
