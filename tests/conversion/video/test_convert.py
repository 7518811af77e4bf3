from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from ir_transfer import create_model
from ir_transfer.conversion.video.convert import convert_video
from ir_transfer.conversion.video.options import VideoOptions, VideoSummary
from ir_transfer.errors import DecodeError, InputError, MissingFileError
from ir_transfer.imaging.image_io import read_image
from tests.conversion.video.clips import moving, read_clip, sound_packets, write_clip
from tests.models.small_thermal import SMALL_THERMAL


class Watcher:
    """Records the notifications."""

    def __init__(self) -> None:
        self.errors: list[str | None] = []

    def start(self, total: int) -> None:
        self.total = total

    def advance(self, error: str | None) -> None:
        self.errors.append(error)


def run(options: VideoOptions, **changes: Any) -> VideoSummary:
    watcher = Watcher()
    summary = convert_video(replace(options, **changes), watcher)
    assert len(watcher.errors) >= summary.frames
    return summary


@pytest.fixture
def options(exemplar: Path, tmp_path: Path) -> VideoOptions:
    clip = write_clip(tmp_path / "clip.mp4", moving(8))
    return VideoOptions(clip, (str(exemplar),), model="gray", flow=False, report=False)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of a small AdaIN."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "random.safetensors"
    create_model("adain", weights=None, **SMALL_THERMAL).save(path)
    return path


def luma(frames: list[NDArray[np.uint8]]) -> NDArray[np.float64]:
    return np.asarray(np.stack(frames) @ np.array([0.299, 0.587, 0.114]))


def test_frames_have_the_expected_levels_and_the_default_name(options: VideoOptions, tmp_path: Path) -> None:
    summary = run(options)
    assert summary.out == tmp_path / "clip_ir.mp4"
    assert (summary.frames, summary.damaged) == (8, [])
    times, images = read_clip(summary.out)
    assert times == pytest.approx([0.04 * i for i in range(8)])
    assert np.abs(images - luma(moving(8))).mean() < 2
    with av.open(str(summary.out)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert json.loads(container.metadata["comment"])["model"] == "gray"
        frame = next(container.decode(stream))
        assert frame.format.name == "yuvj420p"
        assert np.ptp(frame.to_ndarray(format="rgb24").astype(int), axis=2).max() <= 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "clip_ir.mp4", "exemplar.png"]


def test_ffv1_is_lossless(options: VideoOptions, tmp_path: Path) -> None:
    lossless = read_clip(run(options, codec="ffv1", out=tmp_path / "a.mp4").out)[1]
    inverted = read_clip(run(options, codec="ffv1", out=tmp_path / "b.mkv", polarity="black-hot").out)[1]
    np.testing.assert_array_equal(inverted, 255 - lossless)
    with pytest.raises(InputError, match=r"\.mp4 or \.mkv"):
        run(options, codec="ffv1", out=tmp_path / "c.mov")


@pytest.mark.parametrize("codec", ["h264", "ffv1"])
def test_odd_sides_are_kept(options: VideoOptions, tmp_path: Path, codec: str) -> None:
    clip = write_clip(tmp_path / "odd.mp4", moving(4, 33, 47))
    _, images = read_clip(run(options, source=clip, codec=codec).out)
    assert images.shape == (4, 33, 47)
    assert np.abs(images - luma(moving(4, 33, 47))).mean() < 3


def test_variable_frame_rate_keeps_timestamps(options: VideoOptions, tmp_path: Path) -> None:
    times = [0, 40, 50, 117, 333, 334, 400]
    clip = write_clip(tmp_path / "vfr.mp4", moving(7), times)
    found, _ = read_clip(run(options, source=clip).out)
    assert found == pytest.approx([time / 1000 for time in times], abs=1e-6)


