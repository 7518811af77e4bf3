"""Reads the frames of a video file, upright, with their timestamps; frames that cannot be decoded are reported."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ir_transfer.conversion.video.source import Frame
from ir_transfer.errors import DecodeError, InputError, MissingPackageError
from ir_transfer.imaging.image_io import shown
from ir_transfer.imaging.pixels.colour import from_coding_points
from ir_transfer.imaging.pixels.kinds import Levels
from ir_transfer.imaging.pixels.stage import Alpha, Meaning, Stored

if TYPE_CHECKING:
    from av import Packet, VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

try:
    import av
except ImportError as error:  # the whole package needs it
    raise MissingPackageError(
        "expected the package av, which reads and writes videos, found none: pip install 'ir-transfer[video]'"
    ) from error

_KINDS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,ogg,flv,asf,mjpeg,h264,hevc,m4v,yuv4mpegpipe,mxf,"
    "gif,apng,ivf,av1,obu,nut,wtv,rm,dv,vc1,swf,avs2,vvc"
)
FILE_ONLY = {"format_whitelist": _KINDS, "protocol_whitelist": "file"}
"""Options of FFmpeg that refuse playlists (HLS, DASH, concat), which refer to other files or hosts."""
_UNSPECIFIED = 2  # AVCOL_SPC_UNSPECIFIED
_HD_ROWS = 720
_TRANSPARENT = (
    "its frames are partly transparent: they are composited over their mean colour, and the result has no transparency"
)
_GAMMAS = frozenset({4, 5})  # transfer functions of analogue television, which files still declare


@contextmanager
def open_video(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a video and its first video stream that is not a cover image.

    Raises:
        DecodeError: FFmpeg cannot read the file.
        InputError: The file has no video stream.
    """
    try:
        container = av.open(str(path), options=dict(FILE_ONLY))
    except av.FFmpegError as error:
        raise DecodeError(
            f"{path}: expected a video that FFmpeg reads, got: {error.strerror}: check the file, or convert it to MP4"
        ) from error
    with container:
        streams = [s for s in container.streams.video if not s.disposition & s.disposition.attached_pic]
        if not streams:
            kinds = ", ".join(sorted({s.type for s in container.streams})) or "nothing"
            raise InputError(f"{path}: expected a video stream, got {kinds}: name a file with moving images")
        yield container, streams[0]


