"""Which exemplar a scene gets: the same for all, the nearest by content, or its own truth."""

from __future__ import annotations

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
from ir_transfer.data.exemplars.fill import without_invalid
from ir_transfer.data.exemplars.range import AskedRange
from ir_transfer.data.pair_files import open_side
from ir_transfer.data.pairs import Pair, list_pairs
from ir_transfer.data.picture_names import is_picture_name
from ir_transfer.errors import InputError, MissingFileError
from ir_transfer.evaluation.metrics.edges import magnitude
from ir_transfer.evaluation.scenes import Scene, load_exemplar

PolicyName = Literal["fixed", "nearest", "oracle"]
_CELLS = 8


@dataclass(frozen=True)
class Exemplar:
    """An infrared picture that sets the look.

    Attributes:
        name: Equal names mean equal pictures: what was made of one may be used again.
        picture: (1, 1, h, w) in [0, 1], white-hot.
    """

    name: str
    picture: Tensor


class ExemplarPolicy(Protocol):
    """Chooses exemplars."""

    name: PolicyName
    description: str

    def __call__(self, scene: Scene) -> Sequence[Exemplar]:
        """Return the exemplars of a scene, as many for every scene; each is used alone."""


class Fixed:
    """The same exemplars for every scene.

    Args:
        paths: Files.
        device: Where the pictures go.
        black_hot: Whether the files are black-hot.
        asked: Numbers of the files that become black and white.

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
        """Return them all."""
        return self._found


class Oracle:
    """The scene's own truth: what a method can do with the best of all exemplars. It leaks the answer's tones."""

    name: PolicyName = "oracle"
    description = "oracle: the scene's own truth"

    def __call__(self, scene: Scene) -> Sequence[Exemplar]:
        """Return the truth."""
        return [Exemplar(f"truth of {scene.stem}", scene.exemplar)]


class Nearest:
    """The exemplar whose scene looks most like the photograph; never one of the same stem.

    With ``rgb/`` and ``ir/`` in the folder, or with a card, photographs are compared (layout of edges and of colours).
    With infrared pictures alone the layout of edges has to do: the only thing that both bands share.

    Args:
        folder: A pair set, or a folder of infrared pictures.
        device: Where the pictures go.
        black_hot: Whether the files are black-hot.
        card: How the folder lies on disk.
        leave_out: Infrared files that may not be taken, such as those that are measured.
        asked: Numbers of the files that become black and white; those of pairs are as their card says.

    Raises:
        MissingFileError: No such folder.
        InputError: No picture in it.
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
            found = [Pair(p.stem, p, p) for p in sorted(folder.iterdir()) if is_picture_name(p)]
        if not found:
            raise InputError(
                f"expected infrared pictures in {folder} that are not measured, got none: --exemplar nearest:FOLDER"
            )
        self._pairs = found
        self._layouts = np.stack([self._layout(_photograph(pair)) for pair in found])
        # A set has few scenes' worth of neighbours that come again at once; more would fill the memory.
        self._load = lru_cache(maxsize=16)(lambda pair: self._infrared(pair, device, black_hot, asked))

    def __call__(self, scene: Scene) -> Sequence[Exemplar]:
        """Return the nearest one.

        Raises:
            InputError: The folder has none but this very scene.
        """
        distances = np.square(self._layouts - self._layout(scene.photograph.cpu())).sum(axis=1)
        distances[[pair.stem == scene.stem for pair in self._pairs]] = np.inf
        best = int(distances.argmin())
        if not np.isfinite(distances[best]):
            raise InputError(f"expected an exemplar beside the scene {scene.stem} itself, got none: add pictures")
        return [Exemplar(str(self._pairs[best].ir), self._load(self._pairs[best]))]

    def _infrared(self, pair: Pair, device: str, black_hot: bool, asked: AskedRange) -> Tensor:
        if not self._paired:
            return _read(pair.ir, device, black_hot, asked)
        opened = open_side(pair.ir, "ir", pair.layout)
        picture = torch.from_numpy(without_invalid(opened.gray()[0], opened.valid))[None, None].to(device)
        return 1 - picture if black_hot or pair.black_hot else picture

    def _layout(self, photograph: Tensor) -> NDArray[np.float64]:
        """Return where edges are, and where colours, if the folder has photographs; each part has length 1."""
        edges = F.adaptive_avg_pool2d(magnitude(rgb_to_grayscale(photograph)), _CELLS).flatten()
        parts = [edges]
        if self._paired:
            colours = F.adaptive_avg_pool2d(photograph, _CELLS)
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
    """Return the policy that texts ask for: ``FILE`` or ``fixed:FILE`` (also several), ``nearest:FOLDER``, ``oracle``.

    Args:
        texts: As on the command line.
        device: Where the pictures go.
        black_hot: Whether the files are black-hot.
        card: How the folder of ``nearest`` lies on disk.
        leave_out: Infrared files that ``nearest`` may not take.
        asked: Numbers of the files that become black and white.

    Raises:
        InputError: None, or policies that exclude each other.
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
    picture = load_exemplar(path, device, asked)
    return 1 - picture if black_hot else picture


def _photograph(pair: Pair) -> Tensor:
    return torch.from_numpy(open_side(pair.rgb, "rgb", pair.layout).rgb())[None]
