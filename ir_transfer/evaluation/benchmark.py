"""Seconds, memory and parameters of models, beside the common implementations, in one run on one machine.

Ratios are what holds on a machine that does other work: all candidates take turns in every round.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ir_transfer.data.image_io import write_whole
from ir_transfer.durations import duration_text
from ir_transfer.errors import InputError, IrTransferError
from ir_transfer.evaluation.common_networks import CommonAdaIN, CommonWCT2
from ir_transfer.evaluation.process_memory import own_peak
from ir_transfer.json_files import json_text
from ir_transfer.models.registry import create_model

COMMON: dict[str, Callable[[], nn.Module]] = {"adain": CommonAdaIN, "wct2": CommonWCT2}
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class Candidate:
    """One thing to measure.

    Attributes:
        model: Registered name.
        size: Its ``size`` argument (``"vgg19"``), or options of the run (``"steps=20"``); empty for the default.
        common: Measure the common implementation instead of this package's.
        precision: ``"float32"`` or ``"bfloat16"`` (autocast).
        side: Pictures are ``side`` x ``side``.
    """

    model: str
    size: str = ""
    common: bool = False
    precision: str = "float32"
    side: int = 512

    @property
    def label(self) -> str:
        """Name of the row."""
        return f"common {self.model}" if self.common else f"{self.model}{f':{self.size}' if self.size else ''}"

    @property
    def description(self) -> str:
        """The label, side and precision in one line."""
        return f"{self.label}, {self.side} x {self.side}, {self.precision}"


@dataclass(frozen=True)
class Measurement:
    """What one candidate took.

    Attributes:
        candidate: What was measured.
        seconds: Median over rounds for one picture.
        fastest: The fastest round.
        peak_mb: Peak resident memory of a fresh process that translates two pictures, in MiB; None if not asked for.
        parameters: Number of parameters.
    """

    candidate: Candidate
    seconds: float
    fastest: float
    peak_mb: float | None
    parameters: int


def candidates(models: Sequence[str], sides: Sequence[int], precisions: Sequence[str]) -> list[Candidate]:
    """Return every combination, with the common implementation of each model (float32) beside it.

    Args:
        models: Names, ``name:size`` for another size than the default one, ``name:key=value`` for an option.
        sides: Sides of the square pictures.
        precisions: Of :data:`PRECISIONS`.

    Raises:
        InputError: An unknown precision.
    """
    if unknown := set(precisions) - set(PRECISIONS):
        raise InputError(f"expected --precision of {', '.join(PRECISIONS)}, got {', '.join(sorted(unknown))}")
    asked = [name.partition(":")[::2] for name in models]
    names = dict.fromkeys(name for name, _ in asked)
    found = []
    for side in sides:
        found += [Candidate(name, size, False, precision, side) for name, size in asked for precision in precisions]
        found += [Candidate(name, common=True, side=side) for name in names if name in COMMON]
    return found


def measure(
    asked: Sequence[Candidate],
    *,
    rounds: int = 5,
    threads: int | None = None,
    memory: bool = True,
    on_step: Callable[[str], None] | None = None,
) -> list[Measurement]:
    """Time candidates in turns, then take the memory of each in a process of its own.

    Args:
        asked: What to measure.
        rounds: Timed rounds after one that warms up.
        threads: Processor threads.
        memory: Whether to measure memory too.
        on_step: Called with a line for each candidate that warms up or whose memory is taken, and for each round; most
            have an estimate of the time left.
    """
    if threads:
        torch.set_num_threads(threads)
    say = on_step or (lambda line: None)
    calls = [_call(candidate) for candidate in asked]
    seconds: list[list[float]] = [[] for _ in asked]
    for turn in range(rounds + 1):
        began = time.perf_counter()
        for index, (call, _) in enumerate(calls):
            if not turn:
                say(f"warming up {index + 1} of {len(asked)}: {asked[index].description}")
            start = time.perf_counter()
            call()
            if turn:
                seconds[index].append(time.perf_counter() - start)
        done = f"round {turn} of {rounds}" if turn else "warmed up"
        say(done + _left((time.perf_counter() - began) * (rounds - turn), "for the rounds"))
    peaks = _peaks(asked, threads, say) if memory else [None] * len(asked)
    return [
        Measurement(candidate, statistics.median(times), min(times), peak, parameters)
        for candidate, times, peak, (_, parameters) in zip(asked, seconds, peaks, calls, strict=True)
    ]


def _peaks(asked: Sequence[Candidate], threads: int | None, say: Callable[[str], None]) -> list[float | None]:
    peaks: list[float | None] = []
    began = time.perf_counter()
    for done, candidate in enumerate(asked, 1):
        peaks.append(peak_memory(candidate, threads))
        left = (time.perf_counter() - began) / done * (len(asked) - done)
        say(f"memory {done} of {len(asked)}: {candidate.description}" + _left(left, "for the memory"))
    return peaks


def _left(seconds: float, what: str) -> str:
    """Return how long the rest takes, for the end of a line; nothing if there is none."""
    return f": about {duration_text(seconds)} left {what}" if seconds > 0 else ""


def speedups(measurements: Sequence[Measurement]) -> list[float | None]:
    """Return, for each, how many times faster it is than the common implementation at its size."""
    common: Mapping[tuple[str, int], float] = {
        (m.candidate.model, m.candidate.side): m.seconds for m in measurements if m.candidate.common
    }
    found = [common.get((m.candidate.model, m.candidate.side)) for m in measurements]
    return [slow / m.seconds if slow else None for slow, m in zip(found, measurements, strict=True)]


def write_measurements(path: Path, measurements: Sequence[Measurement]) -> None:
    """Write a table as JSON; see :func:`described_measurements`.

    Raises:
        EncodeError: It cannot be written.
    """
    write_whole(path, (json_text(described_measurements(measurements), indent=1) + "\n").encode())


def described_measurements(measurements: Sequence[Measurement]) -> dict[str, Any]:
    """Return a table as JSON has it: one mapping a row, with the machine's threads and torch."""
    rows = [{"label": m.candidate.label, **asdict(m)} for m in measurements]
    return {"torch": str(torch.__version__), "threads": torch.get_num_threads(), "rows": rows}


