"""Policies that choose the style exemplar (an infrared image) of a scene: fixed, nearest by content, or oracle."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from kornia.color import rgb_to_grayscale
from numpy.typing import NDArray
from torch import Tensor

from ir_transfer.data.cards import Card
from ir_transfer.data.pair_files import open_side
from ir_transfer.data.pairs import Pair, list_pairs
from ir_transfer.errors import InputError, MissingFileError
from ir_transfer.evaluation.scenes import Scene, load_exemplar
from ir_transfer.imaging.exemplars.fill import without_invalid
from ir_transfer.imaging.exemplars.range import AskedRange
from ir_transfer.imaging.image_names import is_image_name
from ir_transfer.metrics.edges import magnitude

PolicyName = Literal["fixed", "nearest", "oracle"]
_CELLS = 8  # of the layout, in each direction


@dataclass(frozen=True)
class Exemplar:
    """A style exemplar.

    Attributes:
        name: Equal names mean equal images, so that style codes can be cached by name.
        image: (1, 1, h, w) in [0, 1], white-hot.
    """

    name: str
    image: Tensor


class ExemplarPolicy(Protocol):
    """Chooses exemplars."""

    name: PolicyName
    description: str

    def __call__(self, scene: Scene) -> Sequence[Exemplar]:
        """Return the exemplars of a scene, the same number for every scene; they are used one at a time."""


class Fixed:
    """The same exemplars for every scene.

    Args:
        paths: Files.
        device: Device of the images.
        black_hot: Whether the files are black-hot.
        asked: Values of the files that become black and white.

    Raises:
        InputError: No file.
    """

    name: PolicyName = "fixed"

    def __init__(
        self, paths: Sequence[Path], device: str = "cpu", black_hot: bool = False, asked: AskedRange = "auto"
    ) -> None:
        if not paths:
            raise InputError("expected at least one exemplar, got none: --exemplar FILE")
        self.paths = list(paths)
        self.description = "fixed: " + ", ".join(path.name for path in paths) + _range_text(asked)
        self._found = [Exemplar(str(path), _read(path, device, black_hot, asked)) for path in paths]

    def __call__(self, scene: Scene) -> Sequence[Exemplar]:
        """Return all exemplars."""
        return self._found


class Oracle:
    """The scene's own ground truth, which gives an upper bound, since it leaks the target intensities."""

    name: PolicyName = "oracle"
    description = "oracle: the scene's own truth"  # also in stored runs, which are compared by it

    def __call__(self, scene: Scene) -> Sequence[Exemplar]:
        """Return the ground truth."""
        return [Exemplar(f"truth of {scene.stem}", scene.exemplar)]


