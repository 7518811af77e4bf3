"""Checkpoint of an image's statistics, so that a resumed run need not read the measured tiles again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from ir_transfer.errors import WeightsError
from ir_transfer.imaging.image_io import write_whole
from ir_transfer.json_files import json_text
from ir_transfer.models import weight_files
from ir_transfer.nn.moments import Moments, Statistics

_KIND = "tile statistics"


@dataclass(frozen=True)
class StatisticsCheckpoint:
    """A file with the statistics accumulated over the first tiles of an image.

    Attributes:
        path: The file.
        key: Everything that the statistics depend on; a file with another key is ignored.
    """

    path: Path
    key: Mapping[str, Any]

    def of_pass(self, number: int) -> StatisticsCheckpoint:
        """Return the checkpoint of one of several passes, counted from 0."""
        path = self.path.with_name(f"{self.path.stem}-{number}{self.path.suffix}")
        return StatisticsCheckpoint(path, {**self.key, "pass": number})

    def load(self) -> tuple[int, Statistics | None]:
        """Return the number of tiles measured and their statistics; 0 and None without a file of this key."""
        if not self.path.is_file():
            return 0, None
        try:
            tensors, metadata = weight_files.read(self.path, kind=_KIND)
        except WeightsError:
            return 0, None  # a damaged file: the tiles are measured again
        if metadata["key"] != self._text:
            return 0, None
        places = {name.partition("/")[2] for name in tensors}
        found = {
            place: Moments(
                tensors[f"count/{place}"].item(),
                tensors[f"mean/{place}"],
                tensors[f"scatter/{place}"],
                tensors.get(f"span/{place}"),
            )
            for place in sorted(places)
        }
        return int(metadata["tiles"]), Statistics(found) if found else None

    def save(self, tiles: int, total: Statistics | None) -> None:
        """Write the statistics of the first ``tiles`` tiles.

        Raises:
            EncodeError: The disk is full or the folder was removed.
        """
        tensors: dict[str, Tensor] = {}
        for place, moments in total.places.items() if total is not None else ():
            tensors[f"count/{place}"] = torch.tensor(moments.count, dtype=torch.float64)
            tensors[f"mean/{place}"] = moments.mean
            tensors[f"scatter/{place}"] = moments.scatter
            if moments.span is not None:
                tensors[f"span/{place}"] = moments.span
        write_whole(self.path, save(tensors, {"kind": _KIND, "key": self._text, "tiles": str(tiles)}))

    @property
    def _text(self) -> str:
        return json_text(dict(self.key), sort_keys=True)
