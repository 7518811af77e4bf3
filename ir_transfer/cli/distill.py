"""``ir-transfer distill``: make a content encoder."""

from __future__ import annotations

from pathlib import Path

import click

from ir_transfer.cli.execution_options import threads_option
from ir_transfer.cli.path_checks import check_exists
from ir_transfer.cli.result import give_result


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--data", "data_root", type=click.Path(path_type=Path), required=True, help="Folder of the RGB images.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Run folder. [default: runs/<recipe's name>]")
@click.option("--resume", is_flag=True, help="Go on from the run folder's checkpoint.")
@threads_option
def distill(recipe: Path, data_root: Path, out: Path | None, resume: bool, threads: int | None) -> None:
    """Distil the content encoder of RECIPE (a YAML file, or a name that ships: encoder) from soft class labels.

    The run folder receives a checkpoint, encoder.safetensors, which a training recipe takes as model.encoder, and its
    card encoder.md: how well it agrees with the labels of RGB images held back, by class, by day and by night.

    \b
    Examples:
      ir-transfer distill encoder --data DATA -o runs/encoder
    """
    from ir_transfer.resources import recipe_file

    recipe = recipe_file(recipe)
    check_exists(data_root, "the folder of the RGB images", "check --data")
    import torch

    from ir_transfer.training.distillation.recipe import load_distillation
    from ir_transfer.training.distillation.run import run_distillation

    if threads is not None:
        torch.set_num_threads(threads)
    folder = out or Path("runs") / recipe.stem
    weights, card = run_distillation(load_distillation(recipe), data_root, folder, resume=resume, log=click.echo)
    give_result({"encoder": weights, "card": card})
    click.echo(f"encoder: {weights}")
    click.echo(f"card:    {card}")
