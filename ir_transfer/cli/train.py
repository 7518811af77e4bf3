"""``ir-transfer train``: train the model of a recipe."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ir_transfer.cli.console import INTERRUPTED
from ir_transfer.cli.execution_options import device_option, threads_option
from ir_transfer.cli.option_types import PATH
from ir_transfer.cli.options import tracking_options
from ir_transfer.cli.paths import check_exists, check_vgg, check_weights
from ir_transfer.cli.result import give_result, leave_json_to_another_process
from ir_transfer.cli.tracking import check_tracking, local_weights

if TYPE_CHECKING:
    from ir_transfer.training.loop import Trainer


@click.command
@click.argument("recipe", type=PATH, metavar="RECIPE")
@click.option("--data", "data_root", type=PATH, required=True, metavar="DIR", help="Root folder of the pair sets.")
@click.option("-o", "--out", type=PATH, metavar="DIR", help="Run folder.  [default: runs/RECIPE]")
@click.option(
    "--vgg",
    metavar="FILE|torchvision",
    help="VGG for perceptual losses: a .safetensors file, or torchvision (downloaded on first use).",
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Set a value of the recipe: training.lr=1e-4.",
)
@click.option("--init", metavar="WEIGHTS", help="Initial weights: a name, a file or models:/NAME@ALIAS.")
@click.option("--resume", is_flag=True, help="Continue from the checkpoint in the run folder.")
@tracking_options
@threads_option
@device_option
def train(
    recipe: Path,
    data_root: Path,
    out: Path | None,
    vgg: str | None,
    overrides: tuple[str, ...],
    init: str | None,
    resume: bool,
    tracking_uri: str | None,
    tracking: bool,
    threads: int | None,
    device: str,
) -> int:
    """Train the model of RECIPE on pair sets below --data.

    RECIPE is a YAML file, or the name of a bundled recipe, such as adain-lwir.

    The run folder receives a checkpoint, the complete recipe, a log, contact sheets of validation images, and
    best.safetensors for ir-transfer convert --weights. Ctrl-C saves a checkpoint and stops with exit code 130; a second
    Ctrl-C stops immediately.

    The run is also logged to MLflow (see ir-transfer review), by default to mlflow.db beside the run folder. If the
    store cannot be reached, training continues, and the missed events are sent later or with ir-transfer runs deliver.

    \b
    Examples:
      ir-transfer train adain-lwir --data pairs/ --vgg torchvision
      ir-transfer train configs/train/adain-lwir.yaml --data pairs/ --vgg vgg.safetensors --set training.lr=1e-4
      torchrun --nproc-per-node 2 -m ir_transfer train configs/train/adain-lwir.yaml --data pairs/ --vgg vgg.safetensors
    """
    from ir_transfer.errors import InputError
    from ir_transfer.resources import recipe_file

    recipe = recipe_file(recipe)
    check_exists(data_root, "the folder of the pair sets", "check --data")
    check_vgg(vgg)
    check_weights(init)
    import torch

    from ir_transfer.conversion.devices import pick_device
    from ir_transfer.heap import reuse_freed
    from ir_transfer.training.loop import Trainer
    from ir_transfer.training.processes import join
    from ir_transfer.training.recipe_files import load_recipe
    from ir_transfer.training.run_folder import BEST, RunFolder

    pairs = [text.partition("=") for text in overrides]
    if bad := [key for key, sign, _ in pairs if not sign]:
        raise InputError(f"expected --set KEY=VALUE, got {bad[0]!r}")
    chosen = pick_device(device)
    loaded = load_recipe(recipe, {key: value for key, _, value in pairs})
    out = out or Path("runs") / recipe.stem
    if (out / "last.pt").exists() and not resume:
        raise InputError(
            f"expected a new run folder, got {out}, which has a checkpoint: pass --resume or another --out"
        )
    if tracking:
        check_tracking(tracking_uri, out.resolve().parent)
    if threads:
        torch.set_num_threads(threads)
    if chosen.type == "cpu":
        reuse_freed()
    with join(chosen) as processes:
        folder = RunFolder(out, click.echo, processes.first)
        trainer = Trainer(loaded, data_root, folder, vgg, processes)
        parameters = sum(p.numel() for p in trainer.learner.model.parameters())
        folder.log(f"{trainer.batches.count} RGB images, {parameters:,} parameters, {processes.count} process(es)")
        if init:
            trainer.learner.initialise(local_weights(init, tracking_uri, out.resolve().parent))
        if resume:
            trainer.resume()
        with _followed(trainer, data_root, tracking_uri) if tracking and processes.first else nullcontext():
            report = trainer.run()
    if not processes.first:
        leave_json_to_another_process()
    give_result(
        {
            "run_folder": out,
            "step": trainer.step,
            "steps": loaded.training.steps,
            "best": out / BEST if (out / BEST).exists() else None,
            "scores": {} if report is None else report.figures(),
        }
    )
    if processes.first:
        click.echo(click.format_filename(out))
    return INTERRUPTED if trainer.interrupted else 0


def _followed(trainer: Trainer, data_root: Path, tracking_uri: str | None) -> AbstractContextManager[object]:
    from ir_transfer.tracking.follower import Follower
    from ir_transfer.tracking.run_inputs import training_inputs
    from ir_transfer.tracking.store import resolve_uri

    folder = trainer.folder
    uri = resolve_uri(tracking_uri, folder.path.resolve().parent)
    return Follower(folder.path, uri, training_inputs(trainer, data_root), folder.log)
