"""How often each chunk of a cluster's work was begun; by itself, so that its process imports nothing heavy."""

from __future__ import annotations

from collections import Counter


class Attempts:
    """Counts; outlives the workers."""

    def __init__(self) -> None:
        self._begun: Counter[int] = Counter()

    def begin(self, chunk: int) -> int:
        """Count an attempt at a chunk; return how many there were."""
        self._begun[chunk] += 1
        return self._begun[chunk]
