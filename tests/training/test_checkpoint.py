import resource
import subprocess
import sys
import time
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


def test_damaged_and_foreign_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "last.pt").write_bytes(b"nothing")
    with pytest.raises(WeightsError, match=r"last\.pt"):
        checkpoint.load(tmp_path / "last.pt")
    torch.save({"weights": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(WeightsError, match=r"other\.pt.*another kind"):
        checkpoint.load(tmp_path / "other.pt")


def test_a_full_disk_leaves_the_last_good_one(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    checkpoint.save(path, {"step": 1, "model": {}})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(EncodeError, match=r"last\.pt.*unharmed.*free some space"):
            checkpoint.save(path, {"step": 2, "model": {"w": torch.rand(100_000)}})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert checkpoint.load(path)["step"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["last.pt"]


def test_kill_9_at_any_moment_leaves_a_whole_one(tmp_path: Path) -> None:
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
