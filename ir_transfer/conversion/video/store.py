"""The frames that are done, on disk: a folder of images with a manifest, and the state to go on from after a kill."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from safetensors.torch import save
from torch import Tensor

from ir_transfer.conversion.manifest import Entry, Header, Manifest
from ir_transfer.imaging.encode import DEFAULT_COMPRESSION, Compression
from ir_transfer.imaging.image_io import OutputLevels, encode_gray, write_whole
from ir_transfer.json_files import json_text, parse_json
from ir_transfer.models import weight_files

STATE_NAME, _KIND = ".video-state.safetensors", "video state"

logger = logging.getLogger(__name__)


class FrameStore:
    """Images of a clip in their order.

    Args:
        folder: Where they lie.
        header: How they are made.
        count: Frames to expect; 0 if that is not known.
        resume: Go on with what an earlier run left there.
        compression: Of the frames.

    Attributes:
        done: Frames of the input that are done.
        tensors: State at that point.
        sums: Numbers at that point.

    Raises:
        InputError: What lies there was made in another way.
        EncodeError: The folder cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        header: Header,
        count: int,
        *,
        resume: bool,
        compression: Compression = DEFAULT_COMPRESSION,
    ) -> None:
        self.folder = folder
        self.compression = compression
        self.done = 0
        self.tensors: dict[str, Tensor] = {}
        self.sums: list[float] = []
        found = Manifest.load(folder) if resume else None
        if found is None or not found.has_results:
            (folder / STATE_NAME).unlink(missing_ok=True)
            self.manifest = Manifest.create(folder, header)
            return
        found.header.refuse_other_settings(header.look, found.path)
        self.manifest = found
        found.reopen()
        self._load_state()
        if not self.done and 0 < count == len(found.entries) and _all_there(self._outputs(count)):
            self.done = count  # a finished folder keeps no state

    def _load_state(self) -> None:
        if not (self.folder / STATE_NAME).is_file():
            return
        tensors, metadata = weight_files.read(self.folder / STATE_NAME, kind=_KIND)
        done = int(metadata["done"])
        if done > len(self.manifest.entries) or not _all_there(self._outputs(done)):
            logger.warning("frames are gone from %s: the clip is translated from its start", self.folder)
            return
        self.done, self.tensors, self.sums = done, tensors, parse_json(metadata["sums"], "the state of a video")

    def _outputs(self, count: int) -> list[Path]:
        entries = [*self.manifest.entries.values()][:count]
        return [self.folder / entry.output for entry in entries if entry.output is not None]

    def entries(self) -> list[Entry]:
        """Return the lines of what is done, in the order of the clip."""
        return [*self.manifest.entries.values()][: self.done]

    def add(self, entry: Entry, levels: OutputLevels | None) -> None:
        """Write the next frame (H, W) and its line; None if there is no image for it.

        Raises:
            EncodeError: The disk is full or the folder is gone.
        """
        if levels is not None:
            data = encode_gray(levels, compression=self.compression)
            write_whole(self.folder / str(entry.output), data)
            entry = replace(entry, output_sha256=hashlib.sha256(data).hexdigest())
        self.manifest.append(entry)
        self.done += 1

    def checkpoint(self, tensors: Mapping[str, Tensor], sums: Sequence[float]) -> None:
        """Keep the state, so that a resumed run goes on here.

        Args:
            tensors: Of the smoothing, each of any shape.
            sums: Of the flicker probe.

        Raises:
            EncodeError: The disk is full or the folder is gone.
        """
        metadata = {"kind": _KIND, "done": str(self.done), "sums": json_text(list(sums))}
        kept = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        write_whole(self.folder / STATE_NAME, save(kept, metadata))

    def finish(self) -> None:
        """Put the manifest in order and remove the state: all is done."""
        self.manifest.finish([entry.key for entry in self.entries()])
        (self.folder / STATE_NAME).unlink(missing_ok=True)

    def close(self) -> None:
        """Close the manifest."""
        self.manifest.close()


def _all_there(paths: Sequence[Path]) -> bool:
    return all(path.is_file() for path in paths)
