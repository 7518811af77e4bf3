"""The conversion of a video from its options: open the source, load the model, translate, write the file."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ir_transfer import __version__
from ir_transfer.conversion.heat.setup import check_heat, make_heat
from ir_transfer.conversion.heat.shift import Heat
from ir_transfer.conversion.inputs import MANIFEST_NAME
from ir_transfer.conversion.manifest import Header, Manifest
from ir_transfer.conversion.options import Observer
from ir_transfer.conversion.session import exemplar_settings, is_inverted, load_translator, locked
from ir_transfer.conversion.styles.choose import choose_styles
from ir_transfer.conversion.timing import warn_of_time
from ir_transfer.conversion.translate import Translator
from ir_transfer.conversion.video.options import VideoOptions, VideoSummary
from ir_transfer.conversion.video.run import VideoRun
from ir_transfer.conversion.video.source import FrameFolder, Source
from ir_transfer.conversion.video.store import STATE_NAME, FrameStore
from ir_transfer.errors import InputError, MissingFileError
from ir_transfer.imaging.encode import DEFAULT_COMPRESSION
from ir_transfer.imaging.image_io import OutputLevels, read_image
from ir_transfer.json_files import json_text
from ir_transfer.models.style_facts import polarity_facts

if TYPE_CHECKING:
    from ir_transfer.conversion.video.read_video import VideoFile


def convert_video(options: VideoOptions, observer: Observer) -> VideoSummary:
    """Translate a clip; a frame that cannot be read is recorded and does not stop the run.

    Args:
        options: What to convert, and how.
        observer: Notified of every frame.

    Raises:
        IrTransferError: Wrong options, no frames, frames of several sizes, no style, or an output that cannot be
            written.
    """
    options.check()
    check_heat(options.heat)
    source = _open(options)
    out = _out(options)
    video = not isinstance(source, FrameFolder)
    folder = out.with_name(f".{out.name}.frames") if video else out
    if video:
        from ir_transfer.conversion.video.write_video import check_suffix

        check_suffix(out, options.codec)
    _refuse_existing(out, folder, options)
    choice = choose_styles(options.styles, options.style_weights, options.model, options.weights)
    translator = load_translator(options.of_images(), choice)
    heat = make_heat(options.heat, translator.model, translator.device)
    inverted = is_inverted(translator.codes, options.polarity)
    if translator.model.info.iterative:
        warn_of_time(translator, source.count)
    header = _header(options, translator, source, inverted, heat)
    summary = VideoSummary(out)
    if video and options.resume and out.exists() and not (folder / MANIFEST_NAME).is_file():
        _refuse_other_video(out, _comment(header, options))
        summary.notes.append("it is already complete")
        return summary
    with locked(folder):
        try:
            _translate(options, source, folder, header, translator, inverted, heat, observer, summary)
            if not isinstance(source, FrameFolder):
                summary.notes += _assemble(options, source, folder, out, _comment(header, options))
        finally:
            if video and not next(folder.glob("*.png"), None):  # finished, or failed before the first frame
                shutil.rmtree(folder)
    return summary


def _translate(
    options: VideoOptions,
    source: Source,
    folder: Path,
    header: Header,
    translator: Translator,
    inverted: bool,
    heat: Heat | None,
    observer: Observer,
    summary: VideoSummary,
) -> None:
    if options.overwrite and not isinstance(source, FrameFolder):
        for path in folder.iterdir():  # frames of an interrupted run; the folder stays, since it is locked
            path.unlink()
    compression = options.compression or DEFAULT_COMPRESSION
    store = FrameStore(folder, header, source.count, resume=options.resume, compression=compression)
    try:
        run = VideoRun(
            options, source, store, translator, inverted=inverted, heat=heat, observer=observer, summary=summary
        )
        run.all()
        summary.notes += source.notes
        options.heat.report_unused(summary.frames, sum(bool(entry.heated) for entry in store.entries()))
        if not summary.frames:
            raise InputError(
                f"{options.source}: expected a video with frames, got none that can be decoded "
                f"({len(summary.damaged)} are damaged): check the file"
            )
        if folder == summary.out:
            store.finish()
    finally:
        store.close()


def _open(options: VideoOptions) -> FrameFolder | VideoFile:
    path = options.source
    if path.is_dir():
        return FrameFolder(path, options.fps, options.max_pixels, options.levels)
    if not path.is_file():
        raise MissingFileError(f"expected a video or a folder of frames at {path}, found none: check the path")
    from ir_transfer.conversion.video.read_video import VideoFile  # imports av, which a folder does not need

    return VideoFile(path, options.max_pixels, options.levels)


def _out(options: VideoOptions) -> Path:
    folder = options.source.is_dir()
    source = options.source.resolve()
    out = options.out or source.with_name(f"{source.name}_ir" if folder else f"{source.stem}_ir.mp4")
    if out.resolve() == source:
        raise InputError(f"expected -o outside the input, got {out} itself: it would replace the input")
    if folder and out.exists() and not out.is_dir():
        raise InputError(f"expected -o to name a folder for a folder of frames, got the file {out}: choose another")
    if not folder and out.is_dir():
        raise InputError(f"expected -o to name a file such as {out / 'clip.mp4'}, got the folder {out}")
    return out


def _refuse_existing(out: Path, folder: Path, options: VideoOptions) -> None:
    if options.overwrite:
        return
    begun = Manifest.holds_results(folder)
    if not options.resume and (out.is_file() or begun):
        what = "a finished video" if out.is_file() else f"frames of an earlier run in {folder}"
        raise InputError(
            f"expected no {out} yet, got {what}: use --overwrite to make it again, "
            "--resume to continue after an interruption, or another -o"
        )
    names = {path.name for path in out.iterdir()} if out.is_dir() else set()
    if not begun and names - {MANIFEST_NAME, STATE_NAME}:  # left by a run without any success
        raise InputError(f"expected a fresh folder, got {out} with other files: use --overwrite, or another -o")


def _header(options: VideoOptions, translator: Translator, source: Source, inverted: bool, heat: Heat | None) -> Header:
    settings: dict[str, Any] = {
        "model": translator.model.info.name,
        "weights": translator.model.weights_hash,
        "style": translator.style.hash,
        "strength": options.strength,
        "exemplar_polarity": [polarity_facts(code) for code in translator.codes],
        "inverted": inverted,
        "smoothing": options.smoothing,
        "flow": options.flow,
        "seed": options.seed,
        "input": source.hash(),
        **({} if options.levels is None else {"levels": list(options.levels)}),
        **exemplar_settings(options.exemplar_range, translator),
    }
    if isinstance(source, FrameFolder):
        settings["compression"] = options.compression or DEFAULT_COMPRESSION
    if heat is not None:
        settings |= options.heat.settings() | heat.settings
    versions = {
        "ir_transfer": __version__,
        "torch": str(torch.__version__),
        "python": platform.python_version(),
        "device": translator.device.type,
    }
    return Header(options.command, settings, versions, settings=options.settings)


def _comment(header: Header, options: VideoOptions) -> str:
    """Return the settings of the video, for its metadata."""
    quality = {"quality": options.quality} if options.codec == "h264" else {}
    made = {"ir_transfer": header.versions["ir_transfer"], **header.look, "codec": options.codec, **quality}
    return json_text(made)


def _refuse_other_video(out: Path, comment: str) -> None:
    """Raise :class:`InputError` unless a finished video was made with the requested settings."""
    from ir_transfer.conversion.video.read_video import read_comment

    if read_comment(out) != comment:
        raise InputError(
            f"expected {out} to be made with these options, got another video: use --overwrite, or another -o"
        )


def _assemble(options: VideoOptions, source: VideoFile, folder: Path, out: Path, comment: str) -> list[str]:
    """Write the video from its frames under a temporary name, rename it, and remove the frames."""
    from ir_transfer.conversion.video.write_video import write_video

    frames = sorted(folder.glob("*.png"))
    temporary = folder / f"video{out.suffix}"
    notes = write_video(temporary, source, _read_back(frames), options.codec, options.quality, comment)
    temporary.replace(out)
    for path in frames:
        path.unlink()
    return notes


def _read_back(paths: list[Path]) -> Iterator[tuple[int, OutputLevels]]:
    for path in paths:
        yield int(path.stem.partition("_")[2]), read_image(path).levels[0]
