from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from ir_transfer.errors import InputError
from ir_transfer.losses.base import Scene
from ir_transfer.losses.registry import LOSSES
from ir_transfer.models.encoder_files import save_encoder
from ir_transfer.models.thermal import ThermalModel
from ir_transfer.nn.perceptual import PerceptualEncoder
from ir_transfer.nn.thermal.windows import Window
from ir_transfer.training.batches import Batch
from ir_transfer.training.loop import Trainer
from ir_transfer.training.views import canonical
from tests.training.runs import PAPER, make_root, recipe_of, trainer_of, weights_of


def test_unpaired_samples_are_excluded_from_paired_losses(tmp_path: Path) -> None:
    trainer = trainer_of(
        make_root(tmp_path), "run", recipe_of(tmp_path, model=PAPER, losses="{l1: 1, histogram: 1, tv: 1}")
    )
    objective = trainer.learner.objective
    paired = replace(trainer.batches.draw(0, 4), mirrored=torch.zeros(4, dtype=torch.bool))
    mixed = replace(paired, registered=torch.tensor([True, False, True, False]))
    none = replace(paired, registered=torch.zeros(4, dtype=torch.bool))

    def losses(batch: Batch) -> dict[str, torch.Tensor]:
        with torch.no_grad():
            found: dict[str, torch.Tensor] = objective(batch, ["l1", "histogram", "tv"])
        return found

    def first_and_third() -> torch.Tensor:
        style = objective.model.encode(paired.exemplar, paired.white_hot)
        output = objective.model.translate(paired.content, style, torch.ones(4, 1), None)
        return LOSSES["l1"](Scene(paired.content[::2], paired.truth[::2], output[::2]))

    torch.testing.assert_close(losses(mixed)["l1"], first_and_third())
    assert losses(mixed)["l1"] != losses(paired)["l1"]
    assert "l1" not in losses(none)
    for name in ("histogram", "tv"):
        assert losses(mixed)[name] == losses(paired)[name]


def test_reconstruction_sample_uses_its_luma_as_target(tmp_path: Path) -> None:
    trainer = trainer_of(make_root(tmp_path), "run", recipe_of(tmp_path, model=PAPER, losses="{l1: 1}"))
    batch = trainer.batches.draw(0, 4)
    every, no = torch.ones(4, dtype=torch.bool), torch.zeros(4, dtype=torch.bool)
    with torch.no_grad():
        one = trainer.learner.objective(replace(batch, mirrored=every, registered=no), ["l1"])
        other = trainer.learner.objective(replace(batch, mirrored=every, truth=1 - batch.truth), ["l1"])
    assert one["l1"] == other["l1"]


def test_class_expectations_apply_only_without_ground_truth(tmp_path: Path) -> None:
    trainer = trainer_of(make_root(tmp_path), "run", recipe_of(tmp_path, losses="{expected_people: 1}"))
    classes = torch.zeros(4, 11, 24, 32)
    classes[:, 7] = 1
    classes[:, 7, 8:14, 10:14], classes[:, 1, 8:14, 10:14] = 0, 1
    batch = trainer.batches.draw(0, 4)
    classes = torch.nn.functional.interpolate(classes, (batch.content.shape[-2] // 4, batch.content.shape[-1] // 4))
    batch = replace(batch, classes=classes)

    def losses(registered: list[bool]) -> dict[str, torch.Tensor]:
        with torch.no_grad():
            found: dict[str, torch.Tensor] = trainer.learner.objective(
                replace(batch, registered=torch.tensor(registered)), ["expected_people"]
            )
        return found

    assert "expected_people" not in losses([True] * 4)
    every, last = losses([False] * 4)["expected_people"], losses([True, True, True, False])["expected_people"]
    assert every > 0
    assert last != every


def test_critic_sees_unpaired_samples_without_the_rgb_image(tmp_path: Path) -> None:
    trainer = trainer_of(make_root(tmp_path), "run", recipe_of(tmp_path, losses="{adversarial: 1}"))
    critic = trainer.learner.objective.critic
    assert critic is not None
    seen: list[torch.Tensor] = []
    critic.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].clone()))
    batch = replace(trainer.batches.draw(0, 2), registered=torch.tensor([True, False]))
    batch = replace(batch, mirrored=torch.zeros(2, dtype=torch.bool))
    trainer.learner.objective(batch, ["adversarial"])
    assert len(seen) == 3
    for content in seen:
        assert torch.equal(content[0], batch.content[0])
        assert bool((content[1] == 0.5).all())


def test_auxiliary_loss_of_the_model_is_included_in_training(tmp_path: Path) -> None:
    trainer = trainer_of(make_root(tmp_path), "run", recipe_of(tmp_path, model__name="style_swap"))
    objective, batch = trainer.learner.objective, trainer.batches.draw(0, 2)
    with torch.no_grad():
        learning, measured = (objective.train(mode)(batch, ["thermal_map"]) for mode in (True, False))
    assert learning["auxiliary"] > 0, "the commitment of the swapped patches"
    assert "auxiliary" not in measured


