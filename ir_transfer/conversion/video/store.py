"""Stores the results of a clip: a folder of images with a manifest, and the state to resume from after a kill."""

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
    """Results of a clip in the order of its frames.

    Args:
        folder: Folder of the results.
        header: Header of the manifest, with the settings.
        count: Expected number of frames; 0 if unknown.
        resume: Continue an earlier run.
        compression: Compression of the frames.

    Attributes:
        done: Number of input frames that are done.
        tensors: State of the smoothing after these frames.
        sums: State of the flicker probe after these frames.

    Raises:
        InputError: The existing results were made with other settings.
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
            logger.warning("frames are missing in %s: the clip is translated from its start", self.folder)
            return
        self.done, self.tensors, self.sums = done, tensors, parse_json(metadata["sums"], "the state of a video")

    def _outputs(self, count: int) -> list[Path]:
        entries = [*self.manifest.entries.values()][:count]
        return [self.folder / entry.output for entry in entries if entry.output is not None]

    def entries(self) -> list[Entry]:
        """Return the manifest lines of the frames that are done, in order."""
        return [*self.manifest.entries.values()][: self.done]

    def add(self, entry: Entry, levels: OutputLevels | None) -> None:
        """Write the levels (H, W) of the next frame, unless they are None, and its manifest line.

        Raises:
            EncodeError: The disk is full or the folder was removed.
        """
        if levels is not None:
            data = encode_gray(levels, compression=self.compression)
            write_whole(self.folder / str(entry.output), data)
            entry = replace(entry, output_sha256=hashlib.sha256(data).hexdigest())
        self.manifest.append(entry)
        self.done += 1

    def checkpoint(self, tensors: Mapping[str, Tensor], sums: Sequence[float]) -> None:
        """Write the state for a resumed run.

        Args:
            tensors: State of the smoothing, tensors of any shape.
            sums: State of the flicker probe.

        Raises:
            EncodeError: The disk is full or the folder was removed.
        """
        metadata = {"kind": _KIND, "done": str(self.done), "sums": json_text(list(sums))}
        kept = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        write_whole(self.folder / STATE_NAME, save(kept, metadata))

    def finish(self) -> None:
        """Sort the manifest and remove the state, once all frames are done."""
        self.manifest.finish([entry.key for entry in self.entries()])
        (self.folder / STATE_NAME).unlink(missing_ok=True)

    def close(self) -> None:
        """Close the manifest."""
        self.manifest.close()


def _all_there(paths: Sequence[Path]) -> bool:
    return all(path.is_file() for path in paths)
