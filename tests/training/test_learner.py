from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
import yaml
from safetensors.torch import save_file
from torch import Tensor, nn

from ir_transfer.losses.registry import ADVERSARIAL, HINTS, LOSSES
from ir_transfer.nn.perceptual import PerceptualEncoder
from ir_transfer.training.batches import Batch
from ir_transfer.training.learner import Learner, NotFiniteError
from tests.training.runs import PAPER, RAW, make_root, recipe_of, trainer_of

Begun = tuple[Learner, Batch]
Begin = Callable[..., Begun]
NO_CLIP = "1e9"


@pytest.fixture
def begin(tmp_path: Path) -> Begin:
    """Return a function that creates the learner of a recipe and its first batch, equal for recipes of one model."""
    root = make_root(tmp_path)
    judge = root / "judge.safetensors"
    torch.manual_seed(0)
    save_file(PerceptualEncoder((4, 4, 4, 4, 4)).state_dict(), judge)

    def make(**overrides: str) -> Begun:
        named = {"model": PAPER, "losses": "{charbonnier: 1.0, laplacian: 0.5}", "training__warmup_steps": "1"}
        trainer = trainer_of(root, "run", recipe_of(root, **{**named, **overrides}), str(judge))
        trainer.learner.model.train()
        return trainer.learner, trainer.batches.draw(0, 2)

    return make


def flatten(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor.detach().flatten() for tensor in tensors])


def weights(module: nn.Module) -> Tensor:
    return flatten([*module.parameters()])


def way(learner: Learner, module: nn.Module, batch: Batch, step: int) -> Tensor:
    """Return the change of a module's weights by a step."""
    before = weights(module)
    learner.learn(batch, step)
    return weights(module) - before


def shown(
    learner: Learner, optimiser: torch.optim.Optimizer, batch: Batch, step: int = 0, groups: int | None = None
) -> Tensor:
    """Return the gradient that an optimiser gets in a step, of its first groups or all."""
    given: list[Tensor] = []

    def remember(stepped: torch.optim.Optimizer, arguments: Any, named: Any) -> None:
        if not given:  # Muon's step contains AdamW's
            given.append(
                flatten([p.grad for g in stepped.param_groups[:groups] for p in g["params"] if p.grad is not None])
            )

    with hooked(optimiser, remember):
        learner.learn(batch, step)
    return given[0]


def hooked(optimiser: torch.optim.Optimizer, function: Callable[..., None]) -> AbstractContextManager[Any]:
    handle: AbstractContextManager[Any] = optimiser.register_step_pre_hook(function)
    return handle


def critic_of(learner: Learner) -> tuple[nn.Module, torch.optim.Optimizer]:
    assert learner.objective.critic is not None
    assert learner.critic_optimiser is not None
    return learner.objective.critic, learner.critic_optimiser


def test_every_loss_is_weighted(begin: Begin) -> None:
    labels = {"expected_people", "outlines"}
    objects = {"people_contrast", "vehicle_contrast", *labels}
    for model, names in (
        (PAPER, [*(LOSSES.keys() - objects), HINTS, ADVERSARIAL]),
        (yaml.safe_dump(RAW["model"]), [*(LOSSES.keys() - labels), ADVERSARIAL]),
        (yaml.safe_dump(RAW["model"]), [*labels]),
    ):
        found = []
        for weight in (1.0, 3.0):
            learner, batch = begin(model=model, losses=f"{{{', '.join(f'{name}: {weight}' for name in names)}}}")
            batch = replace(batch, classes=objects_of(batch))
            if {*names} == labels:
                batch = replace(batch, registered=torch.zeros_like(batch.registered))
            found.append({name: loss.item() for name, loss in learner.losses(batch, 0).items()})
        one, three = found
        assert {*names} <= {*one}
        for name in names:
            assert three[name] == pytest.approx(3 * one[name], rel=1e-4), name
            assert abs(one[name]) > 1e-6, name
        if ADVERSARIAL in names:
            assert three["critic"] == pytest.approx(one["critic"]), "the weight is what the model heeds of it"


