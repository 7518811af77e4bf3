"""Export of int8 models for OpenVINO, calibrated on the user's images, with the measured loss of quality."""

import contextlib
import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ir_transfer.conversion.exported.make import ExportOptions, export_file, prepare_export
from ir_transfer.conversion.inputs import expand
from ir_transfer.errors import InputError
from ir_transfer.export.check import style_inputs
from ir_transfer.export.files import folder_beside, move, save_openvino
from ir_transfer.export.metadata import ExportMetadata, require_package
from ir_transfer.export.sessions import OpenVinoSession, inputs_of
from ir_transfer.imaging.image_io import read_image
from ir_transfer.metrics.fidelity import psnr, ssim

MOST_IMAGES = 128
"""Largest number of calibration images, spread evenly over the folder."""

_QUANTISED = re.compile(r"/encoder/.*Conv")
"""Names of the quantised convolutions, those of the content encoder; neck and rendering would cost 3 dB more."""

_Images = Sequence[tuple[Path, NDArray[np.float32]]]


@dataclass(frozen=True)
class Int8Cost:
    """Mean similarity of int8 and float32 results; PSNR in dB.

    Attributes:
        images: Number of images.
        psnr: PSNR against float32 results.
        ssim: SSIM against float32 results.
        truth: PSNR and SSIM against ground truth, of float32, then of int8; None without ground truth.
    """

    images: int
    psnr: float
    ssim: float
    truth: tuple[float, float, float, float] | None = None

    @property
    def text(self) -> str:
        """The similarities as text."""
        line = f"int8 against float32 on {self.images} images: psnr {self.psnr:.1f} dB, ssim {self.ssim:.4f}"
        if self.truth is None:
            return line
        before, alike_before, after, alike_after = self.truth
        return (
            f"{line}; against the ground truth: psnr {before:.2f} to {after:.2f} dB, "
            f"ssim {alike_before:.4f} to {alike_after:.4f}"
        )


def export_int8(
    options: ExportOptions, folder: Path, truth: Path | None = None, report: Callable[[str], None] = lambda line: None
) -> ExportMetadata:
    """Export a model for OpenVINO with an int8 content encoder and return the metadata of the file.

    The float32 file is written and checked first. The error of int8 is not bounded, so it is measured and reported.

    Args:
        options: What to export; the kind must be ``"openvino"``.
        folder: RGB images for calibration, such as those that will be converted.
        truth: Infrared images of the same names, as ground truth of the measurement.
        report: Called with a progress message at every step.

    Raises:
        InputError: Another kind of file, no image, or an image without ground truth.
        IrTransferError: See :func:`~ir_transfer.conversion.exported.make.export_file`.
    """
    options.check()
    if options.kind != "openvino":
        raise InputError(f"expected --to openvino with --calibrate, got --to {options.kind}: end -o in .xml")
    require_package("nncf")
    images = calibration_images(folder, options.max_pixels)
    pairs = None if truth is None else _truth_of(images, truth, options.max_pixels)
    extra = {} if options.styles else style_inputs(prepare_export(options).code)
    with folder_beside(options.out) as place:
        plain, measured, made = (place / f"{name}{options.out.name}" for name in ("float32-", "int8-", ""))
        facts = export_file(replace(options, out=plain, overwrite=True), report)
        report(f"calibrating on {len(images)} images")
        quantised = quantise(plain, [inputs_of(image, 1.0, extra) for _, image in images])
        facts = replace(facts, precision="int8")
        save_openvino(quantised, measured, facts)
        report("measuring the quality loss of int8")
        cost = cost_of(plain, measured, images, extra, pairs, options.threads)
        facts = replace(facts, calibration=cost.text)
        save_openvino(quantised, made, facts)
        move(made, options.out, "openvino")
    return facts


