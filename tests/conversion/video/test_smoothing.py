from __future__ import annotations

import numpy as np
import pytest
import torch

from ir_transfer.conversion.video.smoothing import CutDetector, StatisticsSmoother
from ir_transfer.nn.moments import Statistics, channel_moments
from tests.conversion.video.clips import moving


def statistics(seed: int) -> Statistics:
    torch.manual_seed(seed)
    return Statistics({"level1": channel_moments(torch.rand(1, 3, 8, 8) * (seed + 1) + seed)})


def test_first_frames_are_a_plain_mean() -> None:
    smoother = StatisticsSmoother(1e6)
    parts = [statistics(seed) for seed in range(4)]
    for index, part in enumerate(parts):
        found = smoother(part, index * 0.04, cut=False)
    whole = Statistics.total(parts)["level1"]
    torch.testing.assert_close(found["level1"].mean, whole.mean)
    torch.testing.assert_close(found["level1"].scatter, whole.scatter / 4)
    assert found["level1"].count == pytest.approx(64)


def test_share_follows_the_time_constant() -> None:
    smoother = StatisticsSmoother(0.5)
    first, second = statistics(0), statistics(1)
    for index in range(100):
        smoother(first, index * 0.04, cut=False)
    found = smoother(second, 99 * 0.04 + 0.5, cut=False)["level1"].mean
    share = 1 - np.exp(-1)
    torch.testing.assert_close(found, (1 - share) * first["level1"].mean + share * second["level1"].mean)


def test_a_cut_begins_anew() -> None:
    smoother = StatisticsSmoother(0.5)
    smoother(statistics(0), 0, cut=True)
    assert smoother(statistics(1), 0.04, cut=True)["level1"].mean is not None
    torch.testing.assert_close(smoother(statistics(2), 0.08, cut=True)["level1"], statistics(2)["level1"])


def test_going_on_is_exact() -> None:
    whole, before, after = (StatisticsSmoother(0.5) for _ in range(3))
    for index in range(6):
        expected = whole(statistics(index), index * 0.04, cut=False)["level1"]
        found = (before if index < 3 else after)(statistics(index), index * 0.04, cut=False)["level1"]
        if index == 2:
            after.restore(before.tensors(), torch.device("cpu"))
    assert torch.equal(found.mean, expected.mean)
    assert torch.equal(found.scatter, expected.scatter)


def grays(seed: int, count: int = 8) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    return [(frame.mean(axis=2) / 255).astype(np.float32) for frame in moving(count, seed=seed)]


def test_cuts_are_found_and_pans_and_exposure_are_none() -> None:
    random = np.random.default_rng(0)
    shots = [frame * (1 + random.normal(0, 0.03)) for frame in grays(0)]
    shots += [1 - frame for frame in grays(3)]
    detect = CutDetector()
    assert [index for index, frame in enumerate(shots) if detect(frame.astype(np.float32))] == [0, 8]


def test_a_restored_detector_goes_on() -> None:
    before, after = CutDetector(), CutDetector()
    for frame in grays(0, 4):
        before(frame)
    after.restore(before.tensors())
    assert not after(grays(0, 5)[4])
    assert after(1 - grays(3)[0])
