from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from ir_transfer.imaging.motion import Motion, estimate_motion
from ir_transfer.metrics.flicker import Flicker, warped_difference
from tests.conftest import photograph


def scene() -> NDArray[np.float32]:
    return np.asarray(gaussian_filter(photograph(80, 100, 4).mean(axis=2) / 255, 1), np.float32)


def test_motion_of_a_shifted_scene() -> None:
    whole = scene()
    motion = estimate_motion(whole[4:68, 4:84], whole[4:68, 7:87])
    inner = motion.flow[8:-8, 8:-8][motion.seen[8:-8, 8:-8]]
    assert np.median(inner[:, 0]) == pytest.approx(3, abs=0.3)
    assert np.median(inner[:, 1]) == pytest.approx(0, abs=0.3)
    assert motion.seen.mean() > 0.6
    assert not motion.seen[:, -2:].any()  # came in from the right


def test_difference_excludes_occluded_pixels() -> None:
    before = np.zeros((20, 20), np.float32)
    now = before.copy()
    now[:, :10] = 1
    now[:, 10:] = 0.25
    seen = np.zeros((20, 20), bool)
    still = np.zeros((20, 20, 2), np.float32)
    assert warped_difference(before, now, Motion(still, seen)) == 0
    seen[:, 10:] = True
    assert warped_difference(before, now, Motion(still, seen)) == pytest.approx(0.25)


def test_moving_rigid_scene_has_no_flicker_at_any_contrast() -> None:
    whole = scene()
    before, now = whole[4:68, 4:84], whole[4:68, 7:87]
    motion = estimate_motion(before, now)
    noise = np.random.default_rng(0).normal(0, 0.05, now.shape).astype(np.float32)
    steady, noisy, dull = Flicker(), Flicker(), Flicker()
    steady.add(before, now, motion)
    noisy.add(before, now + noise, motion)
    dull.add(before * 0.1, (now + noise) * 0.1, motion)
    assert steady.value < 0.3 * noisy.value
    assert dull.value == pytest.approx(noisy.value, rel=1e-4)
    assert Flicker().value == 0
