"""Outputs of another program as a row of a comparison: a folder with one grayscale image per scene."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ir_transfer.data.pair_files import check_gray, open_side, read_pair
from ir_transfer.data.pairs import Pair
from ir_transfer.errors import InputError, MissingFileError, listed
from ir_transfer.evaluation.scenes import Scene, reduced
from ir_transfer.imaging.header import read_header
from ir_transfer.imaging.image_names import composed, is_image_name

_OPAQUE = 255  # below this opacity, a pixel is blended with the mean


@dataclass(frozen=True)
class OutputFolder:
    """A row whose images are files of another program.

    Attributes:
        label: Name of the row.
        folder: Folder of the files.
        files: The file of every scene, by stem.
        black_hot: Whether they are black-hot.
    """

    label: str
    folder: Path
    files: Mapping[str, Path]
    black_hot: bool = False

    def image(self, scene: Scene) -> Tensor:
        """Return the output of a scene (1, 1, H, W) in [0, 1], white-hot, at the scale of the scene.

        Raises:
            DecodeError: The file is not an image.
        """
        path = self.files[composed(scene.stem)]
        found = open_side(path, "ir")
        values = torch.from_numpy(found.gray())[None].to(scene.ground_truth.device)
        return reduced(1 - values if self.black_hot else values, scene.scale)


def open_outputs(text: str, pairs: Sequence[Pair], black_hot: bool = False) -> OutputFolder:
    """Return the row of ``NAME=FOLDER``, with exactly one image of the right size for every pair.

    An image must be valid wherever the ground truth of its scene is. Ignoring its holes would give the row an advantage
    over the others, and including them would require invented values.

    Args:
        text: As on the command line.
        pairs: The measured scenes.
        black_hot: Whether the files are black-hot.

    Raises:
        InputError: Another text, or files that are missing, unknown, ambiguous, of another size, coloured or with
            holes; the message names the first five of each kind.
        MissingFileError: No such folder.
        DecodeError: A file is not an image.
    """
    label, sign, place = text.partition("=")
    if not sign or not label or not place:
        raise InputError(f"expected --outputs NAME=FOLDER, for example other=results/, got {text!r}")
    folder = Path(place)
    if not folder.is_dir():
        raise MissingFileError(f"expected a folder of results at {folder}, found none: check --outputs {text}")
    paths = sorted(path for path in folder.iterdir() if is_image_name(path))
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
    if found := [f"{kind}: {listed(names)}" for kind, names in wrong.items() if names]:
        raise InputError(
            f"expected exactly one image of the scene's size in {folder} for each of {len(pairs)} scenes, got files "
            f"{'; '.join(found)}: correct the folder of --outputs {label}"
        )
    if holes := [line for pair in pairs if (line := _holes(files[composed(pair.stem)], pair))]:
        raise InputError(
            f"expected a value at every valid pixel of a scene in the files of {folder}, got holes (alpha, mask, "
            f"nodata or NaN): {listed(holes)}: fill them, or mask the same pixels in the ground truths, so that they "
            f"are ignored in all rows; then repeat --outputs {label}"
        )
    return OutputFolder(label, folder, files, black_hot)


def _holes(path: Path, pair: Pair) -> str | None:
    """Return the file name with the share of the scene's valid pixels that are not opaque in it, if there are any."""
    found = open_side(path, "ir")
    check_gray(found, path)
    if found.ignores_alpha:
        return f"{path.name} (100.0%)"
    if found.alpha is None:
        return None
    missing = found.alpha < _OPAQUE
    valid = read_pair(pair).valid
    wanted = np.ones_like(missing) if valid is None else valid
    share = float((missing & wanted).sum() / wanted.sum())
    return f"{path.name} ({max(share, 0.001):.1%})" if share else None


def _misfit(path: Path, pair: Pair) -> str | None:
    """Return the file's name with both sizes if they differ."""
    size = read_header(path).upright[::-1]
    image = open_side(pair.rgb, "rgb", pair.layout)
    wanted = (image.width, image.height)
    return None if size == wanted else f"{path.name} ({size[0]} x {size[1]} instead of {wanted[0]} x {wanted[1]})"