class VideoFile:
    """A video file.

    Args:
        path: The file.
        max_pixels: Videos with larger frames are refused.
        levels: Values of a frame (8 or 16 bits) that become 0 and 1; the full range if None.

    Attributes:
        time_base: Seconds of one unit of the timestamps.
        rate: Average frames per second.
        turned: Whether the frames are stored rotated by a quarter turn; known once a frame was read.

    Raises:
        DecodeError: FFmpeg cannot read the file.
        InputError: The file has no video stream, or its frames are too large.
    """

    def __init__(self, path: Path, max_pixels: int, levels: tuple[float, float] | None = None) -> None:
        self.path = path
        self.levels = levels
        self.notes: list[str] = []
        with open_video(path) as (_, stream):
            self.rate = stream.average_rate or stream.guessed_rate or Fraction(25)
            self.time_base = stream.time_base or 1 / self.rate
            self.turned = False
            self._aspect = stream.sample_aspect_ratio
            seconds = float((stream.duration or 0) * self.time_base)
            self.count = stream.frames or round(seconds * float(self.rate))
            if stream.width * stream.height > max_pixels:
                raise InputError(
                    f"{path}: expected at most {max_pixels} pixels, got {stream.width} x {stream.height}: "
                    "raise --max-pixels if it is trusted"
                )
            self._meaning = _meaning(stream, path)

    @property
    def aspect(self) -> Fraction | None:
        """Aspect ratio (width / height) of a pixel of the upright image; None if the file does not declare it."""
        return 1 / self._aspect if self._aspect and self.turned else self._aspect or None

    def hash(self) -> str:
        """Return a hash of the file."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]

    def frames(self, skip: int = 0) -> Iterator[Frame]:
        """Yield the frames after the first ``skip`` frames, which must be decoded too."""
        self.notes.clear()
        with open_video(self.path) as (container, stream):
            step = max(1, round(1 / (self.rate * self.time_base)))
            last: int | None = None
            for index, (asked, decoded) in enumerate(self._in_order(container, stream)):
                runs_on = asked is not None and (last is None or asked > last)
                # Without a timestamp, or with one that runs backwards, the frame is one step after the last.
                pts = asked if asked is not None and runs_on else 0 if last is None else last + step
                last = pts
                if not isinstance(decoded, str):
                    self.turned = decoded.rotation % 180 != 0
                if index >= skip:
                    yield self._frame(index, pts, decoded)

    def _frame(self, index: int, pts: int, decoded: VideoFrame | str) -> Frame:
        time = float(pts * self.time_base)
        name = f"{self.path} frame {index} ({time:.3f} s)"
        output = f"{index:08d}_{pts}.png"
        if isinstance(decoded, str):
            return Frame(name, output, time, None, f"{name}: {decoded}")
        levels, white, alpha = _upright(decoded)
        image = shown(Stored(levels, white, self._meaning, alpha), name, asked=self.levels)
        if image.alpha is not None and _TRANSPARENT not in self.notes:
            self.notes.append(_TRANSPARENT)
        return Frame(name, output, time, image)

    def _in_order(
        self, container: InputContainer, stream: VideoStream
    ) -> Iterator[tuple[int | None, VideoFrame | str]]:
        """Yield timestamp and frame, or an error message for a lost frame, in the order of the timestamps."""
        lost: list[tuple[int, str]] = []
        last: int | None = None
        for packet in self._packets(container, stream):
            try:
                decoded = packet.decode()
            except av.FFmpegError as error:
                if packet.pts is not None and (last is None or packet.pts > last):
                    heapq.heappush(lost, (packet.pts, f"cannot be decoded: {error.strerror}"))
                continue
            for frame in decoded:
                while lost and frame.pts is not None and lost[0][0] < frame.pts:
                    yield heapq.heappop(lost)
                last = frame.pts
                yield frame.pts, "its data are damaged" if frame.is_corrupt else frame
        while lost:
            yield heapq.heappop(lost)

    def _packets(self, container: InputContainer, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
        try:
            yield from container.demux(stream)
        except av.FFmpegError as error:
            self.notes.append(f"the file ends early: {error.strerror}")


def read_comment(path: Path) -> str:
    """Return the comment in the metadata of a video; empty if there is none or the file is not a video."""
    try:
        with av.open(str(path), options=dict(FILE_ONLY)) as container:
            return container.metadata.get("comment", "")
    except av.FFmpegError:
        return ""


def _meaning(stream: VideoStream, path: Path) -> Meaning:
    """Return the colour space by the code points of a stream; transfer functions of television count as sRGB.

    Raises:
        InputError: The stream has high dynamic range.
    """
    context = stream.codec_context
    primaries, transfer = int(context.color_primaries or _UNSPECIFIED), int(context.color_trc or _UNSPECIFIED)
    try:
        return Meaning(space=from_coding_points(primaries, _UNSPECIFIED if transfer in _GAMMAS else transfer).space)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _upright(frame: VideoFrame) -> tuple[Levels, float, Alpha | None]:
    """Return the upright levels (3, H, W), their white, and alpha (H, W), which is None if all pixels are opaque."""
    deep = max(component.bits for component in frame.format.components) > 8
    # FFmpeg assumes SD colours for undeclared streams; players do so only below 720 rows.
    unsaid_hd = frame.colorspace == _UNSPECIFIED and frame.height >= _HD_ROWS
    levels = frame.to_ndarray(format="rgb48le" if deep else "rgb24", src_colorspace="ITU709" if unsaid_hd else None)
    turned = np.rot90(levels, frame.rotation // 90)
    alpha: Alpha | None = None
    if any(component.is_alpha for component in frame.format.components):
        opaque = np.rot90(frame.to_ndarray(format="rgba")[..., 3], frame.rotation // 90).astype(np.uint8)
        alpha = None if opaque.min() == 255 else opaque
    return np.ascontiguousarray(turned.transpose(2, 0, 1)), 65535.0 if deep else 255.0, alpha
