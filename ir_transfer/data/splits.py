"""Splits pairs into training and validation by scene, so that no scene is in both."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from scipy.cluster.hierarchy import DisjointSet

from ir_transfer.data.cards import scene_by
from ir_transfer.data.pairs import Pair
from ir_transfer.errors import InputError, MissingFileError
from ir_transfer.imaging.image_io import write_whole
from ir_transfer.imaging.image_names import composed
from ir_transfer.json_files import json_text, read_json


class Placed(Protocol):
    """The properties of a pair or image that decide its subset."""

    @property
    def stem(self) -> str:
        """Its name."""

    @property
    def scene(self) -> str | None:
        """The scene by the card's rule."""

    @property
    def part(self) -> str | None:
        """The published subset."""


P = TypeVar("P", bound=Placed)


@dataclass(frozen=True)
class Split:
    """The pairs of every subset.

    Attributes:
        parts: Subset -> scene -> stems.
        rule: How scenes were identified, in words.
    """

    parts: dict[str, dict[str, list[str]]]
    rule: str

    def count(self, part: str) -> int:
        """Return the number of pairs of a subset."""
        return sum(map(len, self.parts[part].values()))


def scenes_by_pattern(pairs: Sequence[Pair], pattern: str) -> dict[str, str]:
    """Return the scene of every stem: the match of a regular expression's groups.

    Raises:
        InputError: A name that the pattern does not match.
    """
    scenes = {pair.stem: scene_by(pattern, pair.stem) for pair in pairs}
    if bad := [stem for stem, scene in scenes.items() if scene is None]:
        raise InputError(
            f"expected names that match the scene pattern {pattern!r}, got {bad[0]!r} and {len(bad) - 1} more: "
            "correct it"
        )
    return {stem: str(scene) for stem, scene in scenes.items()}


def scenes_by_runs(pairs: Sequence[Pair], length: int) -> dict[str, str]:
    """Return the scene of every stem: runs of ``length`` consecutive names."""
    stems = sorted(pair.stem for pair in pairs)
    return {stem: f"run{number // length:05d}" for number, stem in enumerate(stems)}


def join_scenes(scenes: Mapping[str, str], alike: Iterable[tuple[str, str]]) -> tuple[dict[str, str], int]:
    """Return the scenes after joining those with near-duplicates, and by how many their number decreased.

    Args:
        scenes: Stem -> scene.
        alike: Pairs of stems whose images are near-duplicates.
    """
    sets = DisjointSet(scenes.values())
    for one, other in alike:
        sets.merge(scenes[one], scenes[other])
    names = {scene: min(subset) for subset in sets.subsets() for scene in subset}
    return {stem: names[scene] for stem, scene in scenes.items()}, len(names) - sets.n_subsets


def make_split(scenes: Mapping[str, str], val: float, seed: int, rule: str = "") -> Split:
    """Split the stems into ``train`` and ``val`` without dividing a scene.

    Args:
        scenes: Stem -> scene.
        val: Share of the pairs for validation, not exceeded by whole scenes. If every scene is larger, the smallest one
            is used.
        seed: Seed of the draw.
        rule: How scenes were identified.

    Raises:
        InputError: Fewer than two scenes.
    """
    by_scene: dict[str, list[str]] = defaultdict(list)
    for stem in sorted(scenes):
        by_scene[scenes[stem]].append(stem)
    if len(by_scene) < 2:
        raise InputError(
            f"expected at least two scenes to split, got {len(by_scene)} ({rule}): a split would put one scene in both "
            "subsets; record a second scene, or give another --scene or --runs"
        )
    order = sorted(by_scene)
    np.random.default_rng(seed).shuffle(order)
    wanted, chosen, count = val * len(scenes), [], 0
    for scene in order:
        if count + len(by_scene[scene]) <= wanted + 0.5:
            chosen.append(scene)
            count += len(by_scene[scene])
    if not chosen:
        chosen = [min(order, key=lambda scene: len(by_scene[scene]))]
    parts = {
        "train": {scene: by_scene[scene] for scene in sorted(by_scene) if scene not in chosen},
        "val": {scene: by_scene[scene] for scene in sorted(chosen)},
    }
    return Split(parts, rule)


def write_split(path: Path, split: Split, **facts: object) -> None:
    """Write a split as JSON, with facts such as the card and the seed."""
    content = {**facts, "rule": split.rule, "parts": split.parts}
    write_whole(path, (json_text(content, indent=1, sort_keys=True) + "\n").encode())


def choose_part(pairs: Sequence[P], part: str | None, split: Path | None, key: str = "part") -> list[P]:
    """Return the pairs of one subset, of a split file or as published.

    Args:
        pairs: All pairs, or images, of the set.
        part: Name of the subset; None takes all.
        split: File of ``ir-transfer datasets split``; None for the published subsets.
        key: Name of the option in errors.

    Raises:
        MissingFileError: No such split file.
        InputError: No such subset, a split file without a subset, or an error of :func:`read_split`.
    """
    if split is not None:
        parts = {name: list(found) for name, found in read_split(split, pairs).items()}
        whose = str(split)
    elif part is None:
        return list(pairs)
    else:
        parts = defaultdict(list)
        for pair in pairs:
            if pair.part is not None:
                parts[pair.part].append(pair)
        whose = "the data set as it was published"
    if part is not None and parts.get(part):
        return parts[part]
    known = ", ".join(sorted(name for name in parts if parts[name])) or "none, so make some with datasets split"
    raise InputError(f"expected {key} to be a subset of {whose}, got {part!r}: it has {known}")


def read_split(path: Path, pairs: Sequence[P]) -> dict[str, list[P]]:
    """Return the pairs of every subset of a split file.

    Raises:
        MissingFileError: No such file.
        InputError: Not a split file, a pair that does not exist, or a scene in two subsets.
    """
    if not path.is_file():
        raise MissingFileError(f"expected a split file at {path}, found none: see ir-transfer datasets split")
    try:
        parts = read_json(path)["parts"]
        stems = {
            part: {composed(scene): [composed(name) for name in names] for scene, names in scenes.items()}
            for part, scenes in parts.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"expected {path} to be a split file, got: {error!r}: make it again") from error
    known = {pair.stem: pair for pair in pairs}
    named = [name for scenes in stems.values() for names in scenes.values() for name in names]
    if missing := [name for name in named if name not in known]:
        raise InputError(
            f"expected the pairs that {path} names, got no {missing[0]!r} and {len(missing) - 1} others: "
            "give the root and the card that it was made for"
        )
    chosen = {part: [known[name] for names in scenes.values() for name in names] for part, scenes in stems.items()}
    _refuse_leaks(path, stems, chosen)
    return chosen


def _refuse_leaks(path: Path, stems: Mapping[str, Mapping[str, Any]], chosen: Mapping[str, Sequence[Placed]]) -> None:
    leaks = [
        ("scene", [scene for scenes in stems.values() for scene in scenes]),
        ("pair", [pair.stem for part in chosen.values() for pair in part]),
        ("scene", [scene for part in chosen.values() for scene in {p.scene for p in part if p.scene is not None}]),
    ]
    for what, names in leaks:
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise InputError(
                f"expected every {what} in one subset of {path}, got {twice[0]!r} in two ({len(twice)} such): "
                "scores on such a split are not valid; make it again with ir-transfer datasets split"
            )
