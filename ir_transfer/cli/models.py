"""``ir-transfer models``: what can translate, and what each model takes."""

from __future__ import annotations

import json
from typing import Any

import click

from ir_transfer.cli.console import print_table
from ir_transfer.cli.options import json_option


@click.command(short_help="List the models.")
@click.argument("pattern", default="*")
@json_option
def models(*, pattern: str, as_json: bool) -> int:
    """List the models, or those whose name fits PATTERN.

    \b
    Examples:
      ir-transfer models
      ir-transfer models 'wct*' --json
    """
    from ir_transfer import list_models

    names = list_models(pattern)
    if not names:
        raise click.UsageError(f"expected a pattern that fits a model, got {pattern!r}: see ir-transfer models")
    described = [_describe(name) for name in names]
    if as_json:
        click.echo(json.dumps(described, indent=2))
        return 0
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
