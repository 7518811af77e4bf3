"""End-to-end conversion of a generated image by the default model with a bundled style."""

import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ir_transfer.conversion.convert import convert
from ir_transfer.conversion.options import Options
from ir_transfer.conversion.styles.catalog import list_presets
from ir_transfer.conversion.styles.choose import DEFAULT_MODEL
from ir_transfer.diagnosis.check import Check
from ir_transfer.errors import IrTransferError
from ir_transfer.resources import PRESET

WIDTH, HEIGHT = 160, 120
_LEAST_CONTRAST = 4.0  # standard deviation in levels of 255


def check_conversion(device: str = "auto") -> list[Check]:
    """Convert a generated image twice, and check size, contrast and that both results are equal.

    Args:
        device: As for ``--device``.
    """
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="ir-transfer-doctor-") as name:
        folder = Path(name)
        Image.fromarray(generated_image()).save(folder / "image.png")
        try:
            results = [_converted(folder, str(number), device) for number in range(2)]
        except IrTransferError as error:
            return [Check("self-test", "failed", error.line, "add this to a bug report")]
    seconds = time.perf_counter() - start
    detail = f"{WIDTH} x {HEIGHT} converted twice by {DEFAULT_MODEL} on {device} in {seconds:.1f} s"
    found = fault(*results)
    if found is not None:
        return [Check("self-test", "failed", f"{detail}: {found}", "add this to a bug report")]
    return [Check("self-test", "ok", detail)]


def fault(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> str | None:
    """Return the fault of two results (H, W) of the generated image; None if they are valid."""
    if first.shape != (HEIGHT, WIDTH):
        return f"expected a result of {HEIGHT} rows and {WIDTH} columns, got {first.shape}"
    if first.std() < _LEAST_CONTRAST:
        return f"expected contrast, got a standard deviation of {first.std():.1f} of 255"
    if not np.array_equal(first, second):
        return "expected equal results, got two that differ"
    return None


def generated_image() -> NDArray[np.uint8]:
    """Return an sRGB image (H, W, 3) with sky, ground and coloured boxes."""
    random = np.random.default_rng(0)
    image = np.full((HEIGHT, WIDTH, 3), (90, 100, 80), np.uint8)
    image[: HEIGHT // 3] = (130, 180, 240)
    for _ in range(12):
        top, left = random.integers(0, HEIGHT - 20), random.integers(0, WIDTH - 20)
        image[top : top + 20, left : left + 20] = random.integers(0, 256, 3)
    return image


def _converted(folder: Path, out: str, device: str) -> NDArray[np.uint8]:
    style = next(preset.name for preset in list_presets() if preset.model == DEFAULT_MODEL)
    summary = convert(Options((str(folder / "image.png"),), (f"{PRESET}{style}",), folder / out, device=device))
    if summary.converted != 1:
        entry = next(iter(summary.plan.refused), None)
        raise IrTransferError(f"expected one result, got none: {entry.error if entry else 'see the manifest'}")
    with Image.open(folder / out / "image.png") as made:
        return np.asarray(made)
