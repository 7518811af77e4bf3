"""Time and memory of the conversion of a rendered folder, in a separate process."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from ir_transfer.durations import duration_text
from ir_transfer.errors import IrTransferError
from ir_transfer.evaluation.benchmark.memory import peak
from ir_transfer.models.registry import create_model

WIDTH, HEIGHT = 640, 512
_DISTINCT = 20  # scenes, which repeat
_INTERVAL = 0.2  # seconds between samples of the memory


@dataclass(frozen=True)
class FolderRun:
    """The measurements of the conversion of a folder.

    Attributes:
        images: Number of converted images.
        seconds: Run time of the process, including imports.
        samples: (seconds, resident MiB) over time.
        peak_mb: Peak resident memory in MiB; of a cluster, the sum over its processes.
        times: Shares of decode, translate and encode, and idle time of the device, as the command reported them.
    """

    images: int
    seconds: float
    samples: tuple[tuple[float, float], ...]
    peak_mb: float
    times: str = ""

    @property
    def growth_mb(self) -> float:
        """Median memory in MiB of the last quarter of the run minus that of the second quarter, to find leaks."""
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
    """Render images of 640 x 512, convert them with ``ir-transfer convert`` and random weights, and measure.

    Args:
        count: Number of images.
        model: Registered name.
        threads: CPU threads of the command, or of each worker.
        ray_workers: Workers of a Ray cluster on this machine; None uses the local engine.
        on_step: Called at every tenth of the images with a line on the remaining time.

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
    messages = (folder / "errors.txt").read_text()
    made = sum(1 for _ in (folder / "out").glob("*.png"))
    if process.returncode or made != count:
        raise IrTransferError(f"expected {count} images from ir-transfer convert, got {made}: {messages[-500:]}")
    times = next((line for line in messages.splitlines() if "; device idle for " in line), "")
    return FolderRun(count, seconds, tuple(samples), highest, times)


def _done(out: Path) -> int:
    """Return the number of lines of the manifest, without its header."""
    manifest = out / "manifest.jsonl"
    return max(0, manifest.read_bytes().count(b"\n") - 1) if manifest.is_file() else 0


def time_left(done: int, count: int, seconds: float) -> str:
    """Return the estimated remaining time after ``done`` of ``count`` items took so many seconds.

    Example:
        >>> time_left(100, 1000, 20.0)
        'about 3 min left (100 of 1000 done)'
    """
    return f"about {duration_text(seconds / done * (count - done))} left ({done} of {count} done)"


def _resident_with_children(process: int) -> float:
    """Return the resident memory in MiB of a process and all its running children."""
    total = 0.0
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(process)
        for one in (parent, *parent.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                total += one.memory_info().rss / 2**20
    return total


def _render(folder: Path, count: int) -> None:
    folder.mkdir()
    scenes = [Image.fromarray(render_scene(seed)) for seed in range(min(count, _DISTINCT))]
    for index in range(count):
        scenes[index % len(scenes)].save(folder / f"{index:05d}.jpg", quality=90)


def render_scene(seed: int) -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    """Return a random RGB image (512, 640, 3) of smooth colours and weak noise."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (8, 10, 3), dtype=np.uint8)).resize((WIDTH, HEIGHT))
    noisy = np.asarray(coarse).astype(np.int16) + rng.integers(-9, 10, (HEIGHT, WIDTH, 3))
    return noisy.clip(0, 255).astype(np.uint8)
