"""``ir-transfer distill``: train a content encoder by distillation."""

from pathlib import Path

import click

from ir_transfer.cli.execution_options import threads_option
from ir_transfer.cli.option_types import PATH
from ir_transfer.cli.paths import check_exists
from ir_transfer.cli.result import give_result


@click.command
@click.argument("recipe", type=PATH)
@click.option(
    "--data", "data_root", type=PATH, required=True, metavar="DIR", help="Folder of the RGB images and labels."
)
@click.option("-o", "--out", type=PATH, metavar="DIR", help="Run folder.  [default: runs/RECIPE]")
@click.option(
    "--init",
    metavar="FILE",
    help="Begin from the weights of an encoder: a file, or content-encoder for the bundled one.",
)
@click.option("--resume", is_flag=True, help="Continue from the checkpoint in the run folder.")
@threads_option
def distill(
    recipe: Path, data_root: Path, out: Path | None, init: str | None, resume: bool, threads: int | None
) -> None:
    """Distil a content encoder from soft class labels of RGB images.

    RECIPE is a YAML file, or the name of the bundled recipe, encoder. The run folder receives a checkpoint,
    encoder.safetensors (for model.encoder in a training recipe), and the card encoder.md, which reports the agreement
    with the labels of held-out RGB images by class, and by day and night.

    \b
    Examples:
      ir-transfer distill encoder --data DATA -o runs/encoder
      ir-transfer distill own.yaml --data DATA --init content-encoder
    """
    from ir_transfer.errors import InputError
    from ir_transfer.resources import recipe_file

    if init is not None and resume:
        raise InputError("expected --init or --resume, got both: a resumed run has weights already, leave out --init")
    recipe = recipe_file(recipe)
    check_exists(data_root, "the folder of the RGB images", "check --data")
    import torch

    from ir_transfer.training.distillation.recipe import load_distillation
    from ir_transfer.training.distillation.run import run_distillation

    if threads is not None:
        torch.set_num_threads(threads)
    folder = out or Path("runs") / recipe.stem
    asked = load_distillation(recipe)
    weights, card = run_distillation(asked, data_root, folder, resume=resume, begin=init, log=click.echo)
    give_result({"encoder": weights, "card": card})
    click.echo(f"encoder: {weights}")
    click.echo(f"card:    {card}")
