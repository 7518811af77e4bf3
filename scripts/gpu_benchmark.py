"""Measure a GPU machine in one call of at most --minutes: images/s from disk to disk, seconds an image, waiting, bytes.

    python scripts/gpu_benchmark.py -o results/            # writes gpu.json and gpu.md, again after every figure
    python scripts/gpu_benchmark.py --dry-run -o results/  # tiny sizes on the CPU: shows that the script works

Runs from a checkout with PYTHONPATH set to it. Of the dependencies of the package it needs torch, torchvision, kornia,
rasterio, scikit-image, scipy, opencv, Pillow, safetensors, psutil, PyYAML, click and packaging.
Measurements skipped for lack of time are listed in the results.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from ir_transfer import create_model
from ir_transfer.conversion.batches import BUCKETS
from ir_transfer.conversion.convert import convert
from ir_transfer.conversion.devices import pick_device
from ir_transfer.conversion.options import Options, Precision
from ir_transfer.conversion.styles.choose import choose_styles
from ir_transfer.conversion.translate import Translator
from ir_transfer.evaluation.benchmark.folder import render_scene
from ir_transfer.evaluation.benchmark.memory import own_peak
from ir_transfer.imaging.image_io import DecodedImage, to_levels, write_whole
from ir_transfer.json_files import json_text
from ir_transfer.resources import PRESET

_MIB = 2**20
_MIX = {(480, 640): 30, (427, 640): 20, (640, 480): 10, (375, 500): 5}
"""Heights and widths of images in COCO with their percentage; other images have random sizes."""


@dataclass(frozen=True)
class Plan:
    """Settings of the measurements.

    Attributes:
        device: Device of the computation.
        models: Names of systems with shipped weights; the first converts folders.
        sides: Of square images.
        precisions: To compute in.
        rounds: Timed batches of each kind.
        images: In a folder of the smallest side; folders of larger images have as many pixels.
        distinct: Different images in a folder.
        batch: Images in the largest batch.
    """

    device: str = "cuda"
    models: tuple[str, ...] = ("adain", "wct2", "msgnet", "adjustable", "cin", "johnson", "style_swap")
    sides: tuple[int, ...] = (512, 1024)
    precisions: tuple[Precision, ...] = ("float32", "bfloat16")
    rounds: int = 20
    images: int = 3000
    distinct: int = 32
    batch: int = BUCKETS[0]


DRY = Plan("cpu", ("adain", "cin"), (32, 48), ("float32",), 1, 4, 2, 2)


@dataclass
class Results:
    """Results so far.

    Attributes:
        out: Folder of the tables.
        machine: Description of the machine.
        models: Seconds an image, by model, precision, side and batch.
        folders: Images/s from disk to disk.
        agreement: How much results depend on the batch and the device.
        left_out: Measurements skipped for lack of time.
    """

    out: Path
    machine: dict[str, Any]
    models: list[dict[str, Any]] = field(default_factory=list)
    folders: list[dict[str, Any]] = field(default_factory=list)
    agreement: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def write(self) -> None:
        """Write ``gpu.json`` and ``gpu.md``."""
        content = {name: value for name, value in asdict(self).items() if name != "out"}
        write_whole(self.out / "gpu.json", (json_text(content, indent=1) + "\n").encode())
        write_whole(self.out / "gpu.md", self.markdown().encode())

    def markdown(self) -> str:
        """Return all results as tables."""
        parts = ["# Measured by scripts/gpu_benchmark.py", "; ".join(f"{k} {v}" for k, v in self.machine.items())]
        for title, rows in (
            ("From disk to disk", self.folders),
            ("Seconds an image", self.models),
            ("Agreement, in levels of 8 bits", self.agreement),
        ):
            if rows:
                head = "| " + " | ".join(name.replace("_", " ") for name in rows[0]) + " |"
                cells = ["| " + " | ".join(_cell(value) for value in row.values()) + " |" for row in rows]
                parts.append("\n".join([f"## {title}", "", head, "|---" * len(rows[0]) + "|", *cells]))
        if self.left_out:
            parts.append("Left out, for want of time: " + ", ".join(self.left_out) + ".")
        return "\n\n".join(parts) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and write the tables; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder of gpu.json and gpu.md")
    parser.add_argument("--minutes", type=float, default=7.0, help="start no measurement after this time (default: 7)")
    parser.add_argument("--dry-run", action="store_true", help="tiny sizes on the CPU")
    parser.add_argument("--images", type=int, help=f"in a folder of the smallest side (default: {Plan.images})")
    asked = parser.parse_args(arguments)
    plan = DRY if asked.dry_run else Plan()
    plan = plan if asked.images is None else replace(plan, images=asked.images)
    if plan.device == "cuda" and not torch.cuda.is_available():
        print("expected a CUDA device, found none: use --dry-run to try the script on the CPU", file=sys.stderr)
        return 2
    results, ends = Results(asked.out, describe_machine(plan)), time.monotonic() + 60 * asked.minutes
    with tempfile.TemporaryDirectory(prefix="ir-transfer-gpu-") as name:
        for what, measure in steps(plan, results, Path(name)):
            if time.monotonic() > ends:
                results.left_out.append(what)
            else:
                print(f"{what} ({ends - time.monotonic():.0f} s left)", flush=True)
                measure()
            results.write()
    print(results.markdown())
    return 0


def steps(plan: Plan, results: Results, folder: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield the measurements with their names, the most important first."""
    exemplar = folder / "exemplar.png"
    Image.fromarray(render_scene(7)[..., 0]).save(exemplar)

    def translator(model: str, precision: Precision, device: str = plan.device) -> Translator:
        choice = choose_styles([style_of(model, exemplar)], model=model)
        return Translator.load(choice, pick_device(device), precision=precision)

    first, small = plan.models[0], plan.sides[0]
    yield f"seconds of {first}", lambda: time_model(plan, results, first, translator)
    yield "agreement", lambda: results.agreement.extend(agreement(plan, first, translator))
    for precision, side in itertools.product(plan.precisions, [*plan.sides, None]):
        count = max(plan.images * small**2 // (side or small) ** 2, plan.distinct)
        sizes = mixed_sizes(count, small / 512) if side is None else [(side, side)] * count
        yield (
            f"folder of {'mixed sizes' if side is None else side} in {precision}",
            lambda sizes=sizes, precision=precision: results.folders.append(  # type: ignore[misc]
                time_folder(plan, folder, sizes, precision, style_of(first, exemplar))
            ),
        )
    for model in plan.models[1:]:
        yield f"seconds of {model}", lambda model=model: time_model(plan, results, model, translator)  # type: ignore[misc]


def style_of(model: str, exemplar: Path) -> str:
    """Return the value of ``--style`` for a model: its first learned style if it has any."""
    fixed = create_model(model).styles
    return f"{PRESET}{fixed[0]}" if fixed else str(exemplar)


def time_model(plan: Plan, results: Results, model: str, load: Callable[[str, Precision], Translator]) -> None:
    """Measure batches of one image and full batches, by precision and side."""
    cuda = plan.device == "cuda"
    for precision in plan.precisions:
        translator = load(model, precision)
        for side in plan.sides:
            for count in dict.fromkeys([1, min(plan.batch, translator.batch_for(side, side) if cuda else plan.batch)]):
                results.models.append(
                    {"model": model, "precision": precision, "side": side, "batch": count}
                    | time_batches(translator, scenes(count, side), plan.rounds)
                )


def time_batches(translator: Translator, images: Sequence[DecodedImage], rounds: int) -> dict[str, Any]:
    """Return seconds an image, of the device and of the clock, bytes of the device, and how often the host waits."""
    one = replace(translator, batch_size=len(images))
    for _ in range(2):
        one.launch(images, 8).results()
    waits = host_waits(lambda: one.launch(images, 8))
    if one.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    device, clock = [], []
    for _ in range(rounds):
        began = time.perf_counter()
        launched = one.launch(images, 8)
        launched.results()
        clock.append((time.perf_counter() - began) / len(images))
        device.append(launched.seconds() / len(images))
    return {
        "seconds_device": statistics.median(device),
        "seconds_clock": statistics.median(clock),
        "host_waits": waits,
        "device_mib": device_peak(),
    }


def host_waits(launch: Callable[[], object]) -> int | None:
    """Return the number of times that the host waits for the device while launching a batch; None on a CPU."""
    if not torch.cuda.is_available():
        return None
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            launch()
        return sum("synchronizing" in str(warning.message) for warning in caught)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def agreement(plan: Plan, model: str, load: Callable[..., Translator]) -> list[dict[str, Any]]:
    """Return the difference of the levels of a full batch from those of single images, and of the CPU."""
    rows = []
    images = scenes(plan.batch, plan.sides[0])
    for precision in plan.precisions:
        translator = load(model, precision)
        alone = replace(translator, batch_size=1)(images)
        rows.append(
            {"model": model, "precision": precision, "compared": f"a batch of {len(images)} with its images alone"}
            | difference(replace(translator, batch_size=len(images))(images), alone)
        )
        rows.append(
            {"model": model, "precision": precision, "compared": f"{plan.device} with the CPU in float32"}
            | difference(alone[:2], load(model, "float32", "cpu")(images[:2]))
        )
    return rows


def difference(left: Sequence[np.ndarray], right: Sequence[np.ndarray]) -> dict[str, float]:
    """Return the share of pixels with another level, and the largest difference."""
    apart = np.abs(np.stack([to_levels(x) for x in left]).astype(int) - np.stack([to_levels(x) for x in right]))
    return {"share_that_differs": float((apart > 0).mean()), "largest": int(apart.max())}


def time_folder(
    plan: Plan, folder: Path, sizes: Sequence[tuple[int, int]], precision: Precision, style: str
) -> dict[str, Any]:
    """Convert a folder of JPEG images of some sizes (H, W) in this process, after a few that warm up."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        inputs = Path(name) / "rgb"
        write_images(inputs, sizes, plan.distinct)
        asked = Options(
            (str(inputs),), (style,), model=plan.models[0], precision=precision, device=plan.device, overwrite=True
        )
        few = tuple(str(path) for path in sorted(inputs.iterdir())[: 2 * BUCKETS[0]])
        convert(replace(asked, inputs=few, out=Path(name) / "warm"))
        if plan.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        summary = convert(replace(asked, out=Path(name) / "ir"))
        if summary.converted != len(sizes):
            raise RuntimeError(f"expected {len(sizes)} results, got {summary.converted}: {summary.stopped}")
        times = summary.times
        return {
            "images": f"{len(sizes)} of {'mixed sizes' if len(set(sizes)) > 1 else f'{sizes[0][1]} x {sizes[0][0]}'}",
            "precision": precision,
            "images_per_second": len(sizes) / times.whole,
            "device_waits": times.waiting,
            "wait_read_s": times.wait_read,
            "wait_write_s": times.wait_write,
            "decode_ms": 1000 * times.decode / len(sizes),
            "translate_ms": 1000 * times.translate / len(sizes),
            "encode_ms": 1000 * times.encode / len(sizes),
            "device_mib": device_peak(),
            "host_peak_mib": own_peak(),
        }


def write_images(folder: Path, sizes: Sequence[tuple[int, int]], distinct: int) -> None:
    """Write a JPEG image of each size (H, W), from a few distinct scenes."""
    folder.mkdir()
    rendered = [Image.fromarray(render_scene(seed)) for seed in range(distinct)]
    encoded: dict[tuple[int, int, int], bytes] = {}
    for index, (height, width) in enumerate(sizes):
        key = (height, width, index % distinct)
        path = folder / f"{index:06d}.jpg"
        if key in encoded:
            path.write_bytes(encoded[key])
        else:
            rendered[key[2]].resize((width, height)).save(path, quality=90)
            encoded[key] = path.read_bytes()


def mixed_sizes(count: int, scale: float) -> list[tuple[int, int]]:
    """Return heights and widths distributed as in COCO, times a scale."""
    random = np.random.default_rng(0)
    often = [size for size, share in _MIX.items() for _ in range(share)]
    rare = [(int(side), 640) for side in random.integers(300, 640, 100 - len(often))]
    drawn = random.choice(np.array([*often, *rare]), count)
    return [(round(height * scale), round(width * scale)) for height, width in drawn]


def scenes(count: int, side: int) -> list[DecodedImage]:
    """Return rendered images of one size, as they are decoded."""
    images = [np.asarray(Image.fromarray(render_scene(seed)).resize((side, side))) for seed in range(count)]
    return [DecodedImage(np.ascontiguousarray(image.transpose(2, 0, 1)), 255.0, "") for image in images]


def device_peak() -> float | None:
    """Return the peak memory of tensors on the GPU in MiB since the last reset; None without a GPU."""
    return torch.cuda.max_memory_allocated() / _MIB if torch.cuda.is_available() else None


def describe_machine(plan: Plan) -> dict[str, Any]:
    """Return the properties of the machine that affect the results."""
    cuda = plan.device == "cuda"
    return {
        "device": torch.cuda.get_device_name() if cuda else "CPU (dry run: no figure here says anything)",
        "cores": len(os.sched_getaffinity(0)),
        "torch": str(torch.__version__),
        "cuda": torch.version.cuda if cuda else None,
        "cudnn": torch.backends.cudnn.version() if cuda else None,
        "tf32 convolutions": torch.backends.cudnn.allow_tf32 if cuda else None,
        "python": sys.version.split()[0],
    }


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
