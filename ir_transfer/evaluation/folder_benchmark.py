"""Convert a rendered folder in a process of its own; watch its memory, and where its time goes."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from ir_transfer.durations import duration_text
from ir_transfer.errors import IrTransferError
from ir_transfer.evaluation.process_memory import peak, resident
from ir_transfer.models.registry import create_model

WIDTH, HEIGHT = 640, 512
_DISTINCT = 20
_INTERVAL = 0.2


@dataclass(frozen=True)
class FolderRun:
    """What converting a folder took.

    Attributes:
        pictures: How many were converted.
        seconds: From start to end of the process, its imports included.
        samples: (seconds, resident MiB) over time; empty where the system has no /proc.
        peak_mb: Peak resident memory in MiB; of a cluster, of all its processes, what they share counted in each.
        times: Shares of decode, translate and encode, and how long the device waited, as the command told them.
    """

    pictures: int
    seconds: float
    samples: tuple[tuple[float, float], ...]
    peak_mb: float
    times: str = ""

    @property
    def growth_mb(self) -> float:
        """Median memory of the last quarter of the run minus that of the second: a leak shows here."""
        values = [value for _, value in self.samples]
        quarter = len(values) // 4
        if quarter == 0:
            return 0.0
        return statistics.median(values[-quarter:]) - statistics.median(values[quarter : 2 * quarter])


def convert_folder(
    count: int,
    model: str = "adain",
    threads: int | None = None,
    ray_workers: int | None = None,
    on_step: Callable[[str], None] | None = None,
) -> FolderRun:
    """Render pictures of 640 x 512, convert them with ``ir-transfer convert`` and random weights, and measure.

    Args:
        count: Pictures.
        model: Registered name.
        threads: Processor threads of the command, or of each worker.
        ray_workers: Use a Ray cluster of so many workers on this machine; this process's own engine if None.
        on_step: Called with a line at every tenth of the pictures, which says how long the rest takes.

    Raises:
        IrTransferError: The command failed.
    """
    with tempfile.TemporaryDirectory(prefix="ir-transfer-benchmark-") as name:
        folder = Path(name)
        _render(folder / "photos", count)
        Image.fromarray(render_scene(7)[..., 0]).save(folder / "exemplar.png")
        made = create_model(model, weights=None)
        style = f"preset:{made.styles[0]}" if made.styles else "exemplar.png"
        command = [sys.executable, "-m", "ir_transfer", "convert", "photos", "--style", style, "-o", "out"]
        command += ["--model", model, "-v", *(["--threads", str(threads)] if threads else [])]
        command += ["--engine", "ray", "--ray-workers", str(ray_workers)] if ray_workers else []
        if made.info.needs_weights:
            made.save(folder / "weights.safetensors")
            command += ["--weights", "weights.safetensors"]
        return _watch(command, folder, count, on_step)


def _watch(command: list[str], folder: Path, count: int, on_step: Callable[[str], None] | None) -> FolderRun:
    samples: list[tuple[float, float]] = []
    highest, tenths = 0.0, 0
    start = time.perf_counter()
    with (folder / "errors.txt").open("w") as errors:
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=errors)
        try:
            while process.poll() is None:
                now = _resident_with_children(process.pid)
                if now:
                    samples.append((time.perf_counter() - start, now))
                    highest = max(highest, peak(process.pid) or now, now)
                done = _done(folder / "out")
                if on_step is not None and tenths < 10 * done // count < 10:
                    tenths = 10 * done // count
                    on_step(time_left(done, count, time.perf_counter() - start))
                time.sleep(_INTERVAL)
        finally:
            process.kill()
            process.wait()
    seconds = time.perf_counter() - start
    told = (folder / "errors.txt").read_text()
    made = sum(1 for _ in (folder / "out").glob("*.png"))
    if process.returncode or made != count:
        raise IrTransferError(f"expected {count} pictures from ir-transfer convert, got {made}: {told[-500:]}")
    times = next((line for line in told.splitlines() if "the device waited" in line), "")
    return FolderRun(count, seconds, tuple(samples), highest, times)


def _done(out: Path) -> int:
    """Return how many lines the manifest has besides its header."""
    manifest = out / "manifest.jsonl"
    return max(0, manifest.read_bytes().count(b"\n") - 1) if manifest.is_file() else 0


def time_left(done: int, count: int, seconds: float) -> str:
    """Return how long the rest takes, if ``done`` of ``count`` parts took so many seconds.

    Example:
        >>> time_left(100, 1000, 20.0)
        'about 3 min left (100 of 1000 done)'
    """
    return f"about {duration_text(seconds / done * (count - done))} left ({done} of {count} done)"


def _resident_with_children(process: int) -> float:
    try:
        family = [process, *(child.pid for child in psutil.Process(process).children(recursive=True))]
    except psutil.NoSuchProcess:
        return 0.0
    return sum(resident(one) or 0.0 for one in family)


def _render(folder: Path, count: int) -> None:
    folder.mkdir()
    scenes = [Image.fromarray(render_scene(seed)) for seed in range(min(count, _DISTINCT))]
    for index in range(count):
        scenes[index % len(scenes)].save(folder / f"{index:05d}.jpg", quality=90)


def render_scene(seed: int) -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    """Return an RGB image (512, 640, 3) of smooth colours and a little noise."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (8, 10, 3), dtype=np.uint8)).resize((WIDTH, HEIGHT))
    noisy = np.asarray(coarse).astype(np.int16) + rng.integers(-9, 10, (HEIGHT, WIDTH, 3))
    return noisy.clip(0, 255).astype(np.uint8)