def test_audio_is_copied_or_re_encoded(options: VideoOptions, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "aac.mp4", moving(6), sound="aac")
    summary = run(options, source=clip)
    assert sound_packets(summary.out) == sound_packets(clip)
    assert summary.notes == []
    clip = write_clip(tmp_path / "odd.mkv", moving(6), sound="wavpack")
    summary = run(options, source=clip)
    assert "wavpack" in summary.notes[0]
    with av.open(str(summary.out)) as container:
        heard = sum(frame.samples for frame in container.decode(audio=0))
        assert container.streams.audio[0].codec_context.name == "aac"
    assert heard == pytest.approx(8000, rel=0.3)


@pytest.mark.parametrize("rotation", [90, 180, -90])
def test_rotation_metadata_is_applied(options: VideoOptions, tmp_path: Path, rotation: int) -> None:
    clip = write_clip(tmp_path / "turned.mp4", moving(3), rotation=rotation)
    out = run(options, source=clip).out
    _, images = read_clip(out)
    upright = np.rot90(luma(moving(3)), rotation // 90, axes=(1, 2))
    assert images.shape == upright.shape
    assert np.abs(images - upright).mean() < 2
    with av.open(str(out)) as container:
        assert next(container.decode(video=0)).rotation == 0


def write_frames(folder: Path, numbers: list[int], size: tuple[int, int] = (48, 64)) -> Path:
    folder.mkdir()
    for number, pixels in zip(numbers, moving(len(numbers), *size), strict=True):
        Image.fromarray(pixels).save(folder / f"f{number}.png")
    return folder


def test_numbered_frames(options: VideoOptions, tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "frames", [8, 9, 10, 13])
    Image.fromarray(moving(1)[0]).save(folder / "cover.png")
    summary = run(options, source=folder)
    assert summary.out == tmp_path / "frames_ir"
    assert summary.notes == ["ignored (no number): cover.png", "missing frame numbers: 11-12"]
    lines = [json.loads(line) for line in (summary.out / "manifest.jsonl").read_text().splitlines()]
    assert [line["output"] for line in lines[1:]] == ["f8.png", "f9.png", "f10.png", "f13.png"]
    assert all(line["status"] == "converted" and line["output_sha256"] for line in lines[1:])
    assert lines[0]["look"]["model"] == "gray"
    gray = read_image(folder / "f13.png").gray()
    np.testing.assert_allclose(read_image(summary.out / "f13.png").gray(), gray, atol=1 / 255)
    assert len([*summary.out.iterdir()]) == 5
    with pytest.raises(InputError, match="--overwrite"):
        run(options, source=folder)
    assert run(options, source=folder, resume=True).skipped == 4
    assert run(options, source=folder, overwrite=True).skipped == 0
    with pytest.raises(InputError, match="one set of options"):
        run(options, source=folder, resume=True, strength=0.5)


def test_damaged_frame_fails_without_affecting_others(options: VideoOptions, tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "frames", [1, 2, 3, 4])
    for name in ("f1.png", "f3.png"):
        (folder / name).write_bytes(b"damage")
    summary = run(options, source=folder, report=True)
    assert summary.frames == 3
    assert [Path(error.split(":")[0]).name for error in summary.damaged] == ["f1.png", "f3.png"]
    assert (summary.out / "f3.png").read_bytes() == (summary.out / "f2.png").read_bytes()
    assert not (summary.out / "f1.png").exists()


def test_damaged_packets_in_a_video(options: VideoOptions, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mkv", moving(8), codec="mjpeg")
    with av.open(str(clip)) as container:
        places = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    data = clip.read_bytes()
    start = data.index(places[4])
    clip.write_bytes(data[:start] + bytes(len(places[4])) + data[start + len(places[4]) :])
    summary = run(options, source=clip, codec="ffv1")
    times, images = read_clip(summary.out)
    assert len(summary.damaged) == 1
    assert "frame 4 (0.160 s)" in summary.damaged[0]
    assert times == pytest.approx([0.04 * i for i in range(8)], abs=1e-3)
    np.testing.assert_array_equal(images[4], images[3])
    assert (images[5] != images[4]).any()


def test_truncated_video(options: VideoOptions, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mkv", moving(8))
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size * 3 // 4])
    assert 3 <= run(options, source=clip).frames < 8


def test_invalid_inputs_are_rejected(options: VideoOptions, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"none\.mp4"):
        run(options, source=tmp_path / "none.mp4")
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(DecodeError, match=r"text\.mp4: expected a video"):
        run(options, source=tmp_path / "text.mp4")
    with av.open(str(tmp_path / "sound.mp4"), "w") as output:
        track: Any = output.add_stream("aac", 8000, layout="mono")
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 4000), np.int16), format="s16", layout="mono")
        silence.sample_rate = 8000
        output.mux(track.encode(silence))
        output.mux(track.encode(None))
    with pytest.raises(InputError, match="expected a video stream, got audio"):
        run(options, source=tmp_path / "sound.mp4")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="numbered images"):
        run(options, source=tmp_path / "empty")
    small = write_clip(tmp_path / "small.mp4", moving(2, 12, 64))
    with pytest.raises(InputError, match="at least 16 pixels, got 64 x 12"):
        run(options, source=small)
    folder = write_frames(tmp_path / "frames", [1, 2, 3])
    Image.fromarray(moving(1, 48, 70)[0]).save(folder / "f3.png")
    with pytest.raises(InputError, match=r"f3.png: expected 64 x 48 pixels .* got 70 x 48"):
        run(options, source=folder)
    Image.fromarray(moving(1)[0]).save(folder / "f3.jpg")
    with pytest.raises(InputError, match="f3"):
        run(options, source=folder)
    with pytest.raises(InputError, match="--max-pixels"):
        run(options, max_pixels=100)
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".frames")]


