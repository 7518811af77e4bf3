"""Patch features of a whole comparison, on disk: memory holds those of one method at a time."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ir_transfer.evaluation.metrics.distribution import Samples


class SampleFile:
    """Patch features in a temporary file that vanishes with this object, scene after scene."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="ir-transfer-")  # noqa: SIM115 (it lives as long as this object)
        self._widths: list[int] = []
        self._scenes: list[int] = []
        self._counts: list[int] = []

    def add(self, scene: int, levels: Sequence[Samples]) -> None:
        """Append the patches (N, D_l) of one picture, level by level, that belong to a scene."""
        self._widths = [level.shape[1] for level in levels]
        self._scenes.append(scene)
        self._counts.append(len(levels[0]))
        self._file.write(np.concatenate(levels, axis=1).astype(np.float32).tobytes())

    def __len__(self) -> int:
        return sum(self._counts)

    @property
    def owners(self) -> NDArray[np.int64]:
        """The scene of every patch (N,), ascending."""
        return np.repeat(self._scenes, self._counts)

    def read(self) -> list[Samples]:
        """Return all patches, level by level."""
        self._file.seek(0)
        rows = np.frombuffer(self._file.read(), dtype=np.float32).reshape(len(self), sum(self._widths))
        return list(np.split(rows, np.cumsum(self._widths)[:-1], axis=1))
