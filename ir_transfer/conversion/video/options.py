"""Options and summary of a video conversion; does not import torch."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ir_transfer.conversion.options import CommonOptions, Options
from ir_transfer.errors import InputError
from ir_transfer.imaging.encode import Compression, check_compression

Codec = Literal["h264", "ffv1"]


@dataclass(frozen=True)
class VideoOptions(CommonOptions):
    """Options of ``ir-transfer video``.

    Attributes:
        source: A video file, or a folder of numbered frames.
        styles: Style exemplars (infrared images), saved codes, ``preset:NAME``, blended to one style for the clip.
        out: The video, or the folder of frames; ``<source>_ir`` if None.
        levels: Values of every frame that become 0 and 1; the full range of its data type if None.
        smoothing: Time constant in seconds of the statistics; 0 translates every frame independently.
        flow: Whether the previous output, moved along the optical flow, is blended in.
        codec: Codec of the video.
        quality: Constant rate factor of H.264: 0 keeps every level, 51 is the worst.
        compression: Compression of frames in a folder; the default of images if None. Not for videos.
        fps: Frames per second of a folder of frames.
        report: Whether flicker is measured on some frames.
    """

    source: Path
    styles: tuple[str, ...]
    out: Path | None = None
    levels: tuple[float, float] | None = None
    smoothing: float = 0.5
    flow: bool = True
    codec: Codec = "h264"
    quality: int = 17
    compression: Compression | None = None
    fps: float = 25.0
    report: bool = True

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
        super().check()
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
