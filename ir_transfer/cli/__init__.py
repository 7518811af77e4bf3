"""The command line ``ir-transfer``; the module of each command is imported only when the command is used."""

import errno
import importlib
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from ir_transfer import __version__
from ir_transfer.cli.console import INTERRUPTED, print_error
from ir_transfer.cli.option_types import PATH
from ir_transfer.cli.process import safe_streams, sigterm_as_interrupt
from ir_transfer.cli.result import Session, json_option
from ir_transfer.cli.settings import CONFIG_VARIABLE, apply_settings, find_config, setting_origin
from ir_transfer.errors import IrTransferError
from ir_transfer.imaging.remote import public

# name -> ("module:function", line of --help, so that the list needs no imports)
COMMANDS: dict[str, tuple[str, str]] = {
    "convert": ("ir_transfer.cli.convert:convert", "Convert RGB images to infrared images."),
    "video": ("ir_transfer.cli.video:video", "Convert a video, or a folder of numbered frames."),
    "app": ("ir_transfer.cli.app:app", "Try conversions on a local page in a browser."),
    "reconstruct": ("ir_transfer.cli.reconstruct:reconstruct", "Visualise the content encoded by network layers."),
    "models": ("ir_transfer.cli.models:models", "List models; compare and promote registered versions."),
    "styles": ("ir_transfer.cli.styles:styles", "List the bundled styles, or build one from exemplars."),
    "dataset": ("ir_transfer.cli.dataset:dataset", "Convert a labelled RGB data set to infrared."),
    "sensors": ("ir_transfer.cli.sensors:sensors", "List the bundled sensors, or show one."),
    "datasets": ("ir_transfer.cli.datasets:datasets", "List data set cards; check, split and render data sets."),
    "train": ("ir_transfer.cli.train:train", "Train a model from a recipe."),
    "distill": ("ir_transfer.cli.distill:distill", "Distil the content encoder shared by the models."),
    "evaluate": ("ir_transfer.cli.evaluate:evaluate", "Evaluate models and baselines on registered pairs."),
    "review": ("ir_transfer.cli.review:review", "Open the tracked runs in MLflow's user interface."),
    "runs": ("ir_transfer.cli.runs:runs", "List, compare and deliver tracked runs."),
    "export": ("ir_transfer.cli.export:export", "Export a model to ONNX or OpenVINO."),
    "benchmark": ("ir_transfer.cli.benchmark:benchmark", "Measure speed and memory on this machine."),
    "doctor": ("ir_transfer.cli.doctor:doctor", "Check this installation and print its versions."),
}
_FAILED, _WRONG_USAGE = 1, 2
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, function = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), function)
        _add_common_options(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_line) for name, (_, help_line) in COMMANDS.items()])


def _config_option() -> click.Option:
    """Return the option ``--config``, which is accepted before and after the command name."""
    return click.Option(
        ["--config"],
        type=PATH,
        metavar="FILE",
        is_eager=True,
        expose_value=False,
        callback=_use_config,
        help="Read options from this TOML file.  [default: ir-transfer.toml, or [tool.ir-transfer] in pyproject.toml]",
    )


def _use_config(context: click.Context, parameter: click.Parameter, path: Path | None) -> None:
    root = context.find_root()
    if context.resilient_parsing or (path is None and context is not root):
        return
    if path is None and (named := os.environ.get(CONFIG_VARIABLE)):
        path = Path(named)
    apply_settings(root, find_config(path), lambda name: ir_transfer.get_command(root, name), [*COMMANDS])
    # The contexts from the root to this one were created before the file was known.
    chain = [context]
    while chain[-1].parent is not None:
        chain.append(chain[-1].parent)
    for outer, inner in zip(reversed(chain), reversed(chain[:-1]), strict=False):
        inner.default_map = (outer.default_map or {}).get(inner.info_name or "")


