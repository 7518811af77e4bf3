"""``ir-transfer datasets split``: pairs into train and val, scene by scene."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ir_transfer.cli.options import root_option
from ir_transfer.cli.result import give_result

if TYPE_CHECKING:
    from ir_transfer.data.cards import Card
    from ir_transfer.data.pairs import Pair


@click.command(short_help="Part a folder for training and validation by scene.")
@click.argument("name")
@root_option
@click.option("--val", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.1, show_default=True,
              help="Share of the pairs that validate.")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the draw.")
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, metavar="FILE", help="The .json to write.")
@click.option("--scene", metavar="REGEX", help="What of a pair's name is its scene.  [default: the card's rule]")
@click.option("--runs", type=click.IntRange(min=2), metavar="N", help="Take runs of N neighbours by name as scenes.")
@click.option("--names-only", is_flag=True, help="Do not open the images to join scenes that look alike.")
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
    from ir_transfer.data.splits import join_scenes, make_split, write_split

    card = load_card(name)
    pairs = list_pairs(root, card)
    scenes, rule = _scenes(pairs, card, scene, runs)
    joined = 0
    if not names_only:
        from ir_transfer.data.checks.measure import find_similar_pairs

        scenes, joined = join_scenes(scenes, find_similar_pairs(pairs))
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


def _scenes(pairs: Sequence[Pair], card: Card, scene: str | None, runs: int | None) -> tuple[dict[str, str], str]:
    """Return the scene of every stem, and the rule in words."""
    from ir_transfer.data.splits import scenes_by_pattern, scenes_by_runs

    pattern = scene or (None if runs else card.splits.scene)
    if pattern is not None:
        return scenes_by_pattern(pairs, pattern), f"scene is {pattern}"
    if runs is not None:
        return scenes_by_runs(pairs, runs), f"runs of {runs} neighbours by name"
    raise click.UsageError(
        f"expected --scene REGEX or --runs N: names of {card.name} do not tell the scene "
        f"({card.splits.note.strip() or 'see ir-transfer datasets show ' + card.name})"
    )
