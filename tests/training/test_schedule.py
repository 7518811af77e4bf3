import copy
import io
from collections.abc import Iterable, Sequence
from typing import Literal

import pytest
import torch
from torch import nn

from ir_transfer.training.muon import Muon
from ir_transfer.training.recipe import TrainingSection
from ir_transfer.training.schedule import EarlyStopping, WarmUp, critic_rate, learning_rate

Gradients = Sequence[torch.Tensor | None]


def test_rate_is_constant_and_decays_at_the_end() -> None:
    training = TrainingSection(steps=100, lr=1.0, warmup_steps=10, decay_steps=20)
    rates = [learning_rate(training, step) for step in range(100)]
    assert rates[:81] == [1.0] * 81
    assert rates[90] == pytest.approx(0.5)
    assert rates[99] == pytest.approx(0.05)
    assert learning_rate(training, 100) == learning_rate(training, 120) == 0


@pytest.mark.parametrize("schedule", ["plateau", "cosine"])
def test_critic_rate_is_separate_and_always_decays_at_the_end(
    schedule: Literal["plateau", "cosine"],
) -> None:
    training = TrainingSection(steps=100, lr=1.0, critic_lr=3.0, warmup_steps=10, decay_steps=20, schedule=schedule)
    assert [critic_rate(training, step) for step in (0, 5, 80)] == [3.0] * 3
    assert critic_rate(training, 90) == pytest.approx(1.5)
    assert critic_rate(training, 100) == 0


def test_cosine_decays_from_the_end_of_the_warm_up() -> None:
    training = TrainingSection(steps=110, lr=2.0, warmup_steps=10, schedule="cosine")
    rates = [learning_rate(training, step) for step in range(110)]
    assert rates[:10] == [2.0] * 10
    assert rates[10] == pytest.approx(2.0)
    assert rates[60] == pytest.approx(1.0)
    assert 0 < rates[109] < 0.01
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_cosine_restarts_at_a_lower_peak() -> None:
    training = TrainingSection(
        steps=160, lr=2.0, warmup_steps=10, schedule="cosine", restarts=[60, 110], restart_lr=0.5
    )
    rates = [learning_rate(training, step) for step in range(161)]
    assert [rates[step] for step in (0, 10, 60, 110)] == pytest.approx([2.0, 2.0, 1.0, 0.5])
    assert [rates[step] for step in (35, 85, 135)] == pytest.approx([1.0, 0.5, 0.25])
    assert all(0 < rates[step] < 0.01 for step in (59, 109, 159))
    assert rates[160] == 0


def test_patience_counts_validations_since_the_best() -> None:
    patience = EarlyStopping(2)
    assert [patience.update(rank) for rank in (3.0, 1.0, 2.0)] == [True, True, False]
    assert not patience.exhausted
    patience.update(1.0)
    assert patience.exhausted
    assert patience.update(0.5)
    assert not patience.exhausted
    assert not EarlyStopping(None, 1.0, 100).exhausted


def parameters() -> list[nn.Parameter]:
    """Return a parameter for AdamW and one for Muon."""
    torch.manual_seed(0)
    return [nn.Parameter(torch.rand(8) + 1), nn.Parameter(torch.rand(8, 12) + 1)]


def gradients(seed: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(8, generator=generator), torch.randn(8, 12, generator=generator)]


def train(
    learned: Sequence[nn.Parameter],
    optimiser: torch.optim.Optimizer,
    warm_up: WarmUp,
    first: int,
    given: Iterable[Gradients],
) -> None:
    for step, shown in enumerate(given, start=first):
        for parameter, gradient in zip(learned, shown, strict=True):
            parameter.grad = None if gradient is None else gradient.clone()
        with warm_up.scaled_step(step):
            optimiser.step()


@pytest.mark.parametrize("late", [None, 0.0], ids=["no gradient", "a gradient of zero"])
def test_parameters_warm_up_from_their_first_gradient(late: float | None) -> None:
    steps = 4
    learned = parameters()
    start = [p.detach().clone() for p in learned]
    optimiser, warm_up = Muon(learned, lr=0.1, weight_decay=0.1), WarmUp(learned, steps)
    none = [None if late is None else torch.full_like(p, late) for p in learned]
    train(learned, optimiser, warm_up, 0, [none] * 3)
    for parameter, before in zip(learned, start, strict=True):
        assert torch.equal(parameter, before), "not even weight decay"
    for age in range(1, 7):
        then = [p.detach().clone() for p in learned]
        twins, other = copy.deepcopy((learned, optimiser))  # of one optimiser, its parameters with it
        train(learned, optimiser, warm_up, 2 + age, [gradients(age)])
        train(twins, other, WarmUp(twins, 1), 2 + age, [gradients(age)])
        for was, slow, full in zip(then, learned, twins, strict=True):
            torch.testing.assert_close(slow - was, min(1.0, age / steps) * (full - was), atol=1e-6, rtol=1e-4)
            assert (full - was).abs().mean() > 0.01


def test_warm_parameters_are_not_affected_by_new_ones() -> None:
    learned = parameters()
    alone = copy.deepcopy(learned[:1])
    optimiser, other = Muon(learned, lr=0.1), Muon(alone, lr=0.1)
    warm_up, single = WarmUp(learned, 3), WarmUp(alone, 3)
    for step in range(8):
        small, large = gradients(step)
        train(learned, optimiser, warm_up, step, [[small, large if step >= 5 else None]])
        train(alone, other, single, step, [[small]])
    assert torch.equal(learned[0], alone[0])


def test_warm_up_resumes_bit_exactly() -> None:
    given = [[g[0], g[1] if step >= 2 else None] for step, g in enumerate(map(gradients, range(8)))]
    whole, parts = parameters(), parameters()
    train(whole, Muon(whole, lr=0.1), WarmUp(whole, 5), 0, given)
    optimiser, warm_up = Muon(parts, lr=0.1), WarmUp(parts, 5)
    train(parts, optimiser, warm_up, 0, given[:4])
    file = io.BytesIO()
    torch.save(warm_up.state_dict(), file)
    file.seek(0)
    resumed = WarmUp(parts, 5)
    resumed.load_state_dict(torch.load(file, weights_only=True))
    train(parts, optimiser, resumed, 4, given[4:])
    assert all(torch.equal(a, b) for a, b in zip(whole, parts, strict=True))
    with pytest.raises(ValueError, match="of 1 parameters, got 2"):
        WarmUp(parts[:1], 5).load_state_dict(warm_up.state_dict())
