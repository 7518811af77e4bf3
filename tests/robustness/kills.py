"""Repeatedly kills and resumes a command: ``python -m tests.robustness.kills KILLS FILES ...``."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

import torch  # noqa: F401  # loaded once: each start is a fork
import torchvision  # noqa: F401

from ir_transfer.cli import main
from ir_transfer.dataset import generate  # noqa: F401


def _start(arguments: list[str]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        os._exit(main(arguments))
    finally:
        os._exit(99)


def _written(out: Path) -> int:
    return sum(1 for path in out.rglob("*") if path.suffix in {".png", ".tif"})


def kill_and_resume(kills: int, files: int, out: Path, arguments: list[str], seed: int = 0) -> tuple[int, int]:
    """Run a command with ``--resume``, kill it a number of times, then let it finish.

    Kills depend on progress, not on time, so that their number does not depend on the machine.

    Args:
        kills: Number of kills.
        files: Number of images that the complete run writes.
        out: Folder in which they are counted.
        arguments: Of ``ir-transfer``.
        seed: Seed of the times of the kills.

    Returns:
        The number of kills, and the exit code of the last run.
    """
    draw = random.Random(seed)
    killed = 0
    for _ in range(kills):
        enough = _written(out) + draw.randrange(files // (kills + 1))
        child = _start([*arguments, "--resume"])
        while _written(out) < enough and os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            time.sleep(0.001)
        time.sleep(draw.uniform(0, 0.02))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        killed += os.WIFSIGNALED(status)
    _, status = os.waitpid(_start([*arguments, "--resume"]), 0)
    return killed, os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    out = Path(sys.argv[sys.argv.index("-o") + 1])
    print(*kill_and_resume(int(sys.argv[1]), int(sys.argv[2]), out, sys.argv[3:]))  # noqa: T201
