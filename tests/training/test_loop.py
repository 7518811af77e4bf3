import json
import math
import resource
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from ir_transfer import create_model
from ir_transfer.errors import EncodeError, InputError, WeightsError
from ir_transfer.models.base import TranslationModel
from ir_transfer.nn.perceptual import PerceptualEncoder
from ir_transfer.training import checkpoint
from ir_transfer.training.batches import Batch
from ir_transfer.training.journal import JOURNAL, read_events
from ir_transfer.training.loop import Trainer
from ir_transfer.training.recipe_files import load_recipe
from ir_transfer.training.run_folder import RunFolder
from ir_transfer.training.validation import Validation, ValidationReport
from tests.training.runs import PAPER, make_root, recipe_of, trainer_of, weights_of


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_root(tmp_path)


def test_averaged_weights_are_scored_and_saved(root: Path) -> None:
    trainer = trainer_of(root, "run", recipe_of(root, training__lr="1e-2", training__ema="0.5"))
    assert trainer.validation is not None
    validation: Validation = trainer.validation
    scored: list[object] = []

    class Spy(Validation):
        def __call__(self, model: TranslationModel, limit: int | None = None) -> ValidationReport:
            scored.append(model)
            return validation(model, limit)

    spy = object.__new__(Spy)
    spy.__dict__ = vars(trainer.validation)
    trainer.validation = spy
    trainer.early_stopping.best = math.inf
    trainer.early_stopping.update = lambda rank: True  # type: ignore[method-assign]
    trainer.run()
    assert all(model is trainer.learner.average for model in scored)
    shipped = create_model("adain", weights=root / "run" / "best.safetensors")
    average = dict(trainer.learner.average.named_parameters())
    assert all(torch.equal(p, average[name]) for name, p in shipped.named_parameters())
    assert not torch.equal(weights_of(trainer), torch.cat([p.flatten() for p in average.values()]))


def test_loss_decreases_and_the_best_weights_load_with_metadata(root: Path) -> None:
    trainer = trainer_of(root, "run", recipe_of(root, training__steps="60", training__lr="3e-3"))
    seen: list[float] = []
    original = trainer.train_step

    def remember(batch: Batch) -> dict[str, float]:
        losses = original(batch)
        seen.append(sum(losses.values()))
        return losses

    trainer.train_step = remember  # type: ignore[method-assign]
    scores = trainer.run()
    assert sum(seen[-10:]) < 0.8 * sum(seen[:10])
    assert isinstance(scores, ValidationReport)
    assert scores.scores["pairs"]["psnr"] > 5
    model = create_model("adain", weights=root / "run" / "best.safetensors")
    assert json.loads(model.metadata["recipe"])["data"]["band"] == "lwir"
    assert model.metadata["band"] == "lwir"
    assert "pairs/psnr" in json.loads(model.metadata["scores"])
    assert (root / "run" / "sheet-000060-pairs.png").stat().st_size > 1000


def test_adversarial_training_updates_the_critic(root: Path) -> None:
    trainer = trainer_of(root, "gan", recipe_of(root, losses__adversarial="0.1"))
    critic = trainer.learner.objective.critic
    assert critic is not None
    before = [p.detach().clone() for p in critic.parameters()]
    trainer.run()
    assert any(not torch.equal(a, b) for a, b in zip(before, critic.parameters(), strict=True))


def test_hints_train_only_the_encoder_until_other_losses_start(root: Path) -> None:
    judge = root / "judge.safetensors"
    save_file(PerceptualEncoder((4, 4, 4, 4, 4)).state_dict(), judge)
    overrides = {"model": PAPER, "losses": "{hints: 1.0, l1: 1.0}", "training__starts": "{l1: 4}"}
    recipe = recipe_of(root, **overrides, training__steps="4", training__lr="1e-2")
    trainer = trainer_of(root, "hints", recipe, str(judge))
    before = {name: p.detach().clone() for name, p in trainer.learner.model.named_parameters()}
    trainer.run()
    # Weight decay alone scales a parameter; learning turns it.
    turned = {
        name
        for name, p in trainer.learner.model.named_parameters()
        if p.dim() > 1
        and before[name].any()
        and F.cosine_similarity(before[name].flatten(), p.detach().flatten(), dim=0) < 1 - 1e-5
    }
    assert {name.partition(".")[0] for name in turned} == {"encoder"}
    assert len(turned) >= 3


def test_perceptual_loss_without_a_vgg_is_rejected(root: Path) -> None:
    with pytest.raises(InputError, match="--vgg"):
        trainer_of(root, "x", recipe_of(root, losses__perceptual="1"))


