"""``ir-transfer datasets``: cards of public data sets, checking and splitting a folder, rendering scenes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ir_transfer.cli.console import print_table
from ir_transfer.cli.options import Command
from ir_transfer.cli.result import give_result
from ir_transfer.json_files import json_text

if TYPE_CHECKING:
    from ir_transfer.data.check import CheckReport

_SHOWN = 5  # names per finding on the terminal; the report file has all


class _Size(click.ParamType[tuple[int, int]]):
    """Width and height, such as ``320x256``."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        width, _, height = str(value).partition("x")
        if not (width.isdigit() and height.isdigit() and min(int(width), int(height)) >= 32):
            self.fail(f"expected width x height of at least 32, such as 320x256, got {value!r}", param, ctx)
        return int(width), int(height)


def _root_option(command: Command) -> Command:
    text = "The data set's folder, which the card's paths begin at."
    return click.option("--root", type=click.Path(path_type=Path), required=True, metavar="DIR", help=text)(command)


@click.group(short_help="Data set cards; check, split and render data sets.")
def datasets() -> None:
    """Cards of public data sets: what lies where, what may be done with it, where to get it.

    \b
    Examples:
      ir-transfer datasets list
      ir-transfer datasets show llvip
      ir-transfer datasets check llvip --root LLVIP/ -o report/
      ir-transfer datasets split llvip --root LLVIP/ --val 0.1 -o split.json
      ir-transfer datasets render scenes/ --count 200 --boxes

    NAME is that of a card, or the path of a card of your own (.yaml).
    """


@datasets.command("list", short_help="List the cards.")
def list_() -> int:
    """List the cards."""
    from ir_transfer.data.cards import list_cards, load_card

    cards = [load_card(name) for name in list_cards()]
    keys = ("name", "title", "band", "pairs", "is_paired", "licence", "homepage")
    give_result([{key: getattr(card, key) for key in keys} for card in cards])
    rows = [
        [c.name, c.band, ("-" if c.pairs is None else str(c.pairs)) if c.is_paired else "unpaired", c.sizes, c.summary]
        for c in cards
    ]
    print_table(["name", "band", "pairs", "sizes", "summary"], rows)
    return 0


@datasets.command(short_help="Show a card.")
@click.argument("name")
def show(*, name: str) -> int:
    """Show the card NAME: layout, splits, licence, citation, how to get the data."""
    import dataclasses

    import yaml

    from ir_transfer.data.cards import load_card

    content = dataclasses.asdict(load_card(name))
    content["layout"] = {key: value for key, value in content["layout"].items() if value not in (None, [], 0, {})}
    give_result(content)
    click.echo(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110), nl=False)
    return 0


@datasets.command(short_help="Check a folder: partners, sizes, colours, depth, duplicates, alignment.")
@click.argument("name")
@_root_option
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), metavar="DIR", help="Folder for report.json and a picture."
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Open at most N pairs.  [default: all]")
@click.option("--split", type=click.Path(path_type=Path), metavar="FILE", help="Also check a file of datasets split.")
def check(*, name: str, root: Path, out: Path | None, limit: int | None, split: Path | None) -> int:
    """Check the folder --root against the card NAME and say what to do about what is found.

    Looks for files without a partner, sizes that differ, photographs without colour, infrared pictures with three
    unequal channels, 16-bit content, duplicates, look-alikes in different parts, and pairs that are not registered.
    Exit code: 0 clean, 1 problems, 2 wrong usage.

    \b
    Examples:
      ir-transfer datasets check generic-paired --root pairs/ -o report/
      ir-transfer datasets check kaist --root KAIST/ --limit 500
    """
    from ir_transfer.data.cards import load_card
    from ir_transfer.data.check import check_dataset

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
    from ir_transfer.data.check_pictures import HEADINGS, worst_pairs
    from ir_transfer.data.image_io import encode_png, write_whole
    from ir_transfer.evaluation.contact_sheet import contact_sheet

    write_whole(out / "report.json", json_text(content, indent=2).encode())
    if rows := worst_pairs(report):
        write_whole(out / "worst_pairs.png", encode_png(contact_sheet(rows, HEADINGS)))


def _print_report(report: CheckReport, out: Path | None) -> None:
    opened = "" if report.looked_at == report.count else f", {report.looked_at} of them opened"
    click.echo(f"{report.root}: {report.count} {'pairs' if report.pairs else 'pictures'} of {report.card}{opened}")
    for finding in report.findings:
        click.secho(f"{finding.level}: {len(finding.names)} {finding.what}", bold=finding.level == "problem")
        more = f" and {len(finding.names) - _SHOWN} more" if len(finding.names) > _SHOWN else ""
        click.echo(f"  {', '.join(finding.names[:_SHOWN])}{more}")
        click.echo(f"  what to do: {finding.remedy}")
    if report.shifts:
        lengths = sorted(shift.length for shift in report.shifts.values())
        click.echo(f"offset: median {lengths[len(lengths) // 2]:.1f} px over {len(lengths)} pairs that tell")
    if out is not None:
        click.echo(f"report in {out}")
    click.echo("clean" if report.is_clean else "not clean")