class Nearest:
    """The exemplar whose scene is most similar to the RGB image; never one of the same stem.

    With ``rgb/`` and ``ir/`` in the folder, or with a card, the layouts of edges and of colours of the RGB images are
    compared; with infrared images alone the layout of edges, the only feature that both bands share.

    Args:
        folder: A pair set, or a folder of infrared images.
        device: Device of the images.
        black_hot: Whether the files are black-hot.
        card: Data set card of the folder.
        leave_out: Infrared files that may not be chosen, such as the measured ones.
        asked: Values of the files that become black and white; ignored for pairs, whose card has them.

    Raises:
        MissingFileError: No such folder.
        InputError: No image in it.
    """

    name: PolicyName = "nearest"

    def __init__(
        self,
        folder: Path,
        device: str = "cpu",
        black_hot: bool = False,
        card: Card | None = None,
        leave_out: Collection[Path] = (),
        asked: AskedRange = "auto",
    ) -> None:
        if not folder.is_dir():
            raise MissingFileError(f"expected a folder of exemplars at {folder}, found none: --exemplar nearest:FOLDER")
        self.description = f"nearest by content in {folder.name}"
        self._paired = card is not None or ((folder / "rgb").is_dir() and (folder / "ir").is_dir())
        if self._paired:
            found = [pair for pair in list_pairs(folder, card) if pair.ir not in leave_out]
        else:
            found = [Pair(p.stem, p, p) for p in sorted(folder.iterdir()) if is_image_name(p)]
        if not found:
            raise InputError(f"expected other infrared images than the measured ones in {folder}, got none: add some")
        self._pairs = found
        self._layouts = np.stack([self._layout(_rgb(pair)) for pair in found])
        # Consecutive scenes share few neighbours; a larger cache would fill the memory.
        self._load = lru_cache(maxsize=16)(lambda pair: self._infrared(pair, device, black_hot, asked))

    def __call__(self, scene: Scene) -> Sequence[Exemplar]:
        """Return the nearest one.

        Raises:
            InputError: The folder has no other scene.
        """
        distances = np.square(self._layouts - self._layout(scene.rgb.cpu())).sum(axis=1)
        distances[[pair.stem == scene.stem for pair in self._pairs]] = np.inf
        best = int(distances.argmin())
        if not np.isfinite(distances[best]):
            raise InputError(f"expected an exemplar of a scene other than {scene.stem}, got none: add images")
        return [Exemplar(str(self._pairs[best].ir), self._load(self._pairs[best]))]

    def _infrared(self, pair: Pair, device: str, black_hot: bool, asked: AskedRange) -> Tensor:
        if not self._paired:
            return _read(pair.ir, device, black_hot, asked)
        opened = open_side(pair.ir, "ir", pair.layout)
        image = torch.from_numpy(without_invalid(opened.gray()[0], opened.valid))[None, None].to(device)
        return 1 - image if black_hot or pair.black_hot else image

    def _layout(self, rgb: Tensor) -> NDArray[np.float64]:
        """Return the layout of edges, and of colours if the folder has RGB images; each of length 1."""
        edges = F.adaptive_avg_pool2d(magnitude(rgb_to_grayscale(rgb)), _CELLS).flatten()
        parts = [edges]
        if self._paired:
            colours = F.adaptive_avg_pool2d(rgb, _CELLS)
            parts.append((colours - colours.mean()).flatten())
        return torch.cat([F.normalize(part.double(), dim=0) for part in parts]).numpy()


def choose_policy(
    texts: Sequence[str],
    device: str = "cpu",
    black_hot: bool = False,
    card: Card | None = None,
    leave_out: Collection[Path] = (),
    asked: AskedRange = "auto",
) -> ExemplarPolicy:
    """Return the policy of ``FILE`` or ``fixed:FILE`` (also several), ``nearest:FOLDER``, or ``oracle``.

    Args:
        texts: As on the command line.
        device: Device of the images.
        black_hot: Whether the files are black-hot.
        card: Data set card of the folder of ``nearest``.
        leave_out: Infrared files that ``nearest`` may not choose.
        asked: Values of the files that become black and white.

    Raises:
        InputError: No text, or policies that exclude each other.
    """
    split = [_split(text) for text in texts]
    kinds = {kind for kind, _ in split}
    if len(kinds) != 1 or (len(split) > 1 and kinds != {"fixed"}):
        raise InputError(
            f"expected --exemplar FILE (also several), nearest:FOLDER or oracle, got {', '.join(texts) or 'none'}"
        )
    if kinds == {"oracle"}:
        return Oracle()
    if kinds == {"nearest"}:
        return Nearest(Path(split[0][1]), device, black_hot, card, leave_out, asked)
    return Fixed([Path(path) for _, path in split], device, black_hot, asked)


def _split(text: str) -> tuple[str, str]:
    kind, sign, path = text.partition(":")
    if text == "oracle":
        return "oracle", ""
    if sign and kind in {"fixed", "nearest"} and path:
        return kind, path
    return "fixed", text


def _range_text(asked: AskedRange) -> str:
    return "" if asked == "auto" else f" (range {asked if isinstance(asked, str) else f'{asked[0]:g},{asked[1]:g}'})"


def _read(path: Path, device: str, black_hot: bool, asked: AskedRange) -> Tensor:
    image = load_exemplar(path, device, asked)
    return 1 - image if black_hot else image


def _rgb(pair: Pair) -> Tensor:
    return torch.from_numpy(open_side(pair.rgb, "rgb", pair.layout).rgb())[None]
