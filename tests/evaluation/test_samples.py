"""Patch features on disk come back as they went."""

from __future__ import annotations

import numpy as np

from ir_transfer.evaluation.samples import SampleFile


def test_keeps_levels_and_owners() -> None:
    rng = np.random.default_rng(0)
    parts = [[rng.random((n, width), dtype=np.float32) for width in (2, 3)] for n in (4, 1, 5)]
    samples = SampleFile()
    for scene, levels in zip((0, 0, 2), parts, strict=True):
        samples.add(scene, levels)
    assert samples.owners.tolist() == [0] * 5 + [2] * 5
    for level, found in enumerate(samples.read()):
        assert np.array_equal(found, np.concatenate([part[level] for part in parts]))
    samples.add(3, parts[0])  # after a reading it goes on where it was
    assert len(samples.read()[0]) == len(samples) == 14
