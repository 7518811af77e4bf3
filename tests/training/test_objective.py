from dataclasses import replace
from pathlib import Path

import torch

from ir_transfer.losses.base import Scene
from ir_transfer.losses.registry import LOSSES
from ir_transfer.training.batches import Batch
from tests.training.runs import make_root, recipe_of, trainer_of


def test_unpaired_samples_are_hidden_from_losses_that_need_a_truth(tmp_path: Path) -> None:
    trainer = trainer_of(make_root(tmp_path), "run", recipe_of(tmp_path, losses="{l1: 1, histogram: 1, tv: 1}"))
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
        content = torch.cat([paired.content, paired.rows], dim=1)
        output = objective.model.translate(content, style, torch.ones(4, 1), None)
        return LOSSES["l1"](Scene(paired.content[::2], paired.truth[::2], output[::2]))

    torch.testing.assert_close(losses(mixed)["l1"], first_and_third())
    assert losses(mixed)["l1"] != losses(paired)["l1"]
    assert "l1" not in losses(none)
    for name in ("histogram", "tv"):
        assert losses(mixed)[name] == losses(paired)[name]


def test_a_mirrored_sample_has_its_own_luminance_for_a_truth_also_without_a_pair(tmp_path: Path) -> None:
    trainer = trainer_of(make_root(tmp_path), "run", recipe_of(tmp_path, losses="{l1: 1}"))
    batch = trainer.batches.draw(0, 4)
    every, no = torch.ones(4, dtype=torch.bool), torch.zeros(4, dtype=torch.bool)
    with torch.no_grad():
        one = trainer.learner.objective(replace(batch, mirrored=every, registered=no), ["l1"])
        other = trainer.learner.objective(replace(batch, mirrored=every, truth=1 - batch.truth), ["l1"])
    assert one["l1"] == other["l1"]


def test_the_critic_judges_unpaired_samples_without_their_photograph(tmp_path: Path) -> None:
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


def test_a_model_may_want_something_of_its_translation(tmp_path: Path) -> None:
    small = "{widths: [4, 8, 8, 8], depths: [1, 1, 1, 1], picture_depths: [1, 1, 1], code: 6}"
    recipe = recipe_of(make_root(tmp_path), model=f"{{name: style_swap, hyper_parameters: {small}}}")
    trainer = trainer_of(tmp_path, "run", recipe)
    objective, batch = trainer.learner.objective.train(), trainer.batches.draw(0, 2)
    with torch.no_grad():
        with_swap, without = (objective(batch, active) for active in (["charbonnier"], []))
    assert with_swap["auxiliary"] > 0, "the commitment of the swapped patches"
    assert "auxiliary" not in without
