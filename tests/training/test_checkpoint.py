import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ir_transfer.errors import EncodeError, WeightsError
from ir_transfer.training import checkpoint

WRITER = """
import sys
from pathlib import Path
import torch
from ir_transfer.training import checkpoint
for step in range(10**6):
    checkpoint.save(Path(sys.argv[1]), {"step": step, "model": {"w": torch.full((200_000,), float(step))}})
    print(step, flush=True)
"""


def test_damaged_and_unknown_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "last.pt").write_bytes(b"nothing")
    with pytest.raises(WeightsError, match=r"last\.pt"):
        checkpoint.load(tmp_path / "last.pt")
    torch.save({"weights": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(WeightsError, match=r"other\.pt.*another kind"):
        checkpoint.load(tmp_path / "other.pt")


class Surprise:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, ("surprise",)


def test_loading_a_file_runs_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"step": 1, "model": Surprise()}, tmp_path / "last.pt")
    with pytest.raises(WeightsError, match=r"last\.pt"):
        checkpoint.load(tmp_path / "last.pt")
    assert not (tmp_path / "surprise").exists()


def test_random_state_is_saved_per_device(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu, gpu = torch.device("cpu"), torch.device("cuda", 1)
    restored: list[tuple[torch.Tensor, torch.device]] = []
    there = torch.arange(16, dtype=torch.uint8)
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda device: there if device == gpu else None)
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, device: restored.append((state, device)))
    alone, both = checkpoint.random_state(cpu), checkpoint.random_state(gpu)
    expected = torch.rand(2)
    assert {*alone} == {"rng"}
    for state, device in ((alone, cpu), (both, cpu), (alone, gpu)):  # moved to another kind of machine
        checkpoint.restore_random_state(state, device)
        assert torch.equal(torch.rand(2), expected)
    assert not restored
    checkpoint.restore_random_state(both, gpu)
    assert torch.equal(torch.rand(2), expected)
    assert restored == [(there, gpu)]


def test_full_disk_keeps_the_previous_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    checkpoint.save(path, {"step": 1, "model": {}})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(EncodeError, match=r"last\.pt.*unchanged.*free some space"):
            checkpoint.save(path, {"step": 2, "model": {"w": torch.rand(100_000)}})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert checkpoint.load(path)["step"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["last.pt"]


def test_sigkill_always_leaves_a_complete_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for _ in range(3):
        process.stdout.readline()
    time.sleep(0.0137)  # somewhere between two renames
    process.kill()
    written = process.communicate()[0].split()
    state = checkpoint.load(path)
    assert state["step"] >= int(written[-1] if written else 2)
    assert bool((state["model"]["w"] == state["step"]).all())
