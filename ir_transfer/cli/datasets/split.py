"""``ir-transfer datasets split``: pairs split into train and val by scene."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ir_transfer.cli.option_types import PATH
from ir_transfer.cli.options import overwrite_option, root_option
from ir_transfer.cli.paths import check_exists, check_new_file
from ir_transfer.cli.result import give_result

if TYPE_CHECKING:
    from ir_transfer.data.cards import Card
    from ir_transfer.data.pairs import Pair


@click.command(short_help="Split a data set into train and val by scene.")
@click.argument("name")
@root_option
@click.option("--val", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.1, show_default=True,
              metavar="FRACTION", help="Fraction of the pairs in val.")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="N", help="Random seed.")
@click.option("-o", "--out", type=PATH, required=True, metavar="FILE", help="JSON file to write.")
@click.option("--scene", metavar="REGEX", help="Its groups match the scene in a file name.  [default: of the card]")
@click.option(
    "--runs",
    type=click.IntRange(min=2),
    metavar="N",
    help="Use N consecutive pairs, sorted by name, as one scene.",
)
@click.option("--names-only", is_flag=True, help="Do not read the images to merge similar scenes.")
@overwrite_option("Replace an existing file.")
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
    """Split the pairs at --root into train and val so that no scene is in both.

    The scene of a pair is derived from its name by the rule of the card, --scene or --runs. Scenes with near-duplicate
    images are merged. It is an error if the names do not determine the scene.

    \b
    Examples:
      ir-transfer datasets split llvip --root LLVIP/ --val 0.1 --seed 0 -o split.json
      ir-transfer datasets split generic-paired --root pairs/ --scene '^(.+)_\\d+$' -o split.json
      ir-transfer datasets split roadscene --root RoadScene/ --runs 10 -o split.json
    """
    check_new_file(out, overwrite=overwrite)
    if scene is not None and runs is not None:
        raise click.UsageError("expected --scene or --runs, got both")
    check_exists(root, "the pairs", "check the path of --root")
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
        rule += ", similar scenes joined"
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
    click.echo(f"{out}: {counts}" + (f"; {joined} scenes joined with similar ones" if joined else ""))
    return 0


def _scenes(pairs: Sequence[Pair], card: Card, scene: str | None, runs: int | None) -> tuple[dict[str, str], str]:
    """Return the scene of every stem, and the rule in words."""
    from ir_transfer.data.splits import scenes_by_pattern, scenes_by_runs

    pattern = scene or (None if runs else card.splits.scene)
    if pattern is not None:
        return scenes_by_pattern(pairs, pattern), f"scene is {pattern}"
    if runs is not None:
        return scenes_by_runs(pairs, runs), f"runs of {runs} consecutive names"
    raise click.UsageError(
        f"expected --scene REGEX or --runs N: names of {card.name} do not determine the scene "
        f"({card.splits.note.strip() or 'see ir-transfer datasets show ' + card.name})"
    )
