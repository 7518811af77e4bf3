"""The training loop, used for all trainable models."""

import functools
import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from ir_transfer.code_version import code_version
from ir_transfer.errors import InputError
from ir_transfer.imaging.image_io import encode_png, write_gray, write_whole
from ir_transfer.json_files import json_text
from ir_transfer.nn.perceptual import PerceptualEncoder
from ir_transfer.training import checkpoint
from ir_transfer.training.batches import Batch
from ir_transfer.training.interruption import on_signal
from ir_transfer.training.learner import Learner, NotFiniteError
from ir_transfer.training.loader import Loader
from ir_transfer.training.objective import check_losses
from ir_transfer.training.processes import Processes
from ir_transfer.training.progress import Progress
from ir_transfer.training.recipe import Recipe
from ir_transfer.training.recipe_files import differences, save_recipe
from ir_transfer.training.run_folder import BEST, CHECKPOINT, EXEMPLAR, RECIPE, RunFolder
from ir_transfer.training.sanity_check import run_sanity_check
from ir_transfer.training.schedule import EarlyStopping, learning_rate
from ir_transfer.training.validation import Validation, ValidationReport
from ir_transfer.training.view_source import ViewSource, make_source

_REPORT_EVERY = 50


class Trainer:
    """Trains the model of a recipe; a checkpoint contains everything needed to resume.

    Args:
        recipe: Model, data, losses and training options.
        data_root: Folder to which the recipe's paths are relative.
        folder: Run folder, with checkpoint, recipe, log, contact sheets and weights.
        vgg: File of the perceptual VGG, or ``"torchvision"``; needed by some losses.
        processes: Processes that train together, with the device of this one.

    Raises:
        InputError: A loss needs the perceptual VGG and none is given, or the data do not fit the recipe.
        MissingFileError: A folder of the recipe is missing.
        UnknownNameError: An unknown loss or model.
    """

    def __init__(
        self,
        recipe: Recipe,
        data_root: Path,
        folder: RunFolder,
        vgg: str | None = None,
        processes: Processes = Processes(),  # noqa: B008  # frozen
    ) -> None:
        check_losses(recipe, vgg is not None)
        self.recipe, self.folder, self.processes = recipe, folder, processes
        training = recipe.training
        perceptual = None
        if vgg is not None:
            perceptual = PerceptualEncoder.load(vgg).to(memory_format=torch.channels_last).to(processes.device)
        self.learner = Learner(recipe, perceptual, processes, data_root)
        self.batches = make_source(recipe, data_root, self.learner.model, processes)
        if isinstance(self.batches, ViewSource) and self.batches.styles is not None:
            self.learner.set_style_exemplars(self.batches.styles.exemplars)
        self.validation = Validation(recipe.data, data_root, perceptual) if processes.first else None
        for one in self.validation.sets if self.validation is not None else ():
            if not one.section.exemplars:
                files = ", ".join(str(exemplar.file) for exemplar in one.exemplars)
                folder.log(f"the exemplars of the validation {one.section.name} are {files}")
        self.progress = Progress(training.batch_size)
        self.early_stopping = EarlyStopping(training.patience)
        self.step = 0
        self.stopping = self.interrupted = False

    # -- state --------------------------------------------------------------------------------------------------

    def save(self) -> None:
        """Write the checkpoint, in the first of several processes.

        Raises:
            EncodeError: The file could not be written; the previous checkpoint is unchanged.
        """
        if self.processes.first:
            numbers = {"step": self.step, "best": self.early_stopping.best, "stale": self.early_stopping.stale}
            state = {**self.learner.state(), **numbers, **checkpoint.random_state(self.processes.device)}
            checkpoint.save(self.folder.checkpoint, state)
            self.folder.note("checkpoint", self.step, path=CHECKPOINT)

    def resume(self) -> None:
        """Resume from the checkpoint in the run folder, if there is one; every process reads it.

        Raises:
            WeightsError: The checkpoint is damaged, or of another model.
            InputError: The recipe's model section contradicts the run's.
        """
        path = self.folder.checkpoint
        if not path.is_file():
            self.folder.log(f"no checkpoint in {self.folder.path} yet: starting from step 0")
            return
        state = checkpoint.load(path)
        about = json.loads(state.get("about", "{}"))  # older checkpoints have none
        self._refuse_other_model(about, path)
        self.learner.load(state, path)
        self.step = state["step"]
        self.early_stopping = EarlyStopping(self.recipe.training.patience, state["best"], state.get("stale", 0))
        checkpoint.restore_random_state(state, self.processes.device)
        self.folder.log(f"resumed at step {self.step}")
        self.folder.note("resumed", self.step)
        if "recipe" in about and (changed := differences(about["recipe"], asdict(self.recipe))):
            self.folder.log(f"the recipe has changed: {', '.join(changed)}")

    def _refuse_other_model(self, about: Mapping[str, Any], path: Path) -> None:
        if "model" not in about:
            return
        # Through JSON like the checkpoint's, so that tuples become lists.
        sections = about["model"], json.loads(json_text(self.learner.section))
        for section in sections:  # weights do not depend on run options, of which a later version may have more
            for name in self.learner.model.run_options:
                section["hyper_parameters"].pop(name, None)
        if found := differences(*sections):
            raise InputError(
                f"expected the model section of the run in {path.parent}, got another (run -> recipe): "
                f"{', '.join(found)}: resume with {path.parent / RECIPE}, or choose another --out"
            )

    # -- the run ------------------------------------------------------------------------------------------------

    def run(self) -> ValidationReport | None:
        """Train until the recipe's last step, early stopping, or SIGINT or SIGTERM.

        Returns:
            Report of the last validation; None without one.

        Raises:
            InputError: A loss is not finite; the batch is saved beside the checkpoint.
            EncodeError: The last checkpoint could not be written.
        """
        training = self.recipe.training
        if self.step >= training.steps:
            self.folder.log(f"at step {self.step} of {training.steps}: nothing to do; raise training.steps to continue")
            return None
        self.folder.attempt(lambda: save_recipe(self.recipe, self.folder.path / RECIPE))
        self._note_start()
        ended = "failed"
        try:
            scores = self._train()
            ended = "finished" if self.step >= training.steps or self.early_stopping.exhausted else "stopped"
        finally:
            self.folder.note("ended", self.step, reason=ended)
        if ended == "stopped":
            self.folder.log(f"stopped at step {self.step} of {training.steps}, saved {self.folder.checkpoint}")
        return scores

    def _note_start(self) -> None:
        facts: dict[str, int | str] = {
            "photographs": self.batches.count,
            "parameters": sum(p.numel() for p in self.learner.model.parameters()),
            "processes": self.processes.count,
            "device": str(self.processes.device),
            "precision": self.learner.precision,
        }
        if (validation := self.validation) is not None:
            facts["exemplar"] = str(validation.exemplar.file.absolute())
            image = validation.exemplar.image[0, 0].numpy()
            self.folder.attempt(lambda: write_gray(self.folder.path / EXEMPLAR, image, 16))
        self.folder.note("started", self.step, recipe=asdict(self.recipe), code=code_version(), facts=facts)

    def _train(self) -> ValidationReport | None:
        training, scores = self.recipe.training, None
        self.learner.model.train()
        with (
            on_signal(self._interrupt),
            Loader(self.batches, training.batch_size, self.step, training.steps, self.recipe.data.workers) as loader,
        ):
            first = self.batches.draw(self.step, training.batch_size).to(self.processes.device)
            if self.learner.precision != training.precision:
                self.folder.log(f"{self.processes.device} has no native {training.precision}: computing in float32")
            self.folder.log(run_sanity_check(self.learner, first, self.validation, self.step))
            if self.step == 0:
                self._report_validation()  # validates the initial weights, for comparison
            self.progress, saved = Progress(training.batch_size), time.monotonic()
            while self.step < training.steps and not self.processes.any(self.stopping):
                self.progress.add(self.train_step(loader.take().to(self.processes.device)))
                self.step += 1
                if self.step % _REPORT_EVERY == 0:
                    self._report(loader.waited)
                if self.step % training.validate_every == 0 or self.step == training.steps:
                    scores = self.validate()
                if time.monotonic() - saved > 60 * training.checkpoint_minutes:
                    with self.progress.pause():
                        self.folder.attempt(self.save)
                    saved = time.monotonic()
            self.save()
        return scores

    def train_step(self, batch: Batch) -> dict[str, float]:
        """Update on one batch; return the weighted losses.

        Raises:
            InputError: A loss is not finite; the batch is saved beside the checkpoint.
        """
        try:
            return self.learner.learn(batch, self.step)
        except NotFiniteError as error:
            part = f"-{self.processes.rank}" if self.processes.rank else ""
            path = self.folder.path / f"bad_batch{part}.pt"
            torch.save(batch.tensors(), path)
            raise InputError(f"{error}; the batch is in {path}") from error

    def validate(self) -> ValidationReport | None:
        """Score the averaged weights, write contact sheets, and save the weights if they are the best so far.

        From ``training.gates_from`` on, a failed gate stops the run.

        Returns:
            None in processes that do not validate.
        """
        scores = self._report_validation()
        if scores is None:
            return None
        best = self.early_stopping.best
        if self.early_stopping.update(scores.rank) and not self.folder.attempt(lambda: self._save_best(scores)):
            self.early_stopping.best = best  # so that the next improvement is saved
        if self.early_stopping.exhausted:
            self._stop(f"no improvement in {self.early_stopping.stale} validations: stopping (training.patience)")
        grace = self.recipe.training.gates_from
        if scores.failed and grace is not None and self.step >= grace:
            failed = "; ".join(str(gate) for gate in scores.failed)
            self._stop(f"stopping, since gates fail from step {grace} on (training.gates_from): {failed}")
        return scores

    def _report_validation(self) -> ValidationReport | None:
        """Score the averaged weights, log the scores and write contact sheets; None without a validation."""
        if self.validation is None:
            return None
        with self.progress.pause():
            scores = self.validation(self.learner.average)
        for name, columns in scores.scores.items():
            figures = " ".join(f"{key} {value:.4f}" for key, value in columns.items())
            self.folder.log(f"step {self.step} validation {name} {figures}")
        self.folder.log(f"step {self.step} validation rank {scores.rank:.4f} | {' | '.join(map(str, scores.gates))}")
        values = {f"validation/{name}": value for name, value in scores.figures().items()}
        self.folder.note("metrics", self.step, values=values)
        for name, sheet in scores.sheets.items():
            path = self.folder.path / f"sheet-{self.step:06d}-{name}.png"
            if self.folder.attempt(functools.partial(_write_sheet, path, sheet)):
                self.folder.note("image", self.step, path=path.name, set=name)
        return scores

    def _save_best(self, scores: ValidationReport) -> None:
        code = code_version()
        described = {
            "commit": code.get("commit", "") + ("-dirty" if code.get("dirty") == "true" else ""),
            "recipe": json_text(asdict(self.recipe)),
            "band": self.recipe.data.band,
            "step": str(self.step),
            "init": self.learner.initialised_from,
            "scores": json_text(scores.figures()),
        }
        self.learner.average.save(self.folder.path / BEST, described)
        self.folder.note("weights", self.step, path=BEST, scores=scores.figures())

    def _report(self, waited: float) -> None:
        means, rate, waiting = self.progress.report(waited)
        losses = " ".join(f"{name} {value:.4f}" for name, value in means.items())
        self.folder.log(f"step {self.step} {losses} | {rate:.1f} images/s, waiting for data {waiting:.1%}")
        values = {f"loss/{name}": value for name, value in means.items()}
        values |= {"rate/images_per_second": rate, "rate/waiting": waiting}
        values["rate/learning"] = learning_rate(self.recipe.training, self.step - 1)
        self.folder.note("metrics", self.step, values=values)

    def _interrupt(self, reason: str) -> None:
        self.interrupted = True
        self._stop(reason)

    def _stop(self, reason: str) -> None:
        self.folder.log(reason)
        self.stopping = True


def _write_sheet(path: Path, sheet: Image.Image) -> None:
    write_whole(path, encode_png(sheet))