def canonical_trainer(root: Path, **overrides: str) -> Trainer:
    """Return the trainer of a small canonical model with a frozen content encoder of a file below the data root."""
    whole = trainer_of(make_root(root), "first", recipe_of(root))
    assert isinstance(whole.learner.model, ThermalModel)
    save_encoder(whole.learner.model.encoder, root / "encoder.safetensors", {})
    return trainer_of(root, "run", recipe_of(root, model__encoder="encoder.safetensors", **overrides))


def test_losses_of_canonical_models_use_canonical_tone(tmp_path: Path) -> None:
    trainer = trainer_of(make_root(tmp_path), "run", recipe_of(tmp_path, losses="{l1: 1, map_correlation: 1}"))
    objective, batch = trainer.learner.objective, trainer.batches.draw(0, 3)
    model = objective.model
    assert isinstance(model, ThermalModel)
    with torch.no_grad():
        found = objective(batch, ["l1", "map_correlation"])
        style = model.encode(batch.exemplar, batch.white_hot)
        maps, _ = model.maps(batch.content, model.encoder(batch.content), style)
        output = canonical(model.detail.render(batch.content, maps, Window.whole(64, 96)))
    scene = Scene(batch.content, batch.truth, output)
    for name in ("l1", "map_correlation"):
        torch.testing.assert_close(found[name], LOSSES[name](scene))
    # Neither tone nor contrast of the exemplar matter.
    with torch.no_grad():
        other = objective(replace(batch, exemplar=0.3 + 0.5 * batch.exemplar), ["l1"])
    torch.testing.assert_close(other["l1"], found["l1"], atol=1e-3, rtol=0)


def test_frozen_encoder_runs_once_per_view_and_is_unchanged(tmp_path: Path) -> None:
    trainer = canonical_trainer(tmp_path, training__steps="8", training__validate_every="8")
    model, seen = trainer.learner.model, []
    assert isinstance(model, ThermalModel)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    encoder = model.encoder
    encoder.register_forward_hook(lambda module, inputs, _: seen.append(len(inputs[0])))
    batches = [trainer.batches.draw(step, 2) for step in range(8)]
    for step, batch in enumerate(batches):
        trainer.learner.learn(batch, step)
    keys = [tuple(key) for batch in batches for key in (batch.keys.tolist() if batch.keys is not None else ())]
    assert len(keys) == 16
    assert len({*keys}) <= sum(seen) < 16, "6 photographs have 2 views each; one twice in a batch counts twice"
    assert all(parameter.grad is None for parameter in encoder.parameters())
    moved = {n.partition(".")[0] for n, value in model.state_dict().items() if not torch.equal(value, before[n])}
    assert moved == {"neck", "detail", "strength", "exemplar_encoder"}


def test_cached_features_give_the_same_losses(tmp_path: Path) -> None:
    trainer = canonical_trainer(tmp_path)
    objective, batch = trainer.learner.objective, trainer.batches.draw(0, 2)
    with torch.no_grad():
        first, second = (objective(batch, ["thermal_map"])["thermal_map"] for _ in range(2))
        fresh = objective(replace(batch, keys=None), ["thermal_map"])["thermal_map"]
    assert first == second
    torch.testing.assert_close(first, fresh, atol=0.02, rtol=0.02)


def test_features_of_a_trainable_encoder_are_not_cached(tmp_path: Path) -> None:
    trainer = trainer_of(make_root(tmp_path), "run", recipe_of(tmp_path))
    model, seen = trainer.learner.model, []
    assert isinstance(model, ThermalModel)
    model.encoder.register_forward_hook(lambda *_: seen.append(1))
    before = weights_of(trainer)
    batch = trainer.batches.draw(0, 2)
    for step in range(3):
        trainer.learner.learn(batch, step)
    assert len(seen) == 3
    assert any(parameter.grad is not None for parameter in model.encoder.parameters())
    assert not torch.equal(weights_of(trainer), before)


def test_batch_without_applicable_losses_changes_no_weights(tmp_path: Path) -> None:
    trainer = trainer_of(make_root(tmp_path), "run", recipe_of(tmp_path, training__weight_decay="0"))
    batch = trainer.batches.draw(0, 2)
    before = weights_of(trainer)
    found = trainer.learner.learn(replace(batch, registered=torch.zeros(2, dtype=torch.bool)), 0)
    assert {*found.values()} == {0.0}
    assert torch.equal(weights_of(trainer), before)


def test_hints_are_rejected_for_content_encoders(tmp_path: Path) -> None:
    judge = tmp_path / "judge.safetensors"
    save_file(PerceptualEncoder((4, 4, 4, 4, 4)).state_dict(), judge)
    with pytest.raises(InputError, match=r"losses\.hints, got 'adain'.*ir-transfer distill"):
        trainer_of(make_root(tmp_path), "run", recipe_of(tmp_path, losses="{hints: 1}"), str(judge))