@datasets.command(short_help="Part a folder for training and validation by scene.")
@click.argument("name")
@_root_option
@click.option("--val", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.1, show_default=True,
              help="Share of the pairs that validate.")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the draw.")
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, metavar="FILE", help="The .json to write.")
@click.option("--scene", metavar="REGEX", help="What of a pair's name is its scene.  [default: the card's rule]")
@click.option("--runs", type=click.IntRange(min=2), metavar="N", help="Take runs of N neighbours by name as scenes.")
@click.option("--names-only", is_flag=True, help="Do not open the pictures to join scenes that look alike.")
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
def split(
    *,
    name: str,
    root: Path,
    val: float,
    seed: int,
    out: Path,
    scene: str | None,
    runs: int | None,
    names_only: bool,
    overwrite: bool,
) -> int:
    """Part the pairs of --root into train and val so that no scene is on both sides.

    Scenes come from names, by the card's rule, --scene or --runs; scenes that hold look-alikes are joined. Where a
    split would divide a scene, none is made.

    \b
    Examples:
      ir-transfer datasets split llvip --root LLVIP/ --val 0.1 --seed 0 -o split.json
      ir-transfer datasets split generic-paired --root pairs/ --scene '^(.+)_\\d+$' -o split.json
      ir-transfer datasets split roadscene --root RoadScene/ --runs 10 -o split.json
    """
    if out.exists() and not overwrite:
        raise click.UsageError(f"expected a new file, got {out}, which exists: use --overwrite or another -o")
    if scene is not None and runs is not None:
        raise click.UsageError("expected --scene or --runs, got both")
    from ir_transfer.data.cards import load_card
    from ir_transfer.data.pairs import list_pairs
    from ir_transfer.data.splits import join_scenes, make_split, scenes_by_pattern, scenes_by_runs, write_split

    card = load_card(name)
    pairs = list_pairs(root, card)
    pattern = scene or (None if runs else card.splits.scene)
    if pattern is not None:
        scenes, rule = scenes_by_pattern(pairs, pattern), f"scene is {pattern}"
    elif runs is not None:
        scenes, rule = scenes_by_runs(pairs, runs), f"runs of {runs} neighbours by name"
    else:
        raise click.UsageError(
            f"expected --scene REGEX or --runs N: names of {card.name} do not tell the scene "
            f"({card.splits.note.strip() or 'see ir-transfer datasets show ' + card.name})"
        )
    joined = 0
    if not names_only:
        from ir_transfer.data.check import alike_stems

        scenes, joined = join_scenes(scenes, alike_stems(pairs))
        rule += ", joined where they look alike"
    made = make_split(scenes, val, seed, rule)
    write_split(out, made, card=card.name, seed=seed, val=val)
    give_result(
        {
            "out": out,
            "rule": rule,
            "joined_scenes": joined,
            "pairs": {part: made.count(part) for part in made.parts},
            "scenes": {part: len(made.parts[part]) for part in made.parts},
        }
    )
    counts = ", ".join(f"{part} {made.count(part)} pairs of {len(made.parts[part])} scenes" for part in made.parts)
    click.echo(f"{out}: {counts}" + (f"; {joined} scenes joined with others that look alike" if joined else ""))
    return 0


@datasets.command(short_help="Render registered scenes with known truth.")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--count", type=click.IntRange(min=1), default=100, show_default=True, help="Scenes.")
@click.option("--frames", type=click.IntRange(min=1), default=1, show_default=True, help="Video frames per scene.")
@click.option("--band", type=click.Choice(["lwir", "nir"]), default="lwir", show_default=True, help="Infrared band.")
@click.option("--size", type=_Size(), default="320x256", show_default=True, help="Width x height in pixels.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Equal seeds give equal files.")
@click.option("--boxes", is_flag=True, help="Also write frames of people and vehicles: annotations.json, boxes.json.")
@click.option("--masks", is_flag=True, help="Also write masks/ with labels of people and vehicles.")
@click.option("--light", type=click.Choice(["any", "day", "night"]), default="any", show_default=True)
@click.option("--layout", "card_name", metavar="CARD", help="Lay --count pairs out as this data set lies on disk.")
def render(
    *,
    out: Path,
    count: int,
    frames: int,
    band: str,
    size: tuple[int, int],
    seed: int,
    boxes: bool,
    masks: bool,
    light: str,
    card_name: str | None,
) -> int:
    """Render street scenes into OUT/rgb and OUT/ir.

    Little physical models: materials with reflectance and emissivity, sun, sky, night and lamps; people and engines
    are warmer than what is around them. Photograph and infrared picture are registered exactly.

    \b
    Examples:
      ir-transfer datasets render scenes/ --count 500 --boxes
      ir-transfer datasets render nir/ --count 100 --band nir --size 640x512 --seed 1
      ir-transfer datasets render fake_kaist/ --layout kaist --count 24
    """
    if card_name is not None:
        from ir_transfer.data.cards import load_card
        from ir_transfer.data.render.layouts import write_layout

        if boxes or masks or frames > 1 or light != "any" or band != "lwir":
            raise click.UsageError(
                "expected --layout without --boxes, --masks, --frames, --light and --band: the card tells"
            )
        made = write_layout(out, load_card(card_name), count, size, seed)
    else:
        from ir_transfer.data.render.write import write_scenes

        with click.progressbar(length=count * frames, label="rendering", file=sys.stderr) as bar:

            def tick() -> None:
                bar.update(1)

            made = write_scenes(
                out,
                count,
                frames=frames,
                band="nir" if band == "nir" else "lwir",
                size=size,
                seed=seed,
                boxes=boxes,
                masks=masks,
                night={"any": None, "day": False, "night": True}[light],
                done=tick,
            )
    give_result({"out": out, "pairs": made})
    click.echo(f"{out}: {made} pairs")
    return 0
