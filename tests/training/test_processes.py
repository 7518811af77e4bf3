import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ir_transfer.training import checkpoint
from ir_transfer.training.processes import Processes
from tests.training.runs import make_root

# Means over samples, on paired and unpaired ones alike.
LOSSES = "{l1: 1, correlation: 0.5, histogram: 0.5, tv: 0.1, adversarial: 0.1}"

# What a loss, dropout or a model draws inside a step, printed by rank and step.
DRAWING = """
import sys
from pathlib import Path
import torch
from ir_transfer.training.batches import BatchSource
from ir_transfer.training.learner import Learner
from ir_transfer.training.processes import join
from ir_transfer.training.recipe_files import load_recipe

root = Path(sys.argv[1])
recipe = load_recipe(root / "recipe.yaml")
with join(torch.device("cpu")) as processes:
    learner = Learner(recipe, None, processes)
    drawn = []
    learner.objective.register_forward_pre_hook(lambda *_: drawn.append(torch.rand(()).item()))
    batches = BatchSource(recipe.data, root, 0, 0.0, processes.rank, processes.count)
    for step in range(2):
        learner.learn(batches.draw(step, 2), step)
    drawn.append(processes.mean(torch.tensor(float(processes.rank))).item())
    (root / f"drawn-{processes.count}-{processes.rank}").write_text(" ".join(map(str, drawn)))
"""
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def train(root: Path, out: str, launcher: list[str]) -> str:
    arguments = [
        "-m", "ir_transfer", "train", str(root / "recipe.yaml"), "--data", str(root), "-o", str(root / out),
        "--threads", "1", "--set", f"losses={LOSSES}", "--set", "training.steps=5", "--set", "training.batch_size=4",
        "--set", "training.lr=1e-4",
        "--set", "data.sources=[{path: pairs}, {path: pairs, pairing: unpaired}]",
    ]  # fmt: skip
    done = subprocess.run([*launcher, *arguments], capture_output=True, text=True, env={**os.environ}, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.timeout(1200)  # four interpreters that import torch, on a machine that may be busy
def test_two_processes_equal_one(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    printed = train(root, "two", [sys.executable, *TORCHRUN])
    train(root, "one", [sys.executable])
    assert "2 process(es)" in printed
    assert printed.count("sanity check passed") == 1
    one, two = (checkpoint.load(root / out / "last.pt") for out in ("one", "two"))
    assert one["step"] == two["step"] == 5
    for part in ("model", "average"):
        for name, expected in one[part].items():
            difference = (two[part][name] - expected).abs()
            # A hidden weight moves by 1e-4 in all. Muon orthogonalises in half precision, where the last bit of a
            # gradient may become the eighth: single entries differ more than the mean.
            if expected.dim() > 1:
                assert difference.mean() < 5e-6, name
                assert difference.max() < 5e-5, name
            else:  # what follows standardises most biases away: their gradient is rounding, which Adam makes a step
                assert difference.max() < 5 * 1.1e-4, name
    # Adam turns the rounding of a gradient that is nearly zero into a step: one bias in a thousand may differ more.
    differences = [(two["critic"][name] - expected).abs().flatten() for name, expected in one["critic"].items()]
    assert torch.cat(differences).mean() < 1e-6


@pytest.mark.timeout(1200)
def test_processes_draw_different_reproducible_samples(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    (root / "drawing.py").write_text(DRAWING)
    drawn = []
    for count, launcher in ((2, TORCHRUN), (1, [])):
        command = [sys.executable, *launcher, str(root / "drawing.py"), str(root)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        drawn.append([file.read_text().split() for file in sorted(root.glob(f"drawn-{count}-*"))])
    two, alone = drawn
    assert [numbers.pop() for numbers in two] == ["0.5", "0.5"], "the mean of the ranks"
    assert alone[0].pop() == "0.0"
    assert [len(numbers) for numbers in two] == [2, 2]
    assert len({number for numbers in two for number in numbers}) == 4
    assert alone == two[:1]  # also in another run


def test_seed_depends_on_run_step_and_process() -> None:
    drawn = set()
    for rank, seed, step in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0)):
        Processes(rank=rank, count=2).seed(seed, step)
        drawn.add(torch.rand(()).item())
    assert len(drawn) == 4