def poison(trainer: Trainer) -> None:
    with torch.no_grad():
        next(trainer.learner.model.parameters()).fill_(float("nan"))


def test_nan_stops_the_run_and_saves_the_batch(root: Path) -> None:
    trainer = trainer_of(root, "nan", recipe_of(root))
    original = trainer.train_step

    def poison_the_second(batch: Batch) -> dict[str, float]:
        if trainer.step == 1:
            poison(trainer)
        return original(batch)

    trainer.train_step = poison_the_second  # type: ignore[method-assign]
    with pytest.raises(InputError, match=r"finite.*step 1.*thermal_map nan.*bad_batch\.pt"):
        trainer.run()
    assert set(torch.load(root / "nan" / "bad_batch.pt", weights_only=True)) >= {"content", "truth", "exemplar"}


def test_invalid_settings_fail_in_the_sanity_check(root: Path) -> None:
    trainer = trainer_of(root, "nan", recipe_of(root))
    poison(trainer)
    with pytest.raises(InputError, match="before the first step"):
        trainer.run()


def test_training_can_start_from_trained_weights(root: Path) -> None:
    first = trainer_of(root, "first", recipe_of(root))
    first.learner.model.save(root / "start.safetensors")
    second = trainer_of(root, "second", recipe_of(root, training__seed="5"))
    assert not torch.equal(weights_of(second), weights_of(first))
    second.learner.initialise(str(root / "start.safetensors"))
    assert torch.equal(weights_of(second), weights_of(first))


def test_resolved_recipe_is_saved_and_gives_the_same_run(root: Path) -> None:
    recipe = recipe_of(root, training__lr="2e-3", training__steps="1")
    trainer_of(root, "run", recipe).run()
    assert load_recipe(root / "run" / "recipe.yaml") == recipe
    assert "checkpoint_minutes" in (root / "run" / "recipe.yaml").read_text()


def test_resume_with_another_model_is_rejected_and_keeps_the_run(root: Path) -> None:
    trainer_of(root, "run", recipe_of(root, training__steps="1")).run()
    before = (root / "run" / "recipe.yaml").read_text()
    other = trainer_of(root, "run", recipe_of(root, model__hyper_parameters__widths="[8, 8, 8, 12]"))
    with pytest.raises(InputError, match=r"model section.*hyper_parameters\.widths: \[8, 8, 8, 8\] -> \[8, 8, 8, 12\]"):
        other.resume()
    assert (root / "run" / "recipe.yaml").read_text() == before


def test_options_added_in_later_versions_do_not_prevent_resume(root: Path) -> None:
    trainer_of(root, "run", recipe_of(root, training__steps="1")).run()
    state = checkpoint.load(root / "run" / "last.pt")
    about = json.loads(state["about"])
    assert about["model"]["hyper_parameters"].pop("alignment") == "moments"
    checkpoint.save(root / "run" / "last.pt", {**state, "about": json.dumps(about)})
    later = trainer_of(root, "run", recipe_of(root))
    later.resume()
    assert later.step == 1


def test_old_checkpoint_of_another_model_is_rejected(root: Path) -> None:
    trainer_of(root, "run", recipe_of(root, training__steps="1")).run()
    state = checkpoint.load(root / "run" / "last.pt")
    del state["about"], state["stale"]  # as written by earlier versions
    checkpoint.save(root / "run" / "last.pt", state)
    trainer_of(root, "run", recipe_of(root)).resume()
    with pytest.raises(WeightsError, match=r"'model' of .*last\.pt"):
        trainer_of(root, "run", recipe_of(root, model__hyper_parameters__widths="[8, 8, 8, 12]")).resume()


def test_resumed_run_reports_changed_settings(root: Path) -> None:
    trainer_of(root, "run", recipe_of(root, training__steps="1")).run()
    lines: list[str] = []
    Trainer(recipe_of(root, losses__tv="0.1"), root, RunFolder(root / "run", lines.append)).resume()
    assert lines[-1] == "the recipe has changed: training.steps: 1 -> 6, losses.tv: None -> 0.1"


