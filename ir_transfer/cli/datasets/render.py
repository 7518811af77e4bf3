"""``ir-transfer datasets render``: registered scenes with known ground truth."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ir_transfer.cli.option_types import image_size
from ir_transfer.cli.result import give_result


@click.command(short_help="Render registered scenes with known truth.")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--count", type=click.IntRange(min=1), default=100, show_default=True, help="Scenes.")
@click.option("--frames", type=click.IntRange(min=1), default=1, show_default=True, help="Video frames per scene.")
@click.option("--band", type=click.Choice(["lwir", "nir"]), default="lwir", show_default=True, help="Infrared band.")
@click.option("--size", type=image_size(32), default="320x256", show_default=True, help="Width x height in pixels.")
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
    are warmer than what is around them. RGB image and infrared image are registered exactly.

    \b
    Examples:
      ir-transfer datasets render scenes/ --count 500 --boxes
      ir-transfer datasets render nir/ --count 100 --band nir --size 640x512 --seed 1
      ir-transfer datasets render fake_kaist/ --layout kaist --count 24
    """
    if card_name is not None:
        from ir_transfer.data.cards import load_card
        from ir_transfer.synthetic.layouts import write_layout

        if boxes or masks or frames > 1 or light != "any" or band != "lwir":
            raise click.UsageError(
                "expected --layout without --boxes, --masks, --frames, --light and --band: the card tells"
            )
        made = write_layout(out, load_card(card_name), count, size, seed)
    else:
        from ir_transfer.synthetic.write import write_scenes

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
