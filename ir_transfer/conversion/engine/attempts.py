"""Counts attempts at each chunk of work of a cluster; a separate module so that its process imports nothing else."""

from collections import Counter


class Attempts:
    """Counts attempts in a process that outlives the workers."""

    def __init__(self) -> None:
        self._begun: Counter[int] = Counter()

    def begin(self, chunk: int) -> int:
        """Count an attempt at a chunk; return the number of its attempts."""
        self._begun[chunk] += 1
        return self._begun[chunk]
