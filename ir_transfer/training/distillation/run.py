"""Distillation run, from recipe to weights and card."""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from ir_transfer.code_version import code_version
from ir_transfer.errors import InputError, MissingFileError
from ir_transfer.imaging.image_io import write_whole
from ir_transfer.json_files import json_text
from ir_transfer.labels.soft_labels import CLASSES
from ir_transfer.models import weight_files
from ir_transfer.models.encoder_files import NAME, encoder_path, read_encoder, save_encoder
from ir_transfer.nn.content_encoder import ContentEncoder
from ir_transfer.training.distillation.agreement import Agreement, measure_agreement
from ir_transfer.training.distillation.distill import Distillation
from ir_transfer.training.distillation.labelled_images import LabelledImage, held_out, read_labelled
from ir_transfer.training.distillation.recipe import DistillationRecipe

CHECKPOINT, WEIGHTS, CARD = "checkpoint.pt", "encoder.safetensors", "encoder.md"


def run_distillation(
    recipe: DistillationRecipe,
    root: Path,
    folder: Path,
    *,
    resume: bool = False,
    begin: str | Path | None = None,
    log: Callable[[str], None] = print,
) -> tuple[Path, Path]:
    """Distil an encoder, measure it on the RGB images held out, and return the files of its weights and its card.

    Args:
        recipe: The recipe.
        root: Folder to which the recipe's paths are relative.
        folder: Run folder.
        resume: Whether to resume from the folder's checkpoint, if there is one.
        begin: File of encoder weights to begin from, or ``"content-encoder"`` for the bundled ones; random weights if
            None.
        log: Called with lines of progress.

    Raises:
        MissingFileError: A folder of the recipe, or the file of the night RGB images, is missing.
        InputError: No labelled RGB images, or none are held out or all are; or the folder has a checkpoint and
            ``resume`` is not set.
        WeightsError: The checkpoint, or the encoder to begin from, is damaged.
    """
    images, only_measured = read_sources(recipe, root)
    held = [kept or measured for kept, measured in zip(
        held_out(images, recipe.held_back, recipe.held_back_sequences), only_measured, strict=True
    )]  # fmt: skip
    learned = [photo for photo, kept in zip(images, held, strict=True) if not kept]
    measured = [photo for photo, kept in zip(images, held, strict=True) if kept]
    if not learned or not measured:
        raise InputError(
            f"expected RGB images to train on and some held out, got {len(learned)} and {len(measured)}: "
            "correct held_back in the recipe"
        )
    if (folder / CHECKPOINT).is_file() and not resume:
        raise InputError(
            f"expected a new run folder, got {folder}, which has a checkpoint: pass --resume or another --out"
        )
    log(f"{len(learned)} RGB images to train on, {len(measured)} held out")
    folder.mkdir(parents=True, exist_ok=True)
    if begin is None:
        distillation = Distillation(recipe, learned, log)
    else:
        distillation = Distillation(recipe, learned, log, read_encoder(begin), _described(begin))
    if resume and (folder / CHECKPOINT).is_file():
        distillation.load(folder / CHECKPOINT)
        log(f"resumed at step {distillation.step}")
    distillation.run(folder / CHECKPOINT)
    night = night_names(root / recipe.night) if recipe.night is not None else set()
    encoder = distillation.average.folded()
    return save_with_card(encoder, recipe, len(learned), measured, night, folder, distillation.begun)


