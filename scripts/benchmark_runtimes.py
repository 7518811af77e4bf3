"""Times an exported model in every runtime beside eager torch, in one run, and the start to the first image.

The candidates take turns in every round, so that their ratios hold on a busy machine; seconds of the processor are
given beside those of the clock, because they depend less on what else runs. Example:

    python scripts/benchmark_runtimes.py --sizes 512,1024 --threads 2 --calibrate photos/ -o runtimes.md
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np
import torch
from PIL import Image

from ir_transfer.conversion.exported.int8 import export_int8
from ir_transfer.conversion.exported.make import ExportOptions, export_file, prepare_export
from ir_transfer.export.check import check_images
from ir_transfer.export.metadata import FileKind
from ir_transfer.export.sessions import OnnxRuntimeSession, OpenVinoSession, Session, inputs_of

_PAGE = Path(__file__).parents[1] / "docs" / "export.md"
_REFERENCE = "torch float32"
_PAUSE = 0.3  # seconds: threads of the runtime before go on spinning after its result


@dataclass
class Candidate:
    """A way to translate an image.

    Attributes:
        name: Name of the row.
        run: Translates one image (1, 3, H, W).
        wall: Seconds of the clock of every round.
        processor: Seconds of the processor, all threads together.
    """

    name: str
    run: Callable[[np.ndarray], np.ndarray]
    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def time(self, image: np.ndarray) -> None:
        """Time one image, after a pause and another image."""
        time.sleep(_PAUSE)
        self.run(image)
        wall, processor = time.perf_counter(), time.process_time()
        self.run(image)
        self.wall.append(time.perf_counter() - wall)
        self.processor.append(time.process_time() - processor)


def exported(folder: Path, arguments: argparse.Namespace, kind: FileKind) -> ExportOptions:
    """Return the options of a file in a folder."""
    name = "model.onnx" if kind == "onnx" else "model.xml"
    return ExportOptions(arguments.model, folder / name, kind, (arguments.style,), threads=arguments.threads)


def candidates(folder: Path, arguments: argparse.Namespace) -> list[Candidate]:
    """Export the model and return every way to run it."""
    threads, options = arguments.threads, exported(folder, arguments, "onnx")
    export_file(options, print)
    found = prepare_export(options)
    model = found.model.to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def eager(image: np.ndarray) -> np.ndarray:
        content = torch.from_numpy(image).contiguous(memory_format=torch.channels_last)
        result: np.ndarray = model(content, found.code).numpy()
        return result

    sessions: dict[str, Session] = {
        "onnxruntime float32": OnnxRuntimeSession(options.out, threads),
        "openvino float32": OpenVinoSession(options.out, threads),
        "openvino float32, free shapes": OpenVinoSession(options.out, threads, shapes="dynamic"),
        "openvino bfloat16": OpenVinoSession(options.out, threads, bfloat16=True),
    }
    if arguments.calibrate is not None:
        int8 = ExportOptions(arguments.model, folder / "int8.xml", "openvino", (arguments.style,), threads=threads)
        print(export_int8(int8, arguments.calibrate, None, print).calibration)
        sessions["openvino int8"] = OpenVinoSession(int8.out, threads)
        sessions["openvino int8 and bfloat16"] = OpenVinoSession(int8.out, threads, bfloat16=True)
    return [Candidate(_REFERENCE, eager), *(Candidate(name, runner(one)) for name, one in sessions.items())]


def runner(session: Session) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function that takes only an image."""
    return lambda image: session.run(inputs_of(image, 1.0, {}))


def measured(found: list[Candidate], side: int, rounds: int) -> list[str]:
    """Time the candidates by turns at a size and return the rows of the table."""
    (image,) = (one.numpy() for one in check_images(((side, side),)))
    wanted = found[0].run(image)
    differences = [float(np.abs(one.run(image) - wanted).max()) for one in found]  # compiles, too
    for one in found:
        one.wall.clear()
        one.processor.clear()
    for number in range(rounds):
        print(f"{side} x {side}: round {number + 1} of {rounds}", file=sys.stderr)
        for one in found:
            one.time(image)
    first = found[0]
    return [
        f"| {one.name} | {side} | {median(one.wall):.3f} | {median(one.processor):.3f} | "
        f"{ratio(first.wall, one.wall):.2f} | {ratio(first.processor, one.processor):.2f} | {difference:.1e} |"
        for one, difference in zip(found, differences, strict=True)
    ]


def ratio(reference: list[float], own: list[float]) -> float:
    """Return the median over the rounds of the reference time divided by the candidate's time."""
    return median(a / b for a, b in zip(reference, own, strict=True))


def first_image(folder: Path, side: int) -> str:
    """Return time and memory from the start of Python to the first image, by the program of the documentation."""
    (program,) = re.findall(r"```python\n(.*?)```", _PAGE.read_text(), flags=re.DOTALL)
    # Of this process alone: the largest memory that the system reports for a child includes its parent's.
    (folder / "alone.py").write_text(
        program + "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])\n"
    )
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    Image.fromarray(pixels).save(folder / "photo.png")
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-I", "alone.py", "model.onnx", "photo.png", "result.png"]
    made = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    wall = time.perf_counter() - start
    peak = int(made.stdout.splitlines()[-1])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return f"| {side} | {wall:.2f} | {processor:.2f} | {peak / 1024:.0f} |"


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="adain")
    parser.add_argument("--style", default="preset:lwir-road-night")
    parser.add_argument("--sizes", default="512,1024", help="sides of the images")
    parser.add_argument("--first-sizes", default="512,2048", help="sides of the images of the start")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--calibrate", type=Path, help="folder of RGB images for int8")
    parser.add_argument("-o", "--out", type=Path, help="also write the tables to this file")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    lines = [
        f"{arguments.model} with {arguments.style}, {arguments.threads} threads, medians of {arguments.rounds} rounds; "
        f"load of the machine at the start {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores",
        "",
        "| runtime | side | seconds | processor s | x torch | x torch (processor) | largest difference |",
        "|---|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as place:
        found = candidates(Path(place), arguments)
        for side in map(int, arguments.sizes.split(",")):
            lines += measured(found, side, arguments.rounds)
        lines += ["", "From the start of Python to the first image, by onnxruntime alone:", ""]
        lines += ["| side | seconds | processor s | peak MiB |", "|---|---|---|---|"]
        lines += [first_image(Path(place), int(side)) for side in arguments.first_sizes.split(",")]
    text = "\n".join(lines) + "\n"
    print(text)
    if arguments.out is not None:
        arguments.out.write_text(text)


if __name__ == "__main__":
    main()