def calibration_images(folder: Path, max_pixels: int) -> list[tuple[Path, NDArray[np.float32]]]:
    """Return at most :data:`MOST_IMAGES` images (1, 3, H, W) of a folder with their paths.

    Raises:
        IrTransferError: There are no images, or one cannot be read.
    """
    found = expand([str(folder)])
    step = -(-len(found) // MOST_IMAGES)
    return [(one.source, read_image(one.source, max_pixels).rgb()[None]) for one in found[::step]]


def _truth_of(images: _Images, folder: Path, max_pixels: int) -> list[NDArray[np.float32]]:
    by_stem = {one.source.stem: one.source for one in expand([str(folder)])}
    truths = []
    for path, image in images:
        if path.stem not in by_stem:
            raise InputError(f"expected an infrared image named {path.stem} in {folder}, found none: add it")
        gray = read_image(by_stem[path.stem], max_pixels).gray()
        if gray.shape[-2:] != image.shape[-2:]:
            raise InputError(
                f"expected {by_stem[path.stem]} to be {image.shape[-1]} x {image.shape[-2]} as {path}, got "
                f"{gray.shape[-1]} x {gray.shape[-2]}: align the pair"
            )
        truths.append(gray[None])
    return truths


def quantise(path: Path, inputs: Sequence[Mapping[str, NDArray[np.float32]]]) -> Any:
    """Return the OpenVINO model of a file with the content encoder's convolutions in int8.

    Args:
        path: A float32 ``.xml``.
        inputs: Network inputs by name for every calibration image: the image (1, 3, H, W), and those of the style.

    Raises:
        MissingPackageError: nncf is not installed.
    """
    with _no_telemetry():
        nncf = require_package("nncf")
    logging.getLogger("nncf").setLevel(logging.ERROR)
    model = require_package("openvino").Core().read_model(path)
    others = [node.get_friendly_name() for node in model.get_ops() if not _QUANTISED.match(node.get_friendly_name())]
    return nncf.quantize(
        model,
        nncf.Dataset(list(inputs)),
        subset_size=len(inputs),
        preset=nncf.QuantizationPreset.MIXED,  # activations of SiLU are asymmetric
        ignored_scope=nncf.IgnoredScope(names=others, validate=False),
    )


@contextlib.contextmanager
def _no_telemetry() -> Iterator[None]:
    """Disable the telemetry of nncf, which is imported inside this context and reads the variable then."""
    before = os.environ.get("NNCF_CI")
    os.environ["NNCF_CI"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["NNCF_CI"]
        else:
            os.environ["NNCF_CI"] = before


def cost_of(
    plain: Path,
    int8: Path,
    images: _Images,
    extra: Mapping[str, NDArray[np.float32]],
    truths: Sequence[NDArray[np.float32]] | None = None,
    threads: int | None = None,
) -> Int8Cost:
    """Measure the similarity of int8 and float32 results with the metrics of ``ir-transfer evaluate``.

    Args:
        plain: The float32 file.
        int8: The int8 file.
        images: Images (1, 3, H, W) with sides of at least 16 pixels.
        extra: Inputs of the style.
        truths: Infrared image (1, 1, H, W) of each image.
        threads: Compute threads.
    """
    sessions = [OpenVinoSession(path, threads, shapes="dynamic") for path in (plain, int8)]
    rows, against = [], []
    for number, (_, image) in enumerate(images):
        before, after = (torch.from_numpy(one.run(inputs_of(image, 1.0, extra))) for one in sessions)
        rows.append(_similar(after, before))
        if truths is not None:
            truth = torch.from_numpy(truths[number])
            against.append([*_similar(before, truth), *_similar(after, truth)])
    mean, alike = np.mean(rows, axis=0)
    truth_means = tuple(float(value) for value in np.mean(against, axis=0)) if against else None
    return Int8Cost(len(images), float(mean), float(alike), truth_means)  # type: ignore[arg-type]  # 4 of them


def _similar(made: torch.Tensor, wanted: torch.Tensor) -> list[float]:
    return [float(psnr(made, wanted)), float(ssim(made, wanted))]
