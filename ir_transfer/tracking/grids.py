"""Validation grids that a training logged, fetched and made small enough to lie in a page."""

from __future__ import annotations

import base64
import io
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from ir_transfer.errors import DecodeError

if TYPE_CHECKING:
    from mlflow import MlflowClient

_KEY = "validation"
# What MLflow's log_image makes of key, step and time; older releases wrote % for +.
_NAME = re.compile(rf"(?:.*/)?{_KEY}(?:#([\w.-]+))?[+%]step[+%](\d+)[+%]timestamp[+%](\d+)[+%][^+%]*\.png")
_WIDEST = 1600
_QUALITY = 82
_MOST_STEPS = 8


@dataclass(frozen=True)
class Picture:
    """A picture in a page.

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
    """Grids that are looked at together.

    Attributes:
        title: The step, or ``last``, with the validation set where there are several.
        pictures: Of each run that has one: the step and the picture.
        alike: Whether all runs have one, of one size, so that they may lie on each other.
    """

    title: str
    pictures: dict[int, tuple[int, Picture]]
    alike: bool


@dataclass(frozen=True)
class Grids:
    """Validation grids of several runs.

    Attributes:
        rows: By step.
        matching: Whether each row is one step of all runs; else there is one row, with the last of each.
        absent: Indices of runs without any.
        missing: What was logged but cannot be shown.
    """

    rows: list[GridRow]
    matching: bool
    absent: list[int]
    missing: list[str]


def gather_grids(client: MlflowClient, runs: Sequence[str], kept: int | None) -> Grids:
    """Fetch the grids of matching steps; where none match, the last of each run.

    Args:
        client: Of the store.
        runs: Identifiers.
        kept: A step to show in any case, if all have it.
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
            found: dict[int, tuple[int, Picture]] = {}
            for i, step in chosen.items():
                if (step, name) not in paths[i]:
                    continue
                try:
                    found[i] = step, fetch(client, runs[i], paths[i][step, name])
                except DecodeError as error:
                    missing.append(error.line)
            sizes = {(picture.width, picture.height) for _, picture in found.values()}
            if found:
                rows.append(GridRow(f"{title} {name}".strip(), found, len(found) > 1 and len(sizes) == 1))
    return Grids(rows, bool(steps), [i for i in range(len(runs)) if i not in having], missing)


def grid_paths(client: MlflowClient, run: str) -> dict[tuple[int, str], str]:
    """Return where a run's validation grids lie, by step and set; of a step that was done twice, the later one.

    The set is empty where an earlier version made one grid of all.
    """
    found = []
    for entry in client.list_artifacts(run, "images"):
        if match := _NAME.fullmatch(entry.path):
            found.append((int(match[3]), int(match[2]), match[1] or "", entry.path))
    return {(step, name): path for _, step, name, path in sorted(found)}


def chosen_steps(available: Sequence[set[int]], wanted: int | None, most: int = _MOST_STEPS) -> list[int]:
    """Return the steps that all have, spread evenly if they are many, first and last among them.

    Args:
        available: Steps of each run.
        wanted: One to keep in any case.
        most: How many.

    Example:
        >>> chosen_steps([{10, 20, 30, 40, 50}, {10, 20, 30, 40, 50, 60}], wanted=20, most=3)
        [10, 20, 30, 50]
    """
    common = sorted(set.intersection(*available)) if available else []
    if len(common) > most:
        places = {round(i * (len(common) - 1) / (most - 1)) for i in range(most)}
        common = [step for i, step in enumerate(common) if i in places or step == wanted]
    return common


def fetch(client: MlflowClient, run: str, path: str) -> Picture:
    """Fetch a picture and pack it for a page.

    Raises:
        DecodeError: It is gone, or cannot be read.
    """
    from mlflow.exceptions import MlflowException

    with tempfile.TemporaryDirectory() as folder:
        try:
            with Image.open(client.download_artifacts(run, path, folder)) as image:
                image.thumbnail((_WIDEST, _WIDEST * 4))
                packed = image.convert("RGB")
        except (OSError, MlflowException) as error:
            raise DecodeError(f"expected a picture {path} of run {run}, got {' '.join(str(error).split())}") from error
    stored = io.BytesIO()
    packed.save(stored, "webp", quality=_QUALITY)
    return Picture(
        "data:image/webp;base64," + base64.b64encode(stored.getvalue()).decode(), packed.width, packed.height
    )
