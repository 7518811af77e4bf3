import pytest

from ir_transfer.training.recipe import TrainingSection
from ir_transfer.training.schedule import Patience, learning_rate


def test_plateau_is_held_and_falls_at_the_end() -> None:
    training = TrainingSection(steps=100, lr=1.0, warmup_steps=10, decay_steps=20)
    rates = [learning_rate(training, step) for step in range(100)]
    assert rates[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert rates[10:81] == [1.0] * 71
    assert rates[90] == pytest.approx(0.5)


def test_cosine_falls_from_the_end_of_the_warm_up() -> None:
    training = TrainingSection(steps=110, lr=2.0, warmup_steps=10, schedule="cosine")
    rates = [learning_rate(training, step) for step in range(110)]
    assert rates[4] == pytest.approx(1.0)
    assert rates[10] == pytest.approx(2.0)
    assert rates[60] == pytest.approx(1.0)
    assert 0 < rates[109] < 0.01
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_patience_counts_since_the_best() -> None:
    patience = Patience(2)
    assert [patience.better(rank) for rank in (3.0, 1.0, 2.0)] == [True, True, False]
    assert not patience.exhausted
    patience.better(1.0)
    assert patience.exhausted
    assert patience.better(0.5)
    assert not patience.exhausted
    assert not Patience(None, 1.0, 100).exhausted
