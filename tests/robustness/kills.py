"""Starts a command again and again, and kills it at random moments: ``python -m tests.robustness.kills KILLS ...``."""

from __future__ import annotations

import os
import random
import signal
import sys
import time

import torch  # noqa: F401  # loaded once: each start is a fork
import torchvision  # noqa: F401

from ir_transfer.cli import main
from ir_transfer.conversion.dataset import generate  # noqa: F401


def _start(arguments: list[str]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        os._exit(main(arguments))
    finally:
        os._exit(99)


def kill_and_resume(kills: int, longest: float, arguments: list[str], seed: int = 0) -> tuple[int, int]:
    """Run a command with ``--resume`` until it has been killed often enough, then to its end.

    Args:
        kills: How often.
        longest: Seconds after which it is killed at the latest.
        arguments: Of ``ir-transfer``.
        seed: Of the moments.

    Returns:
        How often it was killed before it had finished, and the exit code of the last run.
    """
    draw = random.Random(seed)
    killed = 0
    for _ in range(kills):
        child = _start([*arguments, "--resume"])
        time.sleep(draw.uniform(0, longest))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        killed += os.WIFSIGNALED(status)
    _, status = os.waitpid(_start([*arguments, "--resume"]), 0)
    return killed, os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    print(*kill_and_resume(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]))  # noqa: T201
