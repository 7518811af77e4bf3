"""``ir-transfer datasets``: cards of public data sets; check and split a data set, render scenes."""

import click

from ir_transfer.cli.console import print_table
from ir_transfer.cli.datasets.check import check
from ir_transfer.cli.datasets.render import render
from ir_transfer.cli.datasets.split import split
from ir_transfer.cli.result import give_result


@click.group
def datasets() -> None:
    """Show cards of public data sets (layout, licence, download); check and split data sets, render scenes.

    \b
    Examples:
      ir-transfer datasets list
      ir-transfer datasets show llvip
      ir-transfer datasets check llvip --root LLVIP/ -o report/
      ir-transfer datasets split llvip --root LLVIP/ --val 0.1 -o split.json
      ir-transfer datasets render scenes/ --count 200 --boxes

    NAME is the name of a bundled card, or the path of a .yaml file.
    """


for command in (check, split, render):
    datasets.add_command(command)


@datasets.command("list")
def list_() -> int:
    """List the bundled data set cards."""
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


@datasets.command(short_help="Show a data set card.")
@click.argument("name")
def show(*, name: str) -> int:
    """Show the card NAME: layout, splits, licence, citation and download instructions."""
    import dataclasses

    import yaml

    from ir_transfer.data.cards import load_card

    content = dataclasses.asdict(load_card(name))
    content["layout"] = {key: value for key, value in content["layout"].items() if value not in (None, [], 0, {})}
    give_result(content)
    click.echo(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110), nl=False)
    return 0
