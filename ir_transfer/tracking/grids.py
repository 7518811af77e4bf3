"""Validation grids that a training logged, reduced and embedded for a page."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from ir_transfer.errors import DecodeError
from ir_transfer.evaluation.html_page import data_uri

if TYPE_CHECKING:
    from mlflow import MlflowClient

_KEY = "validation"
# The file names of MLflow's log_image, from key, step and time; older releases have % instead of +.
_NAME = re.compile(rf"(?:.*/)?{_KEY}(?:#([\w.-]+))?[+%]step[+%](\d+)[+%]timestamp[+%](\d+)[+%][^+%]*\.png")
_WIDEST = 1600
_QUALITY = 82
_MOST_STEPS = 8


@dataclass(frozen=True)
class EmbeddedImage:
    """An image in a page.

    Attributes:
        source: Its data URI.
        width: In pixels.
        height: In pixels.
    """

    source: str
    width: int
    height: int


@dataclass(frozen=True)
class GridRow:
    """Grids of one step and validation set.

    Attributes:
        title: The step, or ``last``, and the validation set if there are several.
        images: Step and image of each run that has one, by the run's index.
        overlay: Whether all runs have an image of the same size, so that they can be overlaid.
    """

    title: str
    images: dict[int, tuple[int, EmbeddedImage]]
    overlay: bool


@dataclass(frozen=True)
class Grids:
    """Validation grids of several runs.

    Attributes:
        rows: By step.
        matching: Whether each row is one step of all runs; otherwise the row has the last step of each.
        absent: Indices of runs without grids.
        missing: A line for each logged image that cannot be read.
    """

    rows: list[GridRow]
    matching: bool
    absent: list[int]
    missing: list[str]


def gather_grids(client: MlflowClient, runs: Sequence[str], kept: int | None) -> Grids:
    """Download the grids of the steps that all runs have; without such steps, the last grid of each run.

    Args:
        client: Client of the store.
        runs: Identifiers.
        kept: A step that is always included, if all runs have it.
    """
    paths = [grid_paths(client, run) for run in runs]
    having = [i for i, found in enumerate(paths) if found]
    steps = chosen_steps([{step for step, _ in paths[i]} for i in having], kept)
    wanted = {str(step): dict.fromkeys(having, step) for step in steps}
    if having and not steps:
        wanted = {"last": {i: max(step for step, _ in paths[i]) for i in having}}
    rows: list[GridRow] = []
    missing: list[str] = []
    for title, chosen in wanted.items():
        for name in sorted({name for i, step in chosen.items() for at, name in paths[i] if at == step}):
            found: dict[int, tuple[int, EmbeddedImage]] = {}
            for i, step in chosen.items():
                if (step, name) not in paths[i]:
                    continue
                try:
                    found[i] = step, fetch(client, runs[i], paths[i][step, name])
                except DecodeError as error:
                    missing.append(error.line)
            sizes = {(image.width, image.height) for _, image in found.values()}
            if found:
                rows.append(GridRow(f"{title} {name}".strip(), found, len(found) > 1 and len(sizes) == 1))
    return Grids(rows, bool(steps), [i for i in range(len(runs)) if i not in having], missing)


def grid_paths(client: MlflowClient, run: str) -> dict[tuple[int, str], str]:
    """Return the artifact paths of a run's validation grids by step and set; for a repeated step, the later one.

    The set is empty for runs of earlier versions, which had one grid for all sets.
    """
    found = []
    for entry in client.list_artifacts(run, "images"):
        if match := _NAME.fullmatch(entry.path):
            found.append((int(match[3]), int(match[2]), match[1] or "", entry.path))
    return {(step, name): path for _, step, name, path in sorted(found)}


def chosen_steps(available: Sequence[set[int]], wanted: int | None, most: int = _MOST_STEPS) -> list[int]:
    """Return the steps that all runs have; if there are many, an even spread with the first and the last.

    Args:
        available: Steps of each run.
        wanted: A step that is always included.
        most: Number of steps in the spread.

    Example:
        >>> chosen_steps([{10, 20, 30, 40, 50}, {10, 20, 30, 40, 50, 60}], wanted=20, most=3)
        [10, 20, 30, 50]
    """
    common = sorted(set.intersection(*available)) if available else []
    if len(common) > most:
        spread = {round(i * (len(common) - 1) / (most - 1)) for i in range(most)}
        common = [step for i, step in enumerate(common) if i in spread or step == wanted]
    return common


def fetch(client: MlflowClient, run: str, path: str) -> EmbeddedImage:
    """Download an image and embed it, at most 1600 pixels wide.

    Raises:
        DecodeError: It is missing or cannot be read.
    """
    from mlflow.exceptions import MlflowException

    with tempfile.TemporaryDirectory() as folder:
        try:
            with Image.open(client.download_artifacts(run, path, folder)) as image:
                image.thumbnail((_WIDEST, _WIDEST * 4))
                reduced = image.convert("RGB")
        except (OSError, MlflowException) as error:
            raise DecodeError(f"expected an image {path} of run {run}, got {' '.join(str(error).split())}") from error
    return EmbeddedImage(data_uri(reduced, "webp", _QUALITY), reduced.width, reduced.height)
