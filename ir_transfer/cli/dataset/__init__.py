"""``ir-transfer dataset``: a labelled RGB set becomes an infrared one."""

from __future__ import annotations

from pathlib import Path

import click

from ir_transfer.cli.console import set_up_messages
from ir_transfer.cli.dataset.generate import generate
from ir_transfer.cli.dataset.summary import print_summary
from ir_transfer.cli.options import max_pixels_option, verbosity_options
from ir_transfer.cli.path_checks import check_exists
from ir_transfer.cli.result import give_result


class _DefaultsToGenerate(click.Group):
    """Takes what is no sub-command to be a data set."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands:
            args = ["generate", *args]
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0].startswith("-") and args[0] not in ctx.help_option_names:
            args = ["generate", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_DefaultsToGenerate, no_args_is_help=True, short_help="Make an infrared data set of an RGB one.")
def dataset() -> None:
    """Turn a labelled RGB set into an infrared one of the same format, whose labels lie on the same pixels.

    ir-transfer dataset RGB_SET --style ... is short for ir-transfer dataset generate RGB_SET --style ...

    \b
    Examples:
      ir-transfer dataset coco/ --style preset:lwir-road-day -o coco_ir/
      ir-transfer dataset generate --help
      ir-transfer dataset verify coco_ir/
    """


dataset.add_command(generate)


@dataset.command(short_help="Check a generated set.")
@click.argument("folder", type=click.Path(path_type=Path), metavar="IR_SET")
@click.option("--source", type=click.Path(path_type=Path), metavar="RGB_SET", help="Where the RGB set is stored now.")
@max_pixels_option
@verbosity_options
def verify(*, folder: Path, source: Path | None, max_pixels: int, verbose: bool, quiet: bool) -> int:
    """Check that every image and label of a generated set is as it was made, and that the labels still fit.

    Labels are compared region by region with those of the RGB set, where that is still in its place or --source names
    it. Exit code: 0 all is well, 1 something is not, 2 no generated set.
    """
    set_up_messages(verbose=verbose, quiet=quiet)
    check_exists(folder, "a set that ir-transfer dataset made")
    check_exists(source, "the RGB set of --source")
    from ir_transfer.dataset.verify import verify_dataset

    found = verify_dataset(folder, source, max_pixels)
    give_result({"folder": folder, "problems": found})
    for line in found:
        click.echo(line)
    if not quiet and not found:
        click.echo(f"{click.format_filename(folder)}: files are as they were made, labels that are read fit the pixels")
    return 1 if found else 0


@dataset.command(short_help="Put the shards of a set together.")
@click.argument("shards", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="SHARD...")
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="Root of the whole set.")
@click.option("--source", type=click.Path(path_type=Path), metavar="RGB_SET", help="Where the RGB set is stored now.")
@click.option("--overwrite", is_flag=True, help="Make existing results again.")
@verbosity_options
def merge(
    *, shards: tuple[Path, ...], out: Path, source: Path | None, overwrite: bool, verbose: bool, quiet: bool
) -> int:
    """Put the shards of a set together into what one machine would have made, with labels and card.

    The RGB set is found where a shard says that it is stored, or at --source. Exit code: 0 all done, 1 some images
    failed, 2 wrong usage.
    """
    set_up_messages(verbose=verbose, quiet=quiet)
    for shard in shards:
        check_exists(shard, "a shard of ir-transfer dataset")
    from ir_transfer.dataset.merge import merge_shards

    return print_summary(merge_shards(shards, out, overwrite=overwrite, source=source), quiet=quiet)
