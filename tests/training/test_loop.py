import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
import yaml
from safetensors.torch import save_file

from ir_transfer import create_model
from ir_transfer.errors import InputError, WeightsError
from ir_transfer.nn.perceptual import PerceptualEncoder
from ir_transfer.training import checkpoint
from ir_transfer.training.batches import Batch
from ir_transfer.training.loop import Trainer
from ir_transfer.training.recipe import Recipe, load_recipe
from ir_transfer.training.run_folder import RunFolder
from ir_transfer.training.validate import Scores
from tests.training.pair_set import render_pairs

RAW = {
    "model": {"name": "adain", "hyper_parameters": {"widths": [4, 8, 8], "depths": [1, 1, 1]}},
    "data": {
        "band": "lwir",
        "sources": [{"path": "pairs"}],
        "validation": "pairs",
        "validation_every": 4,
        "validation_exemplar": "pairs/ir/scene_1.png",
        "crop": 64,
    },
    "losses": {"charbonnier": 1.0, "laplacian": 0.5},
    "training": {
        "steps": 6, "batch_size": 2, "warmup_steps": 2, "decay_steps": 3, "validate_every": 3, "precision": "float32",
    },
}  # fmt: skip


@pytest.fixture
def root(tmp_path: Path) -> Path:
    render_pairs(tmp_path / "pairs", 8)
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(RAW))
    return tmp_path


def recipe_of(root: Path, **overrides: str) -> Recipe:
    return load_recipe(root / "recipe.yaml", {k.replace("__", "."): v for k, v in overrides.items()})


def trainer_of(root: Path, out: str, recipe: Recipe, vgg: str | None = None) -> Trainer:
    return Trainer(recipe, root, RunFolder(root / out, lambda _: None), vgg)


def weights_of(trainer: Trainer) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in trainer.learner.model.parameters()])


def test_resumed_run_equals_an_uninterrupted_one_to_the_bit(root: Path) -> None:
    whole = trainer_of(root, "whole", recipe_of(root))
    whole.run()
    first = trainer_of(root, "parts", recipe_of(root))
    batch_limit = 3
    original = first.train_step

    def stop_after_three(batch: Batch) -> dict[str, float]:
        losses = original(batch)
        first.stopping = first.step + 1 >= batch_limit
        return losses

    first.train_step = stop_after_three  # type: ignore[method-assign]
    first.run()
    assert first.step == batch_limit
    second = trainer_of(root, "parts", recipe_of(root))
    second.resume()
    second.run()
    assert second.step == whole.step == 6
    assert torch.equal(weights_of(second), weights_of(whole))


def test_loss_falls_and_the_best_weights_load_with_their_story(root: Path) -> None:
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
    assert isinstance(scores, Scores)
    assert scores.psnr > 5
    model = create_model("adain", weights=root / "run" / "best.safetensors")
    assert json.loads(model.metadata["recipe"])["data"]["band"] == "lwir"
    assert "psnr" in json.loads(model.metadata["scores"])
    assert (root / "run" / "sheet-000060.png").stat().st_size > 1000


def test_adversarial_training_moves_the_critic(root: Path) -> None:
    trainer = trainer_of(root, "gan", recipe_of(root, losses__adversarial="0.1"))
    critic = trainer.learner.objective.critic
    assert critic is not None
    before = [p.detach().clone() for p in critic.parameters()]
    trainer.run()
    assert any(not torch.equal(a, b) for a, b in zip(before, critic.parameters(), strict=True))


def test_hints_train_the_encoder_alone_until_the_other_losses_start(root: Path) -> None:
    judge = root / "judge.safetensors"
    save_file(PerceptualEncoder((4, 4, 4, 4, 4)).state_dict(), judge)
    overrides = {"losses__hints": "1.0", "training__starts": "{charbonnier: 4, laplacian: 4}"}
    recipe = recipe_of(root, **overrides, training__steps="4")
    trainer = trainer_of(root, "hints", recipe, str(judge))
    before = {name: p.detach().clone() for name, p in trainer.learner.model.named_parameters()}
    trainer.run()
    # Weight decay alone scales a parameter; learning turns it.
    turned = {
        name
        for name, p in trainer.learner.model.named_parameters()
        if p.dim() > 1 and F.cosine_similarity(before[name].flatten(), p.detach().flatten(), dim=0) < 1 - 1e-5
    }
    assert {"encoder.levels.0.0.conv.weight", "encoder.levels.2.0.conv.weight"} <= turned
    assert not any(name.startswith(("decoder", "exemplar_encoder")) for name in turned)


def test_perceptual_loss_without_a_judge_is_refused(root: Path) -> None:
    with pytest.raises(InputError, match="--vgg"):
        trainer_of(root, "x", recipe_of(root, losses__perceptual="1"))


def test_nan_stops_the_run_and_saves_the_batch(root: Path) -> None:
    trainer = trainer_of(root, "nan", recipe_of(root))
    with torch.no_grad():
        next(trainer.learner.model.parameters()).fill_(float("nan"))
    with pytest.raises(InputError, match="finite"):
        trainer.run()
    assert set(torch.load(root / "nan" / "bad_batch.pt", weights_only=True)) >= {"content", "truth", "exemplar"}


def test_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    (tmp_path / "last.pt").write_bytes(b"nothing")
    with pytest.raises(WeightsError, match=r"last\.pt"):
        checkpoint.load(tmp_path / "last.pt")


def test_command_saves_on_sigterm_and_resumes(root: Path) -> None:
    command = [
        sys.executable, "-m", "ir_transfer", "train", str(root / "recipe.yaml"), "--data", str(root),
        "-o", str(root / "cli"), "--set", "training.steps=100000", "--set", "training.validate_every=100000",
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert process.stdout is not None
    watchdog = threading.Timer(120, process.kill)
    watchdog.start()
    for line in process.stdout:
        if line.startswith("step 50"):
            process.send_signal(signal.SIGTERM)
            break
    process.communicate()
    watchdog.cancel()
    assert process.returncode == 0
    assert checkpoint.load(root / "cli" / "last.pt")["step"] >= 50
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "--resume" in refused.stderr


def test_training_can_start_from_trained_weights(root: Path) -> None:
    first = trainer_of(root, "first", recipe_of(root))
    first.learner.model.save(root / "start.safetensors")
    second = trainer_of(root, "second", recipe_of(root, training__seed="5"))
    assert not torch.equal(weights_of(second), weights_of(first))
    second.learner.initialise(str(root / "start.safetensors"))
    assert torch.equal(weights_of(second), weights_of(first))