def peak_memory(candidate: Candidate, threads: int | None = None) -> float:
    """Return the peak resident memory in MiB of a fresh process that makes the model and translates two pictures.

    Raises:
        IrTransferError: That process failed.
    """
    task = json_text({**asdict(candidate), "threads": threads})
    command = [sys.executable, "-m", "ir_transfer.evaluation.benchmark", task]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise IrTransferError(f"expected {candidate.label} to run in a process of its own, got: {reason}")
    return float(done.stdout.split()[-1])


def _call(candidate: Candidate) -> tuple[Callable[[], Tensor], int]:
    """Return what translates one picture, and the number of parameters."""
    torch.manual_seed(0)
    content, exemplar = torch.rand(1, 3, candidate.side, candidate.side), torch.rand(1, 1, 512, 512)
    if candidate.common:
        network = COMMON[candidate.model]().eval()
        colour = exemplar.expand(-1, 3, -1, -1)
        return _quietly(lambda: network(content, colour), candidate), _count(network)
    options = [part for part in candidate.size.split(":") if "=" in part]
    sizes = [part for part in candidate.size.split(":") if part and "=" not in part]
    arguments = {"size": sizes[0]} if sizes else {}
    model = create_model(candidate.model, weights=None, **arguments)
    model.configure(dict(option.split("=", 1) for option in options))
    model = model.to(memory_format=torch.channels_last)
    content = content.contiguous(memory_format=torch.channels_last)
    style = model.style_for(exemplar, white_hot=True)
    return _quietly(lambda: model(content, style), candidate), _count(model)


def _quietly(function: Callable[[], Tensor], candidate: Candidate) -> Callable[[], Tensor]:
    @torch.inference_mode()
    def call() -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=candidate.precision == "bfloat16"):
            return function()

    return call


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _main() -> None:
    task = json.loads(sys.argv[1])
    threads = task.pop("threads")
    if threads:
        torch.set_num_threads(threads)
    call, _ = _call(Candidate(**task))
    for _ in range(2):
        call()
    sys.stdout.write(f"{own_peak():.1f}\n")


if __name__ == "__main__":
    _main()
