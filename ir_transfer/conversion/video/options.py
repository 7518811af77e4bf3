"""What a video conversion is asked for and what it did; free of torch."""

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
    """What ``ir-transfer video`` was asked for.

    Attributes:
        source: A video file, or a folder of numbered frames.
        styles: Exemplars, saved codes, ``preset:NAME``: one look for the clip.
        out: The video, or the folder of frames; ``<source>_ir`` if None.
        model: Name; by default what the styles say, else adain.
        weights: Name or file; by default what the styles say, else the model's default.
        style_weights: Weight of each style; equal if None.
        strength: 0 keeps the RGB image's own look, 1 is the exemplar's.
        polarity: Of the result; None keeps the exemplar's own.
        exemplar_polarity: Which way round exemplar files are; ``"auto"`` lets the bundled classifier decide.
        exemplar_range: The numbers of exemplar files that become black and white, or how to find them.
        levels: Numbers of every frame that become 0 and 1; those of its container if None.
        heat: Shifts of apparent intensity by class.
        smoothing: Time constant in seconds of the statistics; 0 translates frame by frame.
        flow: Whether the frame before, moved along the optical flow, is blended in.
        codec: Of the video.
        quality: Constant rate factor of H.264: 0 keeps every level, 51 is the worst.
        compression: Of frames in a folder; that of a conversion if None. A video has none.
        fps: Frames a second of a folder, which does not say.
        report: Whether flicker is measured on some frames.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``.
        threads: Threads that compute on a CPU; torch's choice if None.
        seed: For models that draw random numbers.
        resume: Go on with what an interrupted run left.
        overwrite: Make an existing result again.
        max_pixels: Larger frames are refused.
        command: As typed, for the manifest.
        settings: Options that were not typed, for the manifest: their value, and where it comes from.
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
        """Return the same options as a conversion of images has them, one at a time."""
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
    """Flicker as a share of contrast, measured on some frame pairs; see evaluation's metric.

    Attributes:
        pairs: Pairs of frames that were looked at.
        source: Of the input's luma.
        output: Of what was written.
        frame_by_frame: Of the same frames, each translated on its own.
    """

    pairs: int
    source: float
    output: float
    frame_by_frame: float

    @property
    def ratio(self) -> float:
        """How many times the input's own flicker the output has."""
        return self.output / self.source if self.source else 0.0

    @property
    def frame_by_frame_ratio(self) -> float:
        """The same for frames translated each on its own."""
        return self.frame_by_frame / self.source if self.source else 0.0


@dataclass
class VideoSummary:
    """What a run did.

    Attributes:
        out: The video, or the folder of frames.
        frames: Frames in the result.
        skipped: Of these, those that an earlier run had made.
        damaged: What was wrong with frames that could not be read; the output before stands in for each.
        notes: What else the user should know: gaps in the numbers, sound that was encoded anew.
        smoothed: Whether the statistics were smoothed over time: not all models have any.
        flicker: None if it was not measured.
    """

    out: Path
    frames: int = 0
    skipped: int = 0
    damaged: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    smoothed: bool = False
    flicker: FlickerReport | None = None
