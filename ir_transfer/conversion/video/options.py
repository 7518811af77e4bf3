"""Options and summary of a video conversion; does not import torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ir_transfer.conversion.heat.options import NO_HEAT, HeatOptions
from ir_transfer.conversion.options import Options, Polarity
from ir_transfer.errors import InputError
from ir_transfer.imaging.encode import Compression, check_compression
from ir_transfer.imaging.exemplars.polarity import ExemplarPolarity
from ir_transfer.imaging.exemplars.range import AskedRange
from ir_transfer.imaging.image_io import MAX_PIXELS

Codec = Literal["h264", "ffv1"]


@dataclass(frozen=True)
class VideoOptions:
    """Options of ``ir-transfer video``.

    Attributes:
        source: A video file, or a folder of numbered frames.
        styles: Style exemplars (infrared images), saved codes, ``preset:NAME``, blended to one style for the clip.
        out: The video, or the folder of frames; ``<source>_ir`` if None.
        model: Name of the model; by default that of the styles, else adain.
        weights: Name or file of the weights; by default those of the styles, else the model's default.
        style_weights: Blend weight of each style; equal if None.
        strength: 0 keeps the appearance of the RGB image, 1 applies the style in full.
        polarity: Polarity of the result; None keeps that of the style.
        exemplar_polarity: Polarity of the exemplar files; ``"auto"`` lets the bundled classifier decide.
        exemplar_range: Values of the exemplar files for black and white, or how to determine them.
        levels: Values of every frame that become 0 and 1; the full range of its data type if None.
        heat: Shifts of apparent intensity by class.
        smoothing: Time constant in seconds of the statistics; 0 translates every frame independently.
        flow: Whether the previous output, moved along the optical flow, is blended in.
        codec: Codec of the video.
        quality: Constant rate factor of H.264: 0 keeps every level, 51 is the worst.
        compression: Compression of frames in a folder; the default of images if None. Not for videos.
        fps: Frames per second of a folder of frames.
        report: Whether flicker is measured on some frames.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``.
        threads: Compute threads on a CPU; torch's default if None.
        seed: Seed of random models.
        resume: Continue an interrupted run.
        overwrite: Replace an existing result.
        max_pixels: Larger frames are refused.
        command: The command line as entered, for the manifest.
        settings: Options not given on the command line, for the manifest: their value, and where it comes from.
    """

    source: Path
    styles: tuple[str, ...]
    out: Path | None = None
    model: str | None = None
    weights: str | None = None
    style_weights: tuple[float, ...] | None = None
    strength: float = 1.0
    polarity: Polarity | None = None
    exemplar_polarity: ExemplarPolarity = "auto"
    exemplar_range: AskedRange = "auto"
    levels: tuple[float, float] | None = None
    heat: HeatOptions = NO_HEAT
    smoothing: float = 0.5
    flow: bool = True
    codec: Codec = "h264"
    quality: int = 17
    compression: Compression | None = None
    fps: float = 25.0
    report: bool = True
    device: str = "auto"
    threads: int | None = None
    seed: int = 0
    resume: bool = False
    overwrite: bool = False
    max_pixels: int = MAX_PIXELS
    command: str = ""
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def of_images(self) -> Options:
        """Return the same options for a conversion of images one by one."""
        return Options(
            (str(self.source),),
            self.styles,
            strength=self.strength,
            polarity=self.polarity,
            exemplar_polarity=self.exemplar_polarity,
            exemplar_range=self.exemplar_range,
            device=self.device,
            batch_size=1,
            threads=self.threads,
            seed=self.seed,
            max_pixels=self.max_pixels,
        )

    def check(self) -> None:
        """Raise :class:`InputError` for a value out of its range."""
        if not 0 <= self.strength <= 1:
            raise InputError(f"expected --strength in 0..1, got {self.strength}")
        if self.compression is not None:
            check_compression(self.compression)
            if not self.source.is_dir():
                raise InputError(
                    f"expected no --compression for a video, got {self.compression}: use --codec and --quality, "
                    "or give a folder of frames"
                )
        if self.levels is not None and not self.levels[0] < self.levels[1]:
            raise InputError(f"expected --levels LO,HI with LO < HI, got {self.levels[0]:g},{self.levels[1]:g}")
        if not 0 <= self.smoothing < float("inf"):
            raise InputError(f"expected --smoothing in seconds, 0 or more, got {self.smoothing}")
        if not 0 < self.fps < float("inf"):
            raise InputError(f"expected --fps above 0, got {self.fps}")
        if not 0 <= self.quality <= 51:
            raise InputError(f"expected --quality in 0..51, got {self.quality}")


@dataclass(frozen=True)
class FlickerReport:
    """Flicker relative to contrast, measured on some frame pairs; see the metric of the evaluation.

    Attributes:
        pairs: Number of frame pairs.
        source: Flicker of the luma of the input.
        output: Flicker of the output.
        frame_by_frame: Flicker of the same frames translated independently.
    """

    pairs: int
    source: float
    output: float
    frame_by_frame: float

    @property
    def ratio(self) -> float:
        """Flicker of the output relative to that of the input."""
        return self.output / self.source if self.source else 0.0

    @property
    def frame_by_frame_ratio(self) -> float:
        """Flicker of independently translated frames relative to that of the input."""
        return self.frame_by_frame / self.source if self.source else 0.0


@dataclass
class VideoSummary:
    """Counts and notes of a run.

    Attributes:
        out: The video, or the folder of frames.
        frames: Number of frames in the result.
        skipped: Number of those that an earlier run had written.
        damaged: Errors of frames that could not be read, each replaced by the previous output.
        notes: Further notes for the user, such as gaps in the numbers or re-encoded sound.
        smoothed: Whether the statistics were smoothed over time, which not all models have.
        flicker: Measured flicker; None if not measured.
    """

    out: Path
    frames: int = 0
    skipped: int = 0
    damaged: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    smoothed: bool = False
    flicker: FlickerReport | None = None
