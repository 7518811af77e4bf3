"""Writes small clips of a window that moves over an RGB image."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from tests.conftest import photograph


def moving(count: int, height: int = 48, width: int = 64, seed: int = 0) -> list[NDArray[np.uint8]]:
    """Return frames (H, W, 3) of a window that moves by two pixels per frame."""
    scene = photograph(height + 8, width + 2 * count, seed)
    return [np.ascontiguousarray(scene[4 : 4 + height, 2 * i : 2 * i + width]) for i in range(count)]


def write_clip(
    path: Path,
    frames: Sequence[NDArray[np.uint8]],
    times: Sequence[int] | None = None,
    *,
    sound: str | None = None,
    rotation: int | None = None,
    codec: str = "libx264",
) -> Path:
    """Write a video of (H, W, 3) frames at times in 1/1000 s, with a second of noise as sound."""
    with av.open(str(path), "w") as output:
        video: Any = output.add_stream(codec, 25, {"crf": "1", "g": "4", "bf": "0"} if codec == "libx264" else {})
        video.height, video.width = frames[0].shape[:2]
        video.pix_fmt = "yuv444p" if codec == "libx264" else "yuvj444p"
        video.codec_context.time_base = Fraction(1, 1000)
        if rotation is not None:
            video.set_display_rotation(rotation)
        track: Any = output.add_stream(sound, 8000, layout="mono") if sound else None
        for index, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = times[index] if times else 40 * index, Fraction(1, 1000)
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
        if track is not None:
            noise = np.random.default_rng(0).integers(-9000, 9000, (1, 8000)).astype(np.int16)
            heard = av.AudioFrame.from_ndarray(noise, format="s16", layout="mono")
            heard.sample_rate, heard.pts = 8000, 0
            output.mux(track.encode(heard))
            output.mux(track.encode(None))
    return path


def read_clip(path: Path) -> tuple[list[float], NDArray[np.uint8]]:
    """Return times in seconds and luma (N, H, W) as stored."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        first = [np.asarray(frame.planes[0]) for frame in frames]
        sizes = [(plane.line_size, frame.height, frame.width) for frame in frames for plane in frame.planes[:1]]
        rows = [a.reshape(h, line)[:, :w] for a, (line, h, w) in zip(first, sizes, strict=True)]
        return [float(frame.time) for frame in frames], np.stack(rows).astype(np.uint8)


def sound_packets(path: Path) -> list[bytes]:
    """Return the encoded sound."""
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]