def save_with_card(
    encoder: ContentEncoder,
    recipe: DistillationRecipe,
    learned: int,
    measured: Sequence[LabelledImage],
    night: Collection[str],
    folder: Path,
    begun: str,
) -> tuple[Path, Path]:
    """Measure an encoder and write its weights, quantised to 8 bits, and its card; return both files.

    Args:
        encoder: Encoder without normalisations.
        recipe: Its recipe.
        learned: Number of RGB images that it was trained on.
        measured: RGB images held out.
        night: Names of those taken at night.
        folder: Folder of both files.
        begun: Weights that the distillation began from, as the card states them.
    """
    encoder.load_state_dict(weight_files.rounded(encoder.state_dict()))  # so that the stored weights are measured
    by_day = [photo for photo in measured if photo.path.name not in night]
    groups = {"day": (by_day, False), "day, darkened": (by_day, True)}
    groups["night"] = ([photo for photo in measured if photo.path.name in night], False)
    found = {
        name: measure_agreement(encoder, photos, darkened=dark) for name, (photos, dark) in groups.items() if photos
    }
    scores = {f"{name}: pixels": f"{agreement.pixels:.4f}" for name, agreement in found.items()}
    code = code_version()
    commit = code.get("commit", "") + ("-dirty" if code.get("dirty") == "true" else "")
    described = {"recipe": json_text(asdict(recipe)), "scores": json_text(scores), "commit": commit}
    save_encoder(encoder, folder / WEIGHTS, described, packed=True)
    write_whole(folder / CARD, card_text(recipe, learned, found, commit, begun).encode())
    return folder / WEIGHTS, folder / CARD


def read_sources(recipe: DistillationRecipe, root: Path) -> tuple[list[LabelledImage], list[bool]]:
    """Return the RGB images of all sources, and whether each belongs to a held-out source."""
    images: list[LabelledImage] = []
    only_measured: list[bool] = []
    for source in recipe.sources:
        found = read_labelled(root / source.photographs, root / source.labels)
        images += found
        only_measured += [source.held_back] * len(found)
    return images, only_measured


def night_names(path: Path) -> set[str]:
    """Return the names of the RGB images taken at night according to a CSV file with columns ``file`` and ``kind``.

    Raises:
        MissingFileError: No such file.
        InputError: A column is missing.
    """
    if not path.is_file():
        raise MissingFileError(f"expected the list of RGB images at {path}, found none: check 'night' in the recipe")
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if missing := {"file", "kind"} - set(reader.fieldnames or ()):
            raise InputError(f"expected the columns file and kind in {path}, got none of {', '.join(sorted(missing))}")
        return {Path(row["file"]).name for row in reader if row["kind"] == "night"}


def _described(source: str | Path) -> str:
    _, metadata = weight_files.read(encoder_path(source), kind="weights", model=NAME)
    return f"the encoder of commit {metadata.get('commit') or 'unknown'}"


def card_text(recipe: DistillationRecipe, learned: int, found: Mapping[str, Agreement], commit: str, begun: str) -> str:
    """Return the card of an encoder in Markdown, from the figures of its run."""
    columns = list(found)
    lines = [
        "# Content encoder",
        "",
        f"Distilled from {begun} on {learned} RGB images with soft class labels in {recipe.steps} steps of "
        f"{recipe.batch_size} crops of {recipe.crop} pixels, {recipe.darkened:.0%} of them darkened; commit {commit}.",
        "Its labels were made by MOSAIC (ADE20K, Apache-2.0) and ESPNetv2 (Cityscapes, MIT)"
        + (", its feature targets by EfficientNet-Lite0 (ImageNet, Apache-2.0)." if recipe.features else "."),
        "None of their weights are in it.",
        "",
        "Agreement with the labels of RGB images held out (`day, darkened`: the same ones as if taken at night):",
        "",
        "| | " + " | ".join(f"{name} ({agreement.count})" for name, agreement in found.items()) + " |",
        "|---" * (len(columns) + 1) + "|",
        "| pixels | " + " | ".join(f"{a.pixels:.3f}" for a in found.values()) + " |",
        "| majority class | " + " | ".join(f"{a.majority:.3f}" for a in found.values()) + " |",
        "| people found at the labels' precision | "
        + " | ".join(f"{a.people:.2f} at {a.people_precision:.2f}" for a in found.values())
        + " |",
    ]
    for number, name in enumerate(CLASSES):
        cells = (f"{a.recall[number]:.2f} / {a.precision[number]:.2f}" for a in found.values())
        lines.append(f"| {name}: recall / precision | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
