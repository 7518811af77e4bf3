"""``ir-transfer datasets render``: registered synthetic scenes with known ground truth."""

import sys
from pathlib import Path

import click

from ir_transfer.cli.option_types import PATH, image_size
from ir_transfer.cli.result import give_result


@click.command(short_help="Render registered pairs of synthetic scenes.")
@click.argument("out", type=PATH)
@click.option(
    "--count", type=click.IntRange(min=1), default=100, show_default=True, metavar="N", help="Number of scenes."
)
@click.option(
    "--frames", type=click.IntRange(min=1), default=1, show_default=True, metavar="N", help="Frames per scene."
)
@click.option("--band", type=click.Choice(["lwir", "nir"]), default="lwir", show_default=True, help="Infrared band.")
@click.option(
    "--size",
    type=image_size(32),
    default="320x256",
    show_default=True,
    metavar="WxH",
    help="Width and height, in pixels.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="N", help="Random seed.")
@click.option("--boxes", is_flag=True, help="Write boxes of people and vehicles: annotations.json, boxes.json.")
@click.option("--masks", is_flag=True, help="Write index masks of people and vehicles to masks/.")
@click.option("--light", type=click.Choice(["any", "day", "night"]), default="any", help="Time of day.  [default: any]")
@click.option(
    "--layout", "card_name", metavar="CARD", help="Write the pairs in the folder layout of this data set card."
)
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
    """Render street scenes as registered pairs to OUT/rgb and OUT/ir.

    Scenes follow a simple physical model: materials with reflectance and emissivity, illumination by sun, sky and
    lamps, and people and engines that are warmer than their surroundings.

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
                "expected --layout without --boxes, --masks, --frames, --light and --band, which it does not use"
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
