"""Time, memory and parameter counts of models and of their common implementations, in one run on one machine.

All candidates are timed in every round, so that ratios are reliable on a machine under other load.
"""

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

from ir_transfer.durations import duration_text
from ir_transfer.errors import InputError, IrTransferError
from ir_transfer.evaluation.benchmark.common_networks import CommonAdaIN, CommonWCT2
from ir_transfer.evaluation.benchmark.memory import own_peak
from ir_transfer.imaging.image_io import write_whole
from ir_transfer.json_files import json_text
from ir_transfer.models.registry import create_model

COMMON: dict[str, Callable[[], nn.Module]] = {"adain": CommonAdaIN, "wct2": CommonWCT2}
"""Common implementations by the name of their model."""
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class Candidate:
    """A model to measure.

    Attributes:
        model: Registered name.
        size: Its ``size`` argument (``"vgg19"``), or options of the model (``"steps=20"``); empty for the default.
        common: Measure the common implementation instead of this package's.
        precision: ``"float32"`` or ``"bfloat16"`` (autocast).
        side: Images are ``side`` x ``side``.
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
    """The measurements of a candidate.

    Attributes:
        candidate: The measured model.
        seconds: Seconds for one image, median over rounds.
        fastest: Seconds of the fastest round.
        peak_mb: Peak resident memory of a fresh process that translates two images, in MiB; None if not measured.
        parameters: Number of parameters.
    """

    candidate: Candidate
    seconds: float
    fastest: float
    peak_mb: float | None
    parameters: int


def candidates(models: Sequence[str], sides: Sequence[int], precisions: Sequence[str]) -> list[Candidate]:
    """Return every combination, and the common implementation of each model in float32.

    Args:
        models: Names, ``name:size`` for a size, ``name:key=value`` for an option.
        sides: Sides of the square images in pixels.
        precisions: Some of :data:`PRECISIONS`.

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
    """Time candidates alternately, then measure the memory of each in a separate process.

    Args:
        asked: The candidates.
        rounds: Timed rounds, after one for warm-up.
        threads: Number of CPU threads; None keeps it.
        memory: Whether to measure memory.
        on_step: Called with a progress line for each warm-up, round and memory measurement; most lines include an
            estimate of the remaining time.
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
    """Return the remaining time as the end of a line; empty if there is none."""
    return f": about {duration_text(seconds)} left {what}" if seconds > 0 else ""


def speedups(measurements: Sequence[Measurement]) -> list[float | None]:
    """Return the time of the common implementation over that of each candidate of equal side; None without one."""
    common: Mapping[tuple[str, int], float] = {
        (m.candidate.model, m.candidate.side): m.seconds for m in measurements if m.candidate.common
    }
    found = [common.get((m.candidate.model, m.candidate.side)) for m in measurements]
    return [slow / m.seconds if slow else None for slow, m in zip(found, measurements, strict=True)]


def write_measurements(path: Path, measurements: Sequence[Measurement]) -> None:
    """Write measurements as JSON; see :func:`described_measurements`.

    Raises:
        EncodeError: It cannot be written.
    """
    write_whole(path, (json_text(described_measurements(measurements), indent=1) + "\n").encode())


def described_measurements(measurements: Sequence[Measurement]) -> dict[str, Any]:
    """Return measurements for JSON: one mapping per row, the number of threads and the version of torch."""
    rows = [{"label": m.candidate.label, **asdict(m)} for m in measurements]
    return {"torch": str(torch.__version__), "threads": torch.get_num_threads(), "rows": rows}


def peak_memory(candidate: Candidate, threads: int | None = None) -> float:
    """Return the peak resident memory in MiB of a fresh process that creates the model and translates two images.

    Raises:
        IrTransferError: The process failed.
    """
    task = json_text({**asdict(candidate), "threads": threads})
    command = [sys.executable, "-m", "ir_transfer.evaluation.benchmark.models", task]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise IrTransferError(f"expected {candidate.label} to run in a separate process, got: {reason}")
    return float(done.stdout.split()[-1])


def _call(candidate: Candidate) -> tuple[Callable[[], Tensor], int]:
    """Return a function that translates one image, and the number of parameters."""
    torch.manual_seed(0)
    content, exemplar = torch.rand(1, 3, candidate.side, candidate.side), torch.rand(1, 1, 512, 512)
    if candidate.common:
        network = COMMON[candidate.model]().eval()
        colour = exemplar.expand(-1, 3, -1, -1)
        return _inference(lambda: network(content, colour), candidate), _count(network)
    options = [part for part in candidate.size.split(":") if "=" in part]
    sizes = [part for part in candidate.size.split(":") if part and "=" not in part]
    arguments = {"size": sizes[0]} if sizes else {}
    model = create_model(candidate.model, weights=None, **arguments)
    model.configure(dict(option.split("=", 1) for option in options))
    model = model.to(memory_format=torch.channels_last)
    content = content.contiguous(memory_format=torch.channels_last)
    style = model.style_for(exemplar, white_hot=True)
    return _inference(lambda: model(content, style), candidate), _count(model)


def _inference(function: Callable[[], Tensor], candidate: Candidate) -> Callable[[], Tensor]:
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