def test_early_stopping_and_the_journal(root: Path) -> None:
    recipe = recipe_of(root, training__patience="2", training__steps="500", training__validate_every="1")
    trainer = trainer_of(root, "run", recipe)
    trainer.early_stopping.best = -100.0  # nothing will be better
    trainer.run()
    assert trainer.step == 2
    events, end = read_events(root / "run")
    assert end == (root / "run" / JOURNAL).stat().st_size
    assert [(e["kind"], e["step"]) for e in events] == [
        ("started", 0),
        *((kind, step) for step in range(3) for kind in ("metrics", "image")),
        *(("checkpoint", 2), ("ended", 2)),
    ]
    assert events[0]["recipe"]["training"]["patience"] == 2
    assert events[0]["facts"]["photographs"] == 6
    names = {"validation/pairs/cell_correlation", "validation/pairs/psnr", "validation/gates/dead_layers"}
    assert events[1]["values"].keys() >= {*names, "validation/rank"}
    assert (root / "run" / events[2]["path"]).is_file()
    assert events[-1]["reason"] == "finished"

    resumed = trainer_of(root, "run", recipe)
    resumed.resume()
    assert resumed.early_stopping.stale == 2


def test_failures_and_stops_are_recorded_in_the_journal(root: Path) -> None:
    trainer = trainer_of(root, "run", recipe_of(root, training__lr="1e30"))
    with pytest.raises(InputError, match="finite"):
        trainer.run()
    assert read_events(root / "run")[0][-1]["reason"] == "failed"
    stopped = trainer_of(root, "stopped", recipe_of(root))
    stopped.stopping = True
    stopped.run()
    assert read_events(root / "stopped")[0][-1]["reason"] == "stopped"


def test_sanity_check_has_no_side_effects_and_estimates_the_duration(root: Path) -> None:
    judge = root / "judge.safetensors"
    save_file(PerceptualEncoder((4, 4, 4, 4, 4)).state_dict(), judge)
    recipe = recipe_of(root, losses__deep_perceptual="1.0", losses__adversarial="0.1", training__steps="1")
    lines: list[str] = []
    trainer = Trainer(recipe, root, RunFolder(root / "run", lines.append), str(judge))
    before = {name: value.clone() for name, value in trainer.learner.objective.state_dict().items()}
    steps: list[dict[str, torch.Tensor]] = []
    original = trainer.train_step

    def remember(batch: Batch) -> dict[str, float]:
        steps.append({name: value.clone() for name, value in trainer.learner.objective.state_dict().items()})
        assert all(p.grad is None for p in trainer.learner.objective.parameters())
        return original(batch)

    trainer.train_step = remember  # type: ignore[method-assign]
    trainer.run()
    assert all(torch.equal(value, before[name]) for name, value in steps[0].items())
    assert any(line.startswith("sanity check passed") and "s per step" in line and "MiB" in line for line in lines)


def test_full_disk_does_not_stop_training_but_is_an_error_at_its_end(root: Path) -> None:
    lines: list[str] = []
    recipe = recipe_of(root, training__checkpoint_minutes="0", training__validate_every="2")
    trainer = Trainer(recipe, root, RunFolder(root / "run", lines.append))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    original = trainer.train_step

    def fill_the_disk(batch: Batch) -> dict[str, float]:
        if trainer.step == 3:
            resource.setrlimit(resource.RLIMIT_FSIZE, (4000, limits[1]))
        return original(batch)

    trainer.train_step = fill_the_disk  # type: ignore[method-assign]
    try:
        with pytest.raises(EncodeError, match="free some space"):
            trainer.run()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert trainer.step == 6
    assert checkpoint.load(root / "run" / "last.pt")["step"] == 3
    assert sum("training continues" in line for line in lines) >= 3
    create_model("adain", weights=root / "run" / "best.safetensors")


def test_unpaired_and_mixed_training_reduce_the_loss(root: Path) -> None:
    judge = root / "judge.safetensors"
    save_file(PerceptualEncoder((4, 4, 4, 4, 4)).state_dict(), judge)
    unpaired = "[{path: pairs/rgb, infrared: pairs/ir, pairing: unpaired}]"
    alone = recipe_of(
        root, data__sources=unpaired, data__validation="pairs/rgb", data__validation_pairing="unpaired",
        losses="{content: 1, gram: 1, histogram: 1, adversarial: 0.1}", training__steps="3",
    )  # fmt: skip
    trainer = trainer_of(root, "unpaired", alone, str(judge))
    before = weights_of(trainer)
    report = trainer.run()
    assert report is not None
    assert "gradient_input" in report.scores["pairs-rgb"]
    assert not torch.equal(weights_of(trainer), before)
    mixed = recipe_of(root, data__sources=f"[{{path: pairs}}, {unpaired[1:-1]}]", training__steps="3")
    trainer_of(root, "mixed", mixed).run()


def test_losses_that_need_ground_truth_are_rejected_for_unpaired_data(root: Path) -> None:
    unpaired = "[{path: pairs, pairing: unpaired}]"
    with pytest.raises(InputError, match="gradient, thermal_map"):
        trainer_of(root, "x", recipe_of(root, data__sources=unpaired, training__reconstruction="0"))
