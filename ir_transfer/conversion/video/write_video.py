"""Writes frames to a video file with the timestamps and the sound of the input."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import av
import cv2
import numpy as np

from ir_transfer.conversion.video.options import Codec
from ir_transfer.conversion.video.read_video import FILE_ONLY, VideoFile
from ir_transfer.errors import EncodeError, InputError
from ir_transfer.imaging.image_io import OutputLevels

if TYPE_CHECKING:
    from av import Packet
    from av.audio.stream import AudioStream
    from av.container import InputContainer, OutputContainer
    from av.video.stream import VideoStream

SUFFIXES: dict[Codec, tuple[str, ...]] = {"h264": (".mp4", ".mkv", ".mov"), "ffv1": (".mp4", ".mkv")}
_FULL_RANGE = 2  # AVCOL_RANGE_JPEG: 0 to 255 and not 16 to 235, which would merge every seventh level
_NEUTRAL = 128
_AVX512 = 256  # CV_CPU_AVX512_SKX, which the Python package of OpenCV does not name


def check_suffix(path: Path, codec: Codec) -> None:
    """Raise :class:`InputError` unless a file of that name can hold the codec."""
    if path.suffix.lower() not in SUFFIXES[codec]:
        raise InputError(
            f"expected -o FILE with {' or '.join(SUFFIXES[codec])} for --codec {codec}, got {path}: rename it"
        )


def write_video(
    path: Path, source: VideoFile, frames: Iterable[tuple[int, OutputLevels]], codec: Codec, quality: int, comment: str
) -> list[str]:
    """Write a video of one-channel frames with the sound of its source.

    Args:
        path: The file, whose suffix selects the container. Matroska rounds times to milliseconds, MP4 keeps them.
        source: Source of timestamps and sound.
        frames: Timestamps in units of the source, and levels (H, W) of one size.
        codec: ``"h264"`` or the lossless ``"ffv1"``.
        quality: Constant rate factor of H.264.
        comment: Comment in the metadata of the file.

    Returns:
        Notes for the user.

    Raises:
        EncodeError: The file cannot be written.
    """
    try:
        # Opened directly, since the source was already checked for a video stream.
        with av.open(str(path), "w") as output, av.open(str(source.path), options=dict(FILE_ONLY)) as sound:
            output.metadata["comment"] = comment
            return _write(output, sound, source, iter(frames), codec, quality)
    except av.FFmpegError as error:
        raise EncodeError(
            f"{path}: expected to write it, got: {error.strerror}: free some space, or choose another -o or --codec"
        ) from error


def _write(
    output: OutputContainer,
    sound: InputContainer,
    source: VideoFile,
    frames: Iterator[tuple[int, OutputLevels]],
    codec: Codec,
    quality: int,
) -> list[str]:
    pts, levels = next(frames)
    video = _video_stream(output, source, levels.shape, codec, quality)
    tracks = {stream.index: _Track(output, stream) for stream in sound.streams.audio}
    notes = [track.note for track in tracks.values() if track.note]
    waiting = _audio_packets(sound, tracks)
    held = next(waiting, None)

    def mux(packets: Iterable[Packet[VideoStream]]) -> None:
        """Write packets in the order of time, since a muxer buffers early packets, up to a whole clip."""
        nonlocal held
        for packet in packets:
            while held is not None and _seconds(held) <= _seconds(packet):
                output.mux(held)
                held = next(waiting, None)
            output.mux(packet)

    while True:
        mux(video.encode(_frame(levels, video, pts, source.time_base)))
        following = next(frames, None)
        if following is None:
            break
        pts, levels = following
    mux(video.encode(None))
    while held is not None:
        output.mux(held)
        held = next(waiting, None)
    return notes


def _seconds(packet: Packet[Any]) -> float:
    time = packet.dts if packet.dts is not None else packet.pts
    return float((time or 0) * (packet.time_base or 0))


def _video_stream(
    output: OutputContainer, source: VideoFile, size: tuple[int, ...], codec: Codec, quality: int
) -> VideoStream:
    name: Literal["libx264", "ffv1"] = "libx264" if codec == "h264" else "ffv1"
    stream = output.add_stream(name, source.rate, _x264_options(quality) if codec == "h264" else {})
    stream.height, stream.width = size
    # H.264 with neutral chroma is supported everywhere and adds no bits, but its chroma planes need even sides. For odd
    # sides, one-channel H.264 is used, which is in the same High profile but refused by some hardware players.
    odd = any(side % 2 for side in size)
    stream.pix_fmt = "gray" if codec == "ffv1" or odd else "yuv420p"
    stream.codec_context.color_range = _FULL_RANGE
    stream.codec_context.time_base = source.time_base
    if source.aspect:
        stream.codec_context.sample_aspect_ratio = source.aspect
    return stream


def _x264_options(quality: int) -> dict[str, str]:
    options = {"crf": str(quality)}
    # With AVX-512, libx264's macroblock tree reads memory past a row of 16-pixel blocks unless their number is a
    # multiple of 8, so that equal frames give a different video in every run.
    if cv2.checkHardwareSupport(_AVX512):
        options["x264-params"] = "asm=avx2"
    return options


def _frame(levels: OutputLevels, stream: VideoStream, pts: int, time_base: Fraction) -> av.VideoFrame:
    """Return a frame with unchanged levels as its luma, without FFmpeg's conversion."""
    height, width = levels.shape
    planes = np.ascontiguousarray(levels, np.uint8)
    kind = stream.pix_fmt or "gray"
    if kind == "yuv420p":
        planes = np.concatenate([planes, np.full((height // 2, width), _NEUTRAL, np.uint8)])
    frame = av.VideoFrame.from_ndarray(planes, format=kind)
    frame.color_range = _FULL_RANGE
    frame.pts, frame.time_base = pts, time_base
    return frame


class _Track:
    """A sound track, copied if the container supports its codec, else re-encoded as AAC."""

    def __init__(self, output: OutputContainer, source: AudioStream) -> None:
        name = source.codec_context.codec.canonical_name
        self.copied = name in output.supported_codecs
        self.note = "" if self.copied else f"sound: {output.format.name} does not support {name}, re-encoded as AAC"
        if self.copied:
            self.stream = output.add_stream_from_template(source)
        else:
            self.stream = output.add_stream("aac", source.codec_context.sample_rate, layout=source.layout.name)

    def take(self, packet: Packet[AudioStream]) -> Iterable[Packet[AudioStream]]:
        """Return what to write for one packet of the source; damaged sound is left out."""
        if self.copied:
            if packet.dts is None:  # the end
                return []
            packet.stream = self.stream
            return [packet]
        try:
            frames = packet.decode()
        except av.FFmpegError:
            return []
        encoded = [found for frame in frames for found in self.stream.encode(frame)]
        return encoded + (self.stream.encode(None) if packet.dts is None else [])


def _audio_packets(sound: InputContainer, tracks: dict[int, _Track]) -> Iterator[Packet[AudioStream]]:
    if not tracks:
        return
    for packet in sound.demux(tuple(sound.streams.audio)):
        yield from tracks[packet.stream.index].take(packet)
