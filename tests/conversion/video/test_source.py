"""Frames: assumptions and lost properties of an image are reported, and transparency is composited."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import tifffile
from PIL import Image

from ir_transfer.conversion.video.options import VideoOptions
from ir_transfer.conversion.video.read_video import VideoFile
from ir_transfer.conversion.video.source import FrameFolder
from tests.conversion.video.clips import moving
from tests.conversion.video.test_convert import run, write_frames


def test_assumed_and_discarded_frame_properties_are_reported(
    exemplar: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_frames(tmp_path / "frames", [0])
    pixels = moving(1)[0]
    images = [Image.fromarray(pixels), Image.fromarray(pixels[::-1].copy())]
    images[0].save(folder / "f1.mpo", "MPO", save_all=True, append_images=images[1:])
    tifffile.imwrite(folder / "f2.tif", pixels.astype(np.uint16) * 16, photometric="rgb", metadata=None)
    alpha = np.where(np.arange(64) < 16, 0, 255).astype(np.uint8) * np.ones((48, 1), np.uint8)
    Image.fromarray(np.dstack([pixels, alpha])).save(folder / "f3.png")
    (folder / "f3.pgw").write_text("1\n0\n0\n-1\n0\n0\n")
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2024:01:02 03:04:05"
    images[0].save(folder / "f4.jpg", exif=exif)
    tifffile.imwrite(
        folder / "f5.tif",
        np.stack([pixels[..., 0]] * 5),
        photometric="minisblack",
        planarconfig="separate",
        metadata=None,
    )
    with caplog.at_level("WARNING", logger="ir_transfer"):
        summary = run(VideoOptions(folder, (str(exemplar),), model="gray", flow=False, report=False))
    lines = [json.loads(line) for line in (summary.out / "manifest.jsonl").read_text().splitlines()[1:]]
    notes = [" ".join((line["reading"] or {}).get("notes", [])) for line in lines]
    assert notes[0] == ""
    for number, expected in (
        (1, "it has 2 images: number 1 is used (save the desired image as a separate file)"),
        (2, "pass --levels 0,"),
        (3, "25.0% of it is transparent"),
        (3, "the result has no transparency"),
        (3, "its world file f3.pgw is not kept"),
        (4, "the place and time in its EXIF are not kept"),
        (5, "its 5 bands are not named"),
    ):
        assert expected in notes[number]
        assert expected in caplog.text
    assert "--page" not in caplog.text
    assert "--bands" not in caplog.text


@pytest.mark.parametrize(("codec", "pix_fmt"), [("ffv1", "bgra"), ("ffv1", "gbrap16le"), ("qtrle", "argb")])
def test_transparent_frames_of_a_video_are_those_of_images(codec: str, pix_fmt: str, tmp_path: Path) -> None:
    alpha = np.where(np.arange(64) < 16, 0, 255).astype(np.uint8) * np.ones((48, 1), np.uint8)
    pixels = np.dstack([moving(1)[0], alpha])
    Image.fromarray(pixels).save(tmp_path / "frame1.png")
    clip = tmp_path / ("clip.mov" if codec == "qtrle" else "clip.mkv")
    with av.open(str(clip), "w") as output:
        stream: Any = output.add_stream(codec, 25)
        stream.height, stream.width = pixels.shape[:2]
        stream.pix_fmt = pix_fmt
        for _ in range(2):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgba").reformat(format=pix_fmt)))
        output.mux(stream.encode(None))
    video = VideoFile(clip, 10_000)
    expected = next(FrameFolder(tmp_path, 25, 10_000).frames()).image
    assert expected is not None
    frames = [frame.image for frame in video.frames()]
    assert len(frames) == 2
    for image in frames:
        assert image is not None
        np.testing.assert_array_equal(image.valid, expected.valid)
        np.testing.assert_allclose(image.rgb(), expected.rgb(), atol=0.005)  # FFmpeg multiplies 8 bits by 256
    assert [note for note in video.notes if "the result has no transparency" in note] == video.notes
    assert len(video.notes) == 1
