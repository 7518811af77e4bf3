"""What a conversion is asked for and what it did; free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from ir_transfer.conversion.camera import NO_CAMERA, CameraOptions
from ir_transfer.conversion.controls import NO_CONTROLS, Controls
from ir_transfer.conversion.heat.options import NO_HEAT, HeatOptions
from ir_transfer.conversion.plan import Plan
from ir_transfer.conversion.size_options import ANY_SIZE, PLAIN_RASTER, RasterOptions, SizeOptions
from ir_transfer.conversion.timing import RunTimes
from ir_transfer.errors import InputError
from ir_transfer.export.facts import Runtime
from ir_transfer.imaging.encode import DEFAULT_COMPRESSION, Compression, check_compression
from ir_transfer.imaging.exemplars.polarity import ExemplarPolarity
from ir_transfer.imaging.exemplars.range import AskedRange
from ir_transfer.imaging.image_io import MAX_PIXELS, BitDepth, Format

Precision = Literal["float32", "bfloat16"]
Polarity = Literal["white-hot", "black-hot"]
Engine = Literal["local", "ray"]


@dataclass(frozen=True)
class Options:
    """What ``ir-transfer convert`` was asked for.

    Attributes:
        inputs: Files, folders, globs, list files.
        styles: Exemplars, saved codes, ``preset:NAME``.
        out: Folder of the results; ``<input>_ir`` if None.
        model: Name; by default what the styles say, else adain.
        weights: Name or file; by default what the styles say, else the model's default.
        style_weights: Weight of each style; equal if None.
        strength: 0 keeps the RGB image's own look, 1 is the exemplar's.
        polarity: Of the results; None keeps the exemplar's own.
        exemplar_polarity: Which way round exemplar files are; ``"auto"`` lets the bundled classifier decide.
        exemplar_range: The numbers of exemplar files that become black and white, or how to find them.
        controls: Tone, masks, grids.
        bit_depth: Of the results.
        format: Of the results.
        compression: Of the results; for rasters see ``raster``.
        precision: What to compute in.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``.
        batch_size: Images at once on CUDA, at most; automatic if None.
        workers: Threads that read, and as many that write; automatic if None.
        threads: Threads that compute on a CPU; torch's choice if None.
        resume: Go on with what an earlier run left.
        overwrite: Make existing results again.
        camera: Sensor and gain control to imitate.
        heat: Shifts of apparent intensity by class.
        size: When images are translated by tiles.
        raster: How rasters are read and written.
        seed: For models that draw random numbers, and for the noise of a sensor.
        fail_fast: Stop at the first image that fails.
        max_pixels: Larger images are refused.
        model_options: Run-time options of the model by name, as text; its own defaults otherwise.
        command: As typed, for the manifest.
        settings: Options that were not typed, for the manifest: their value, and where it comes from.
        engine: Who does the work: this process, or a Ray cluster.
        address: Of the Ray cluster; one on this machine, for this run alone, if None.
        ray_workers: Processes of the cluster that translate; one for each GPU or else machine if None.
        runtime: What runs the network; by the file of the weights if None.
    """

    inputs: tuple[str, ...]
    styles: tuple[str, ...]
    out: Path | None = None
    model: str | None = None
    weights: str | None = None
    style_weights: tuple[float, ...] | None = None
    strength: float = 1.0
    polarity: Polarity | None = None
    exemplar_polarity: ExemplarPolarity = "auto"
    exemplar_range: AskedRange = "auto"
    controls: Controls = NO_CONTROLS
    bit_depth: BitDepth = 8
    format: Format = "png"
    compression: Compression = DEFAULT_COMPRESSION
    camera: CameraOptions = NO_CAMERA
    heat: HeatOptions = NO_HEAT
    size: SizeOptions = ANY_SIZE
    raster: RasterOptions = PLAIN_RASTER
    precision: Precision = "float32"
    device: str = "auto"
    batch_size: int | None = None
    workers: int | None = None
    threads: int | None = None
    resume: bool = False
    overwrite: bool = False
    seed: int = 0
    fail_fast: bool = False
    max_pixels: int = MAX_PIXELS
    model_options: Mapping[str, str] = field(default_factory=dict)
    command: str = ""
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    engine: Engine = "local"
    address: str | None = None
    ray_workers: int | None = None
    runtime: Runtime | None = None

    def check(self) -> None:
        """Check values that do not depend on files.

        Raises:
            InputError: A value out of its range, or options that exclude each other.
            IrTransferError: No such sensor.
        """
        if not 0 <= self.strength <= 1:
            raise InputError(f"expected --strength in 0..1, got {self.strength}")
        check_compression(self.compression)
        self.size.check()
        self.camera.open()
        self.heat.check()
        if self.heat.asked and self.controls.style_grid is not None:
            raise InputError(
                "expected no --heat with --style-grid, whose cells show the RGB image many times: leave one out"
            )


@dataclass
class Summary:
    """What a run did.

    Attributes:
        out: Folder of the results.
        converted: Images made now.
        skipped: Images that an earlier run had made.
        failed: Inputs that could not be converted.
        stopped: Why the run ended early, if it did.
        plan: What was to be done.
        without_result: Outputs that this run could not make; what lies there is older.
        times: Where the time went.
    """

    out: Path
    plan: Plan
    converted: int = 0
    skipped: int = 0
    failed: int = 0
    stopped: str | None = None
    without_result: set[str] = field(default_factory=set)

    @property
    def missing(self) -> int:
        """Results of the plan that do not exist."""
        return len(self.plan.jobs) - self.converted - self.skipped

    times: RunTimes = field(default_factory=RunTimes)


class Observer(Protocol):
    """Notified of what happens, for progress and messages."""

    def start(self, total: int) -> None:
        """Called once, with the number of inputs."""

    def advance(self, error: str | None) -> None:
        """Called for every input that is done, with what went wrong."""
