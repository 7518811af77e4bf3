from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ir_transfer.conversion.translate import Translator
from ir_transfer.conversion.video.smoothing import CutDetector, StatisticsSmoother
from ir_transfer.imaging.image_io import DecodedImage
from ir_transfer.nn.moments import Statistics, channel_moments, span_of
from tests.conversion.video.clips import moving
from tests.models.small_thermal import scene, small_thermal


def statistics(seed: int) -> Statistics:
    torch.manual_seed(seed)
    features = torch.rand(1, 3, 8, 8) * (seed + 1) + seed
    return Statistics({"level1": replace(channel_moments(features), span=span_of(features))})


def of(seed: int) -> Callable[[], Statistics]:
    return lambda: statistics(seed)


def test_first_frames_are_a_plain_mean() -> None:
    smoother = StatisticsSmoother(1.0)
    for index in range(4):
        found = smoother(of(index), index * 0.2, cut=False)
    whole = Statistics.total([statistics(seed) for seed in range(4)])["level1"]
    torch.testing.assert_close(found["level1"].mean, whole.mean)
    torch.testing.assert_close(found["level1"].scatter, whole.scatter / 4)
    assert found["level1"].count == pytest.approx(64)


def test_share_follows_the_time_constant() -> None:
    smoother = StatisticsSmoother(0.5)
    for index in range(20):
        smoother(of(0), index * 0.1, cut=False)
    found = smoother(of(1), 19 * 0.1 + 0.5, cut=False)["level1"].mean
    share = 1 - np.exp(-1)
    torch.testing.assert_close(found, (1 - share) * statistics(0)["level1"].mean + share * statistics(1)["level1"].mean)


def test_statistics_are_measured_every_fifth_of_the_time_constant() -> None:
    smoother = StatisticsSmoother(0.5)
    asked: list[int] = []

    def measure(index: int) -> Statistics:
        asked.append(index)
        return statistics(index)

    for index in range(10):
        smoother(partial(measure, index), index * 0.04, cut=index == 7)
    assert asked == [0, 3, 6, 7]


def test_scene_cut_resets_smoothing() -> None:
    smoother = StatisticsSmoother(0.5)
    smoother(of(0), 0, cut=True)
    found = smoother(of(2), 0.01, cut=True)["level1"]
    assert torch.equal(found.mean, statistics(2)["level1"].mean)
    assert torch.equal(found.scatter, statistics(2)["level1"].scatter)


def test_restored_smoother_continues_exactly() -> None:
    whole, before, after = (StatisticsSmoother(0.1) for _ in range(3))
    for index in range(6):
        expected = whole(of(index), index * 0.04, cut=False)["level1"]
        found = (before if index < 3 else after)(of(index), index * 0.04, cut=False)["level1"]
        if index == 2:
            after.restore(before.tensors(), torch.device("cpu"))
    assert torch.equal(found.mean, expected.mean)
    assert torch.equal(found.scatter, expected.scatter)
    assert found.span is not None
    assert expected.span is not None
    assert torch.equal(found.span, expected.span)


def grays(seed: int, count: int = 8) -> list[NDArray[np.float32]]:
    return [(frame.mean(axis=2) / 255).astype(np.float32) for frame in moving(count, seed=seed)]


def test_cuts_are_detected_but_pans_and_exposure_changes_are_not() -> None:
    random = np.random.default_rng(0)
    shots = [frame * (1 + random.normal(0, 0.03)) for frame in grays(0)]
    shots += [1 - frame for frame in grays(3)]
    detect = CutDetector()
    assert [index for index, frame in enumerate(shots) if detect(frame.astype(np.float32))] == [0, 8]


def test_a_restored_detector_continues() -> None:
    before, after = CutDetector(), CutDetector()
    for frame in grays(0, 4):
        before(frame)
    after.restore(before.tensors())
    assert not after(grays(0, 5)[4])
    assert after(1 - grays(3)[0])


def frame(seed: int, gain: float = 1.0) -> DecodedImage:
    levels = (gain * scene(72, 96, seed)[0] * 255).round().byte().numpy()
    return DecodedImage(levels, 255, f"{seed}")


@pytest.fixture(params=["adain", "wct2"])
def translator(request: pytest.FixtureRequest) -> Translator:
    model = small_thermal(request.param)
    style = model.prepare([scene(60, 80, 1, channels=1)], white_hot=True)
    return Translator(model, style, torch.device("cpu"))


def test_own_statistics_give_the_plain_translation(translator: Translator) -> None:
    assert translator.has_statistics
    image = frame(0)
    (alone,) = translator([image])
    own = StatisticsSmoother(0.5)(lambda: translator.statistics(image), 0.0, cut=True)
    assert np.abs(translator.with_statistics(image, own) - alone).max() < 1e-3


def test_smoothed_statistics_are_between_those_of_the_frames(translator: Translator) -> None:
    dark, bright, smoother = frame(0, 0.5), frame(0), StatisticsSmoother(0.5)
    for index in range(6):
        smoother(lambda: translator.statistics(dark), 0.1 * index, cut=index == 0)
    smooth = smoother(lambda: translator.statistics(bright), 0.6, cut=False)
    (before,) = translator([dark])
    calm, jumped = (translator.with_statistics(dark, found) for found in (smooth, translator.statistics(bright)))
    assert 0 < np.abs(calm - before).mean() < np.abs(jumped - before).mean()


def test_statistics_of_a_two_pass_model_are_restored_exactly(translator: Translator) -> None:
    before, after = StatisticsSmoother(0.1), StatisticsSmoother(0.1)
    for seed in range(3):
        kept = before(partial(translator.statistics, frame(seed)), 0.1 * seed, cut=seed == 0)
    after.restore(before.tensors(), torch.device("cpu"))
    found = after(partial(translator.statistics, frame(9)), 0.2, cut=False)
    assert found.places.keys() == kept.places.keys()
    for place, moments in kept.places.items():
        assert torch.equal(found[place].mean, moments.mean)
        assert found[place].count == moments.count
    one, other = (translator.with_statistics(frame(2), statistics) for statistics in (kept, found))
    assert np.array_equal(one, other)