def objects_of(batch: Batch) -> Tensor:
    """Return classes of a person and a vehicle where the ground truth is brightest."""
    truth = F.avg_pool2d(batch.truth, 4)[:, 0]
    hot = (truth > truth.flatten(1).quantile(0.97, dim=1)[:, None, None]).float()
    left = (torch.arange(truth.shape[-1]) < truth.shape[-1] // 2).float()
    classes = torch.zeros(len(truth), 11, *truth.shape[1:])
    classes[:, 1], classes[:, 3] = hot * left, hot * (1 - left)
    classes[:, 7] = 1 - hot
    return classes


def test_gradient_is_that_of_the_weighted_sum(begin: Begin) -> None:
    gradients = []
    for losses in ("{l1: 1}", "{tv: 1}", "{l1: 2, tv: 3}"):
        learner, batch = begin(losses=losses, training__clip=NO_CLIP)
        learner.model.auxiliary_loss = lambda *_: torch.zeros(())  # type: ignore[method-assign]  # has no weight
        gradients.append(shown(learner, learner.optimiser, batch))
    torch.testing.assert_close(gradients[2], 2 * gradients[0] + 3 * gradients[1], atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize("critics", [False, True], ids=["model", "critic"])
def test_gradients_are_reset_between_steps(begin: Begin, critics: bool) -> None:
    still = {"training__clip": NO_CLIP, "training__lr": "1e-9", "training__critic_lr": "1e-9"}
    learner, batch = begin(losses__adversarial="0.1", **still)
    optimiser = critic_of(learner)[1] if critics else learner.optimiser
    learner.learn(batch, 0)  # from then on what begins at zero passes gradients on
    first, second = (shown(learner, optimiser, batch, groups=1) for _ in range(2))  # Muon's own group clears itself
    assert first.any()
    assert (second - first).norm() < 0.3 * first.norm()


def test_average_is_updated_with_its_decay(begin: Begin) -> None:
    learner, batch = begin(training__ema="0.75", training__lr="1e-2")
    for step, decay in ((0, 0.1), (1000, 0.75)):  # a young average forgets the random weights
        before = weights(learner.average)
        learner.learn(batch, step)
        expected = decay * before + (1 - decay) * weights(learner.model)
        torch.testing.assert_close(weights(learner.average), expected, atol=1e-6, rtol=0)
        assert (weights(learner.model) - before).abs().max() > 1e-3


def test_average_copies_normalisation_moments(begin: Begin) -> None:
    learner, batch = begin()
    for module in (learner.model, learner.average):
        module.register_buffer("moments", torch.zeros(3))
    learner.model.moments.fill_(5.0)  # type: ignore[operator]
    learner.learn(batch, 0)
    assert learner.average.moments.tolist() == [5.0] * 3  # type: ignore[operator]


@pytest.mark.parametrize("schedule", ["plateau", "cosine"])
def test_step_size_follows_the_schedule(begin: Begin, schedule: str) -> None:
    named = {"training__schedule": schedule, "training__decay_steps": "50", "training__warmup_steps": "0"}
    ways = []
    for step in (0, 50, 100):
        learner, batch = begin(**named, training__steps="100", training__ema="0")
        ways.append(way(learner, learner.model, batch, step if schedule == "cosine" else 50 + step // 2))
    assert ways[0].abs().max() > 1e-4
    torch.testing.assert_close(ways[1], ways[0] / 2, atol=1e-7, rtol=1e-2)
    assert not ways[2].any()


def test_parameters_of_a_delayed_loss_warm_up_when_it_starts(begin: Begin) -> None:
    late = {"losses": "{hints: 1, charbonnier: 1}", "training__starts": "{charbonnier: 30}", "training__steps": "99"}
    named = {"training__decay_steps": "1", "training__weight_decay": "0.1"}
    slow, batch = begin(**late, **named, training__warmup_steps="10")
    full, _ = begin(**late, **named, training__warmup_steps="1")
    decoder, twin = (learner.model.decoder for learner in (slow, full))
    assert isinstance(decoder, nn.Module)
    assert isinstance(twin, nn.Module)
    for learner in (slow, full):
        assert not way(learner, learner.model.decoder, batch, 0).any()  # type: ignore[arg-type]
    slow.model.load_state_dict(full.model.state_dict())
    short, long = way(slow, decoder, batch, 30), way(full, twin, batch, 30)
    assert long.abs().max() > 1e-4
    torch.testing.assert_close(short, long / 10, atol=3e-6, rtol=2e-2)


def test_gradients_are_clipped_by_norm(begin: Begin) -> None:
    norms = []
    for clip in (NO_CLIP, "0.01"):
        learner, batch = begin(losses="{charbonnier: 10, adversarial: 1}", training__clip=clip)
        norms.append(shown(learner, learner.optimiser, batch))
    free, clipped = norms
    assert free.norm() > 0.1
    torch.testing.assert_close(clipped, 0.01 * free / free.norm(), atol=1e-6, rtol=1e-3)


def test_critic_is_clipped_separately_and_trained_only_with_its_own_loss(begin: Begin) -> None:
    given = []
    for weight, clip in ((1e-3, NO_CLIP), (1e3, NO_CLIP), (1e3, "0.01")):
        learner, batch = begin(losses=f"{{charbonnier: 10, adversarial: {weight}}}", training__clip=clip)
        given.append(shown(learner, critic_of(learner)[1], batch))
    free, same, clipped = given
    torch.testing.assert_close(same, free)
    assert free.norm() > 0.1
    torch.testing.assert_close(clipped, 0.01 * free / free.norm(), atol=1e-6, rtol=1e-3)


def test_critic_starts_at_its_step_with_its_learning_rate(begin: Begin) -> None:
    named = {
        "losses__adversarial": "0.1", "training__starts": "{adversarial: 4}", "training__warmup_steps": "50",
        "training__steps": "100", "training__decay_steps": "20", "training__lr": "1e-5",
    }  # fmt: skip
    learner, batch = begin(**named, training__critic_lr="1e-3")
    critic, _ = critic_of(learner)
    assert not way(learner, critic, batch, 3).any()
    ways = [way(learner, critic, batch, 4)]
    for step in (90, 100):
        other, _ = begin(**named, training__critic_lr="1e-3")
        ways.append(way(other, critic_of(other)[0], batch, step))
    assert 0.9e-3 < ways[0].abs().max() < 1.1e-3  # Adam's first step is its rate, without a warm-up
    apart = (ways[1] - ways[0] / 2).abs() > 2e-5
    assert apart.float().mean() < 1e-3, "but where a gradient is next to nothing"
    assert not ways[2].any()


def test_non_finite_gradient_changes_no_weights(begin: Begin) -> None:
    learner, batch = begin()
    before = weights(learner.model), weights(learner.average)
    poisoned = next(learner.model.parameters())
    poisoned.register_hook(lambda gradient: gradient * float("nan"))  # type: ignore[no-untyped-call]
    with pytest.raises(NotFiniteError, match=r"step 7, got auxiliary .*charbonnier 0\..*gradient_norm nan"):
        learner.learn(batch, 7)
    assert torch.equal(weights(learner.model), before[0])
    assert torch.equal(weights(learner.average), before[1])


def test_randomness_of_a_step_depends_only_on_seed_and_step(begin: Begin) -> None:
    drawn: list[float] = []
    for steps in ((3, 4), (4,)):
        learner, batch = begin()
        learner.objective.register_forward_pre_hook(lambda *_: drawn.append(torch.rand(()).item()))
        for step in steps:
            learner.learn(batch, step)
            torch.rand(3)  # as a validation might
    at_three, at_four, again = drawn
    assert at_four == again != at_three
    other, batch = begin(training__seed="1")
    other.objective.register_forward_pre_hook(lambda *_: drawn.append(torch.rand(()).item()))
    other.learn(batch, 4)
    assert drawn[-1] != at_four


def test_bfloat16_gives_every_weight_its_gradient(begin: Begin) -> None:
    gradients: list[dict[str, Tensor]] = []
    for precision in ("float32", "bfloat16"):
        learner, batch = begin(losses="{charbonnier: 1, perceptual: 1, hints: 1, adversarial: 0.1}")
        learner.precision = precision  # this machine may only imitate it
        losses = learner.losses(batch.to(torch.device("cpu")), 0)
        assert all(loss.dtype == torch.float32 for loss in losses.values())
        torch.stack([*losses.values()]).sum().backward()  # type: ignore[no-untyped-call]
        gradients.append({n: p.grad for n, p in learner.objective.named_parameters() if p.grad is not None})
        assert learner.learn(batch.to(torch.device("cpu")), 0).keys() == losses.keys()
    exact, rough = gradients
    assert exact.keys() == rough.keys()
    for name, gradient in exact.items():
        assert rough[name].dtype == torch.float32
        assert bool(rough[name].any()) == bool(gradient.any()), name
    assert not torch.equal(flatten([*exact.values()]), flatten([*rough.values()])), "it is computed in bfloat16"
    assert F.cosine_similarity(flatten([*exact.values()]), flatten([*rough.values()]), dim=0) > 0.95


def test_initial_weights_apply_to_the_model_and_its_average(begin: Begin, tmp_path: Path) -> None:
    trained, _ = begin(training__seed="3")
    trained.model.save(tmp_path / "start.safetensors")
    learner, _ = begin()
    learner.initialise(str(tmp_path / "start.safetensors"))
    assert torch.equal(weights(learner.model), weights(trained.model))
    assert torch.equal(weights(learner.average), weights(trained.model))


def test_weight_decay_and_patterns_follow_the_recipe(begin: Begin) -> None:
    learner, batch = begin(training__only="['encoder.*']", training__weight_decay="0.5", training__lr="1e-2")
    decays = {group["weight_decay"] for group in learner.optimiser.param_groups}
    assert decays == {0.5}
    before = {name: p.detach().clone() for name, p in learner.model.named_parameters()}
    learner.learn(batch, 0)
    moved = {n.partition(".")[0] for n, p in learner.model.named_parameters() if not torch.equal(p, before[n])}
    assert moved == {"encoder"}
