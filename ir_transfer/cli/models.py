"""``ir-transfer models``: the models of the package, registered versions in MLflow, promotion to champion."""

import tempfile
from pathlib import Path
from typing import Any

import click

from ir_transfer.cli.console import Eta, print_table
from ir_transfer.cli.execution_options import device_option
from ir_transfer.cli.option_types import PATH
from ir_transfer.cli.options import tracking_uri_option
from ir_transfer.cli.paths import check_exists, check_policies, check_vgg
from ir_transfer.cli.result import give_result


class _ListsByDefault(click.Group):
    """A group whose default command is ``list``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or args[0] not in {*self.commands, *self.get_help_option_names(ctx)}:
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_ListsByDefault)
def models() -> None:
    """List the models, and manage versions registered in MLflow.

    ir-transfer models [PATTERN] is short for ir-transfer models list [PATTERN].

    \b
    Examples:
      ir-transfer models
      ir-transfer models 'wct*' --json
      ir-transfer models registered
      ir-transfer models promote adain-lwir --data pairs/ --protocol paired-lwir --exemplar thermal.png
    """


@models.command("list")
@click.argument("pattern", default="*")
def list_(*, pattern: str) -> int:
    """List the models whose name matches PATTERN, such as 'wct*'; all by default."""
    from ir_transfer import list_models

    names = list_models(pattern)
    if not names:
        raise click.UsageError(f"expected a pattern that matches a model, got {pattern!r}: see ir-transfer models")
    described = [_describe(name) for name in names]
    give_result(described)
    titles = ("name", "bands", "sizes", "controls", "weights", "paper", "summary")
    rows = [
        (
            model["name"],
            ", ".join(model["bands"]),
            model["sizes"],
            ", ".join(model["controls"]),
            ", ".join(f"{name}{'' if there else ' (not installed)'}" for name, there in model["weights"].items())
            or "-",
            model["paper"] or "-",
            model["summary"],
        )
        for model in described
    ]
    print_table(titles, rows)
    return 0


@models.command
@tracking_uri_option
def registered(*, tracking_uri: str | None) -> int:
    """List the model versions registered in MLflow, with aliases and scores."""
    from ir_transfer.tracking.fetch import list_versions
    from ir_transfer.tracking.store import connect, resolve_uri

    versions = list_versions(connect(resolve_uri(tracking_uri)))
    give_result(versions)
    if versions:
        titles = [*versions[0]]
        print_table(titles, [[str(version[title]) or "-" for title in titles] for version in versions])
    else:
        click.echo("no registered models: ir-transfer train registers the models that it trains")
    return 0


@models.command(short_help="Promote the candidate to champion if it is better.")
@click.argument("name")
@click.option("--data", type=PATH, required=True, metavar="ROOT", help="Folder of the pairs, as for evaluate.")
@click.option(
    "--exemplar",
    "exemplars",
    metavar="POLICY",
    required=True,
    multiple=True,
    help="Style exemplar of each scene, as for evaluate.",
)
@click.option("--protocol", metavar="NAME|FILE", help="Evaluation protocol, as for evaluate.")
@click.option("--vgg", metavar="FILE|torchvision", help="VGG for feature distances, as for evaluate.")
@tracking_uri_option
@device_option
def promote(
    *,
    name: str,
    data: Path,
    exemplars: tuple[str, ...],
    protocol: str | None,
    vgg: str | None,
    tracking_uri: str | None,
    device: str,
) -> int:
    """Compare the candidate of registered model NAME with its champion, and promote it if it is better.

    The candidate is better if the 95% bootstrap confidence interval of the difference of the composite scores is above
    0. Without a champion, the candidate must be better than every baseline. The comparison is logged to MLflow in
    either case. Exit code: 0 promoted, 1 not promoted, 2 wrong usage.

    \b
    Examples:
      ir-transfer models promote adain-lwir --data pairs/ --protocol paired-lwir --exemplar thermal.png
      ir-transfer convert photos/ --style thermal.png --weights models:/adain-lwir@champion
    """
    check_exists(data, "the pairs", "check the path of --data")
    check_policies(exemplars)
    check_vgg(vgg)
    from ir_transfer.cli.evaluate import print_ranking, wide_console
    from ir_transfer.conversion.devices import pick_device
    from ir_transfer.evaluation.comparison import compare
    from ir_transfer.evaluation.protocol import NONE, load_protocol
    from ir_transfer.redaction import redact
    from ir_transfer.tracking import promotion
    from ir_transfer.tracking.store import connect, resolve_uri

    uri = resolve_uri(tracking_uri)
    fixed, chosen = load_protocol(protocol) if protocol else NONE, str(pick_device(device))
    eta = Eta("scenes")
    with tempfile.TemporaryDirectory() as folder:
        result = promotion.promote(
            connect(uri),
            name,
            lambda names, weights: compare(
                data,
                exemplars,
                names,
                weights,
                protocol=fixed,
                vgg=vgg,
                device=chosen,
                on_start=eta.start,
                on_scene=eta.step,
            ),
            Path(folder),
        )
    if result.compared is not None:
        click.echo(result.compared.title)
        print_ranking(wide_console(), result.compared)
        click.echo(f"MLflow run {result.run_id} at {redact(uri)}")
    for reason in result.reasons:
        click.echo(reason)
    give_result(
        {
            "candidate": result.candidate.title,
            "promoted": result.promoted,
            "reasons": result.reasons,
            "run_id": result.run_id,
            "tracking_uri": uri,
        }
    )
    click.echo(f"{result.candidate.title}: {'promoted to champion' if result.promoted else 'not promoted'}")
    return 0 if result.promoted else 1


def _describe(name: str) -> dict[str, Any]:
    from ir_transfer import model_info

    info = model_info(name)
    return {
        "name": info.name,
        "summary": info.summary,
        "paper": info.paper,
        "bands": list(info.bands),
        "sizes": "any from 16 x 16",
        "size_multiple": info.size_multiple,
        "tiling": info.tiling,
        "out_channels": info.out_channels,
        "controls": list(info.controls),
        "needs_weights": info.needs_weights,
        "weights": {weights: _is_installed(weights) for weights in info.weights},
    }


def _is_installed(weights: str) -> bool:
    from ir_transfer.errors import MissingFileError
    from ir_transfer.resources import resource

    try:
        return resource(f"weights/{weights}.safetensors").is_file()
    except MissingFileError:
        return False
