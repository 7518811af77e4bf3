"""A stopped run continues exactly like an uninterrupted one."""

from pathlib import Path

import pytest
import torch
from torch import nn

from ir_transfer.training import checkpoint
from ir_transfer.training.batches import Batch
from ir_transfer.training.loop import Trainer
from ir_transfer.training.processes import Processes
from tests.training.runs import make_root, recipe_of, trainer_of, weights_of


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_root(tmp_path)


def noisy(trainer: Trainer) -> Trainer:
    """Return the trainer of a model with random numbers in its forward pass, such as dropout."""
    first = next(m for m in trainer.learner.model.modules() if isinstance(m, nn.Conv2d))
    first.register_forward_hook(lambda module, _, output: output + 0.1 * torch.rand_like(output) * module.training)
    return trainer


def same(one: object, other: object, where: str) -> None:
    """Compare checkpoints bit by bit."""
    if isinstance(one, torch.Tensor):
        assert isinstance(other, torch.Tensor)
        assert torch.equal(one, other), where
    elif isinstance(one, dict):
        assert isinstance(other, dict)
        assert one.keys() == other.keys(), where
        for key, value in one.items():
            same(value, other[key], f"{where}.{key}")
    else:
        assert one == other, where


@pytest.mark.parametrize("stopped_at", [2, 4])
def test_resumed_run_is_bit_identical_to_an_uninterrupted_one(root: Path, stopped_at: int) -> None:
    recipe = recipe_of(
        root, losses__adversarial="0.1", training__starts="{laplacian: 1, adversarial: 3}", training__warmup_steps="4",
        training__ema="0.6", training__validate_every="2",
    )  # fmt: skip
    whole = noisy(trainer_of(root, "whole", recipe))
    whole.run()
    first = noisy(trainer_of(root, "parts", recipe))
    original = first.train_step

    def stop_early(batch: Batch) -> dict[str, float]:
        losses = original(batch)
        first.stopping = first.step + 1 >= stopped_at
        return losses

    first.train_step = stop_early  # type: ignore[method-assign]
    first.run()
    assert first.step == stopped_at
    second = noisy(trainer_of(root, "parts", recipe))
    torch.rand(100)  # a later process has drawn other numbers
    second.resume()
    assert second.early_stopping.best == first.early_stopping.best
    second.run()
    assert second.step == whole.step == 6
    one, other = (checkpoint.load(root / out / "last.pt") for out in ("whole", "parts"))
    assert {"model", "average", "optimiser", "warm_up", "critic", "critic_optimiser", "rng"} <= {*one}
    same({**one, "rng": None}, {**other, "rng": None}, "checkpoint")
    plain = trainer_of(root, "plain", recipe)
    plain.run()
    assert not torch.equal(weights_of(plain), weights_of(whole)), "the noise matters"


def test_resume_restores_the_gpu_random_state(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = {"cuda:1": torch.arange(16, dtype=torch.uint8)}
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda device: state[str(device)].clone())
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda new, device: state.update({str(device): new}))
    trainer = trainer_of(root, "run", recipe_of(root))
    trainer.processes = Processes(device=torch.device("cuda", 1))
    trainer.save()
    drawn = torch.rand(1)
    before = state["cuda:1"]
    state["cuda:1"] = torch.zeros(16, dtype=torch.uint8)
    trainer.resume()
    assert torch.equal(state["cuda:1"], before)
    assert torch.equal(torch.rand(1), drawn)
    trainer.processes = Processes()
    trainer.resume()  # also where there is no GPU any more
