"""Options and summary of a conversion; does not import torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from ir_transfer.conversion.camera import NO_CAMERA, CameraOptions
from ir_transfer.conversion.controls import ANY_SIZE, NO_CONTROLS, PLAIN_RASTER, Controls, RasterOptions, SizeOptions
from ir_transfer.conversion.heat.options import NO_HEAT, HeatOptions
from ir_transfer.conversion.plan import Plan
from ir_transfer.conversion.timing import RunTimes
from ir_transfer.errors import InputError
from ir_transfer.export.metadata import Runtime
from ir_transfer.imaging.encode import DEFAULT_COMPRESSION, Compression, check_compression
from ir_transfer.imaging.exemplars.polarity import ExemplarPolarity
from ir_transfer.imaging.exemplars.range import AskedRange
from ir_transfer.imaging.image_io import MAX_PIXELS, BitDepth, Format

Precision = Literal["float32", "bfloat16"]
Polarity = Literal["white-hot", "black-hot"]
Engine = Literal["local", "ray"]


@dataclass(frozen=True, kw_only=True)
class CommonOptions:
    """Options of conversions of images and of videos.

    Attributes:
        model: Name of the model; by default that of the styles, else adain.
        weights: Name or file of the weights; by default those of the styles, else the model's default.
        style_weights: Blend weight of each style; equal if None.
        strength: 0 keeps the appearance of the RGB image, 1 applies the style in full.
        polarity: Polarity of the results; None keeps that of the style.
        exemplar_polarity: Polarity of the exemplar files; ``"auto"`` lets the bundled classifier decide.
        exemplar_range: Values of the exemplar files for black and white, or how to determine them.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``.
        threads: Compute threads on a CPU; torch's default if None.
        resume: Continue an earlier run.
        overwrite: Replace existing results.
        heat: Shifts of apparent intensity by class.
        seed: Seed of random models and of sensor noise.
        max_pixels: Images with more pixels are refused.
        command: The command line as entered, for the manifest.
        settings: Options not given on the command line, for the manifest: their value, and where it comes from.
    """

    model: str | None = None
    weights: str | None = None
    style_weights: tuple[float, ...] | None = None
    strength: float = 1.0
    polarity: Polarity | None = None
    exemplar_polarity: ExemplarPolarity = "auto"
    exemplar_range: AskedRange = "auto"
    device: str = "auto"
    threads: int | None = None
    resume: bool = False
    overwrite: bool = False
    heat: HeatOptions = NO_HEAT
    seed: int = 0
    max_pixels: int = MAX_PIXELS
    command: str = ""
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def check(self) -> None:
        """Raise :class:`InputError` for a strength out of range."""
        if not 0 <= self.strength <= 1:
            raise InputError(f"expected --strength in 0..1, got {self.strength}")


@dataclass(frozen=True)
class Options(CommonOptions):
    """Options of ``ir-transfer convert``.

    Attributes:
        inputs: Files, folders, globs, list files.
        styles: Style exemplars (infrared images), saved codes, ``preset:NAME``.
        out: Folder of the results; ``<input>_ir`` if None.
        controls: Tone, masks, grids.
        bit_depth: Bit depth of the results.
        format: File format of the results.
        compression: Compression of the results; for rasters see ``raster``.
        precision: Number format of the computation.
        batch_size: Largest batch on CUDA; automatic if None.
        workers: Number of reader threads, and of writer threads; automatic if None.
        camera: Sensor and gain control to simulate.
        size: Limits above which images are translated in tiles.
        raster: How rasters are read and written.
        fail_fast: Stop at the first image that fails.
        model_options: Run-time options of the model by name, as text; its defaults otherwise.
        engine: Run in this process, or in a Ray cluster.
        address: Address of the Ray cluster; None starts one on this machine for this run.
        ray_workers: Translating processes of the cluster; one per GPU, or per machine without GPUs, if None.
        runtime: Runtime of the network; determined by the weight file if None.
    """

    inputs: tuple[str, ...]
    styles: tuple[str, ...]
    out: Path | None = None
    controls: Controls = NO_CONTROLS
    bit_depth: BitDepth = 8
    format: Format = "png"
    compression: Compression = DEFAULT_COMPRESSION
    camera: CameraOptions = NO_CAMERA
    size: SizeOptions = ANY_SIZE
    raster: RasterOptions = PLAIN_RASTER
    precision: Precision = "float32"
    batch_size: int | None = None
    workers: int | None = None
    fail_fast: bool = False
    model_options: Mapping[str, str] = field(default_factory=dict)
    engine: Engine = "local"
    address: str | None = None
    ray_workers: int | None = None
    runtime: Runtime | None = None

    def check(self) -> None:
        """Check values that do not depend on files.

        Raises:
            InputError: A value out of its range, or options that exclude each other.
            IrTransferError: An unknown sensor.
        """
        super().check()
        check_compression(self.compression)
        self.size.check()
        self.camera.open()
        self.heat.check()
        if self.heat.asked and self.controls.style_grid is not None:
            raise InputError("expected no --heat with --style-grid, which repeats the RGB image in its cells: omit one")


@dataclass
class Summary:
    """Counts and times of a run.

    Attributes:
        out: Folder of the results.
        plan: Planned inputs and results.
        converted: Number of images converted.
        skipped: Number of images whose results an earlier run had written.
        failed: Number of inputs that could not be converted.
        stopped: Reason why the run ended early, if it did.
        without_result: Outputs that this run failed to write; a file of that name is from an earlier run.
        times: Time spent on each stage.
    """

    out: Path
    plan: Plan
    converted: int = 0
    skipped: int = 0
    failed: int = 0
    stopped: str | None = None
    without_result: set[str] = field(default_factory=set)
    times: RunTimes = field(default_factory=RunTimes)

    @property
    def missing(self) -> int:
        """Number of planned results that do not exist."""
        return len(self.plan.jobs) - self.converted - self.skipped


class Observer(Protocol):
    """Receives progress notifications."""

    def start(self, total: int) -> None:
        """Called once, with the number of inputs."""

    def advance(self, error: str | None) -> None:
        """Called for every finished input, with its error if it failed."""
