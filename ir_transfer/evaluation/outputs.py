"""Results made elsewhere as a row of their own: a folder of gray pictures, one for every scene."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ir_transfer.data.image_header import read_header
from ir_transfer.data.image_io import read_picture
from ir_transfer.data.pair_files import check_gray, open_side
from ir_transfer.data.pairs import Pair
from ir_transfer.data.picture_names import composed, is_picture_name
from ir_transfer.errors import InputError, MissingFileError
from ir_transfer.evaluation.scenes import Scene, reduced

_NAMED = 5
"""Files that an error names of each kind."""


@dataclass(frozen=True)
class OutputFolder:
    """A row whose pictures are files.

    Attributes:
        label: How the row is called.
        folder: Where the files are.
        files: The file of every scene, by stem.
        black_hot: Whether hot is dark in them.
    """

    label: str
    folder: Path
    files: Mapping[str, Path]
    black_hot: bool = False

    def picture(self, scene: Scene) -> Tensor:
        """Return the result of a scene (1, 1, H, W) in [0, 1], white-hot, reduced as the scene is.

        Raises:
            DecodeError: The file is no picture.
            InputError: It is coloured.
        """
        path = self.files[composed(scene.stem)]
        found = read_picture(path)
        check_gray(found, path)
        values = torch.from_numpy(found.gray())[None].to(scene.truth.device)
        return reduced(1 - values if self.black_hot else values, scene.scale)


def open_outputs(text: str, pairs: Sequence[Pair], black_hot: bool = False) -> OutputFolder:
    """Return the row that ``NAME=FOLDER`` asks for, with exactly one picture of the right size for every pair.

    Args:
        text: As on the command line.
        pairs: The scenes that are measured.
        black_hot: Whether hot is dark in the files.

    Raises:
        InputError: Another text, or files that are missing, unknown, ambiguous or of another size; all are named.
        MissingFileError: No such folder.
    """
    label, sign, place = text.partition("=")
    if not sign or not label or not place:
        raise InputError(f"expected --outputs NAME=FOLDER, for example other=results/, got {text!r}")
    folder = Path(place)
    if not folder.is_dir():
        raise MissingFileError(f"expected a folder of results at {folder}, found none: check --outputs {text}")
    paths = sorted(path for path in folder.iterdir() if is_picture_name(path))
    files = {composed(path.stem): path for path in paths}
    stems = {composed(pair.stem) for pair in pairs}
    wrong = {
        "missing": sorted(stems - files.keys()),
        "of no scene": sorted(path.name for path in paths if composed(path.stem) not in stems),
        "twice": sorted(path.name for path in paths if files[composed(path.stem)] != path),
        "of another size": [
            line
            for pair in pairs
            if (path := files.get(composed(pair.stem))) is not None and (line := _misfit(path, pair))
        ],
    }
    if found := [f"{kind}: {_listed(names)}" for kind, names in wrong.items() if names]:
        raise InputError(
            f"expected exactly one picture of the scene's size in {folder} for each of {len(pairs)} scenes, got files "
            f"{'; '.join(found)}: complete or tidy the folder of --outputs {label}"
        )
    return OutputFolder(label, folder, files, black_hot)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _misfit(path: Path, pair: Pair) -> str | None:
    """Return the file with both sizes if they differ."""
    size = read_header(path).upright[::-1]
    picture = open_side(pair.rgb, "rgb", pair.layout)
    wanted = (picture.width, picture.height)
    return None if size == wanted else f"{path.name} ({size[0]} x {size[1]} instead of {wanted[0]} x {wanted[1]})"
