"""The command ``ir-transfer``: finds its commands by name and imports one only when it is run."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

import click

from ir_transfer import __version__
from ir_transfer.cli.console import INTERRUPTED
from ir_transfer.data.remote import public
from ir_transfer.errors import IrTransferError

# name -> ("module:function", one line for --help, so that listing them imports none)
COMMANDS: dict[str, tuple[str, str]] = {
    "convert": ("ir_transfer.cli.convert:convert", "Convert photographs into infrared pictures."),
    "video": ("ir_transfer.cli.video:video", "Convert a video, or a folder of numbered frames."),
    "app": ("ir_transfer.cli.app:app", "Open a page to try conversions in a browser."),
    "reconstruct": ("ir_transfer.cli.reconstruct:reconstruct", "Show what layers of a VGG keep of a picture."),
    "models": ("ir_transfer.cli.models:models", "List models; promote registered ones."),
    "styles": ("ir_transfer.cli.styles:styles", "List the shipped styles, or build one from exemplars."),
    "dataset": ("ir_transfer.cli.dataset:dataset", "Make an infrared data set of a labelled RGB one."),
    "sensors": ("ir_transfer.cli.sensors:sensors", "List the sensors that ship, or show one."),
    "datasets": ("ir_transfer.cli.datasets:datasets", "Data set cards; check, split and render data sets."),
    "train": ("ir_transfer.cli.train:train", "Train a model from a recipe."),
    "distill": ("ir_transfer.cli.distill:distill", "Distil the content encoder that models share."),
    "evaluate": ("ir_transfer.cli.evaluate:evaluate", "Measure models beside the baselines on pairs."),
    "review": ("ir_transfer.cli.review:review", "Open the tracked runs in MLflow's user interface."),
    "runs": ("ir_transfer.cli.runs:runs", "List tracked runs; compare some in one page."),
    "benchmark": ("ir_transfer.cli.benchmark:benchmark", "Measure speed and memory on this machine."),
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, function = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), function)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_line) for name, (_, help_line) in COMMANDS.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=True)
@click.version_option(__version__, prog_name="ir-transfer")
def ir_transfer() -> None:
    """RGB pictures in, infrared pictures of exactly the same size out, in the look of an infrared exemplar.

    \b
    Examples:
      ir-transfer convert photos/ --style thermal.png
      ir-transfer convert photos/ --style preset:lwir-road-night -o night/
      ir-transfer styles
    """


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Any :class:`IrTransferError`, and a path that the system refuses, becomes one line on stderr and the code 2, as
    wrong usage does.

    Args:
        argv: Arguments after the program's name; those of the process by default.
    """
    args = list(argv if argv is not None else sys.argv[1:])
    try:
        code = ir_transfer.main(args=list(args), prog_name="ir-transfer", standalone_mode=False, obj=args)
    except IrTransferError as error:
        click.echo(f"Error: {public(error.line)}", err=True)
        return 2
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    except BrokenPipeError:  # the reader (head, less) has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:  # a path that the system refuses: no permission, a file for a folder, too long a name
        if error.filename is None:
            raise
        click.echo(f"Error: {error.filename}: {error.strerror}: check the path and its permissions", err=True)
        return 2
    return code if isinstance(code, int) else 0