def _add_common_options(command: click.Command) -> None:
    """Add ``--json`` and ``--config`` to a command, or to the commands of a group."""
    below = list(command.commands.values()) if isinstance(command, click.Group) else []
    runs_itself = not isinstance(command, click.Group) or command.invoke_without_command
    if runs_itself and not any("--json" in parameter.opts for parameter in command.params):
        command.params += [json_option(), _config_option()]
    for one in below:
        _add_common_options(one)


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    params=[_config_option()],
)
@click.version_option(__version__, prog_name="ir-transfer")
def ir_transfer() -> None:
    """Convert RGB images to infrared images of the same size, in the style of infrared exemplars.

    \b
    Examples:
      ir-transfer convert photos/ --style thermal.png
      ir-transfer convert photos/ --style preset:lwir-road-night -o night/
      ir-transfer styles
    """


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    An :class:`IrTransferError` or an invalid path is reported as one line on stderr with exit code 2, like wrong usage.
    With ``--json``, the message is also stored under the key ``error`` of the document on stdout.

    Args:
        argv: Arguments without the program name; defaults to those of the process.
    """
    session = Session(list(argv if argv is not None else sys.argv[1:]))
    with safe_streams():
        try:
            with sigterm_as_interrupt():
                return _main(session)
        except KeyboardInterrupt:  # while results are printed
            return _print_interrupted(session)


def _main(session: Session) -> int:
    try:
        code = _run(session)
        if session.as_json or (session.error is not None and "--json" in session.args):
            session.print_document(code)
    except BrokenPipeError:  # the reader (head, less) has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _FAILED
    except OSError as error:  # the disk of stdout is full
        if (message := _system_message(error)) is None:
            raise
        print_error(message)
        return _WRONG_USAGE
    return code


def _run(session: Session) -> int:
    try:
        code = ir_transfer.main(args=[*session.args], prog_name="ir-transfer", standalone_mode=False, obj=session)
    except IrTransferError as error:
        session.error = public(error.line)
    except click.ClickException as error:
        error = _with_origin(error)
        shown = io.StringIO()
        error.show(shown)
        click.echo(public(shown.getvalue()), err=True, nl=False)
        session.error = error.format_message()
        return _WRONG_USAGE
    except (click.Abort, KeyboardInterrupt):
        return _print_interrupted(session)
    except BrokenPipeError:
        raise
    except OSError as error:  # a path without permission, a file instead of a folder, a name that is too long
        if (message := _system_message(error)) is None:
            raise
        session.error = message
    except ModuleNotFoundError as error:  # a minimal installation without the packages of other commands
        package = (error.name or "").partition(".")[0]
        if package in {"", "ir_transfer"}:
            raise
        session.error = f"expected the Python package {package}, found none: pip install ir-transfer"
    else:
        return code if isinstance(code, int) else 0
    print_error(session.error)
    return _WRONG_USAGE


def _print_interrupted(session: Session) -> int:
    click.echo("Interrupted.", err=True)
    session.error = "interrupted"
    return INTERRUPTED


def _system_message(error: OSError) -> str | None:
    """Return the message for an operating system error; None if it does not concern a file or a disk."""
    if error.errno in _FULL:  # of stdout or a temporary file, if it has no name
        where = f"to {error.filename}" if error.filename is not None else "results and temporary files"
        return f"expected to write {where}, got: {error.strerror}: free some space, or set TMPDIR to another disk"
    if error.filename is not None:
        return f"{error.filename}: {error.strerror}: check the path and its permissions"
    if error.errno == errno.ENOENT:  # raised by tempfile
        return f"expected a folder for temporary files, got: {error.strerror}: free some space, or set TMPDIR"
    return None


def _with_origin(error: click.ClickException) -> click.ClickException:
    """Return an error that names the file or variable from which an invalid value was read."""
    if isinstance(error, click.BadParameter) and error.ctx is not None and error.param is not None:
        typed = [one for one in error.param.opts if one in (error.ctx.find_root().obj or Session([])).args]
        source = None if typed else setting_origin(error.ctx, error.param)
        if source is not None:
            return click.BadParameter(f"{error.message} (set by {source})", error.ctx, error.param, error.param_hint)
    return error