def test_video_without_frames_is_rejected(options: VideoOptions, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mkv", moving(2), codec="mjpeg")
    with av.open(str(clip)) as container:
        places = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    data = clip.read_bytes()
    for place in places:
        data = data.replace(place, bytes(len(place)))
    clip.write_bytes(data)
    with pytest.raises(InputError, match="expected a video with frames"):
        run(options, source=clip)
    assert not (tmp_path / ".clip_ir.mp4.frames").exists()


def test_existing_output_is_rejected(options: VideoOptions) -> None:
    out = run(options).out
    before = out.read_bytes()
    with pytest.raises(InputError, match="--overwrite"):
        run(options)
    assert run(options, resume=True).notes == ["it is already complete"]
    with pytest.raises(InputError, match="another video"):
        run(options, resume=True, strength=0.5)
    assert out.read_bytes() == before
    assert run(options, overwrite=True, strength=0.5).frames == 8


def test_smoothed_statistics_reduce_flicker(options: VideoOptions, weights: Path, tmp_path: Path) -> None:
    frames = [np.clip(f * (0.8 if i % 2 else 1.0), 0, 255).astype(np.uint8) for i, f in enumerate(moving(8))]
    clip = write_clip(tmp_path / "hunting.mp4", frames)
    adain = replace(options, source=clip, model="adain", weights=str(weights), codec="ffv1", report=True)
    smooth, alone = (run(adain, smoothing=s, out=tmp_path / f"{s}.mp4") for s in (0.5, 0.0))
    assert smooth.smoothed
    assert not alone.smoothed
    assert smooth.flicker is not None
    assert alone.flicker is not None
    assert smooth.flicker.pairs == 2
    assert smooth.flicker.frame_by_frame == pytest.approx(alone.flicker.output, rel=0.05)
    assert alone.flicker.frame_by_frame == alone.flicker.output
    first, second = read_clip(smooth.out)[1], read_clip(alone.out)[1]
    np.testing.assert_array_equal(first[0], second[0])
    assert (first[-1] != second[-1]).any()


def test_optical_flow_reduces_flicker(options: VideoOptions, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    frames = [np.clip(f + random.normal(0, 12, f.shape), 0, 255).astype(np.uint8) for f in moving(10)]
    clip = write_clip(tmp_path / "noisy.mp4", frames)
    blended = run(options, source=clip, flow=True, report=True).flicker
    assert blended is not None
    assert blended.ratio < 0.6 < 0.9 < blended.frame_by_frame_ratio < 1.1
