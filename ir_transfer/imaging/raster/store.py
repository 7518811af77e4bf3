"""Stores finished windows on disk in a flat file with a journal, which a kill cannot corrupt.

A GeoTIFF keeps its index in memory while it is written, so a kill may leave an unreadable file. Here the rows of a
window have fixed offsets in a flat file, and the window is added to the journal once they are on disk. The GeoTIFF is
written from the complete file at the end.
"""

import errno
import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ir_transfer.imaging.image_io import BitDepth, OutputLevels, write_whole
from ir_transfer.imaging.raster.gdal import encode_error
from ir_transfer.json_files import json_text

_STATE, _JOURNAL, _LEVELS, _VALID = "state.json", "windows", "levels", "valid"
_LINE = 24


def work_folder(out: Path) -> Path:
    """Return the work folder beside a raster; its name is short, as the raster's may have the largest length."""
    return out.with_name(f".{hashlib.sha256(os.fsencode(out.name)).hexdigest()[:16]}.work")


class WindowStore:
    """The finished windows of a raster that is being written.

    Args:
        folder: Work folder.
        key: All settings that affect the windows; windows of another key are removed.
        height: Rows of the raster.
        width: Columns of the raster.
        bit_depth: Bits of the levels.
        masked: Whether pixels may be invalid, so that a mask is stored too.

    Attributes:
        done: Corner and size of each finished window: ``y0, x0, h, w``.

    Raises:
        EncodeError: The folder cannot be written, or the disk has too little space for all windows.
    """

    def __init__(
        self, folder: Path, key: Mapping[str, Any], height: int, width: int, bit_depth: BitDepth, *, masked: bool
    ) -> None:
        self.folder = folder
        self.height, self.width = height, width
        self.dtype = np.dtype(np.uint8 if bit_depth == 8 else np.uint16)
        self.done: set[tuple[int, int, int, int]] = set()
        described = {**key, "height": height, "width": width, "bit_depth": bit_depth, "masked": masked}
        text = json_text(described, sort_keys=True).encode()
        if _read(folder / _STATE) != text:
            remove(folder)
            write_whole(folder / _STATE, text)
        self._levels = self._open(_LEVELS, height * width * self.dtype.itemsize)
        self._valid = self._open(_VALID, height * width) if masked else None
        self._journal = self._open(_JOURNAL, 0)
        self._recover()

    def _open(self, name: str, size: int) -> int:
        path = self.folder / name
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise encode_error(path, str(error.strerror), error.errno) from error
        try:
            if os.fstat(handle).st_size < size:
                os.posix_fallocate(handle, 0, size)  # fail now, not after hours, if the disk is too small
        except OSError as error:
            os.close(handle)
            if error.errno == errno.ENOSPC:
                free = shutil.disk_usage(self.folder).free
                what = f"{error.strerror} ({size / 1e6:.0f} MB needed, {free / 1e6:.0f} MB free)"
            else:
                what = str(error.strerror)
            raise encode_error(path, what, error.errno) from error
        return handle

    def _recover(self) -> None:
        """Read the journal; an incomplete line is dropped."""
        data = os.pread(self._journal, os.fstat(self._journal).st_size, 0)
        whole = len(data) // _LINE * _LINE
        os.ftruncate(self._journal, whole)
        for start in range(0, whole, _LINE):
            y0, x0, height, width = np.frombuffer(data[start : start + _LINE], "<u4", 4).tolist()
            if data[start + 16 : start + _LINE] == _check(data[start : start + 16]):
                self.done.add((y0, x0, height, width))

    def write(self, y0: int, x0: int, levels: OutputLevels, valid: NDArray[np.bool_] | None) -> None:
        """Write a window (h, w), then its line in the journal.

        Raises:
            EncodeError: The disk is full or the folder is missing; earlier windows are kept.
        """
        height, width = levels.shape
        try:
            self._write_rows(self._levels, levels.astype(self.dtype, copy=False), y0, x0)
            if self._valid is not None:
                shown = np.ones((height, width), np.uint8) if valid is None else valid.astype(np.uint8)
                self._write_rows(self._valid, shown, y0, x0)
            line = np.array([y0, x0, height, width], "<u4").tobytes()
            _write_all(self._journal, line + _check(line), os.fstat(self._journal).st_size)
            os.fsync(self._journal)
        except OSError as error:
            raise encode_error(self.folder, str(error.strerror), error.errno) from error
        self.done.add((y0, x0, height, width))

    def _write_rows(self, handle: int, rows: NDArray[Any], y0: int, x0: int) -> None:
        for number, row in enumerate(np.ascontiguousarray(rows)):
            _write_all(handle, row.tobytes(), ((y0 + number) * self.width + x0) * rows.itemsize)
        os.fsync(handle)

    def levels(self, y0: int, y1: int) -> OutputLevels:
        """Return the levels of rows ``y0`` to ``y1`` (h, W)."""
        found: OutputLevels = self._rows(self._levels, self.dtype, y0, y1)
        return found

    def valid(self, y0: int, y1: int) -> NDArray[np.bool_] | None:
        """Return the valid pixels (rows, W) of these rows; None without a mask."""
        return None if self._valid is None else self._rows(self._valid, np.dtype(np.uint8), y0, y1) > 0

    def _rows(self, handle: int, dtype: np.dtype[Any], y0: int, y1: int) -> NDArray[Any]:
        count = (y1 - y0) * self.width * dtype.itemsize
        parts, offset = [], y0 * self.width * dtype.itemsize
        while count > 0 and (part := os.pread(handle, count, offset)):
            parts.append(part)
            count, offset = count - len(part), offset + len(part)
        return np.frombuffer(b"".join(parts), dtype).reshape(y1 - y0, self.width)

    def close(self) -> None:
        """Close the files."""
        for handle in (self._levels, self._valid, self._journal):
            if handle is not None:
                os.close(handle)


def remove(folder: Path) -> None:
    """Remove a work folder, if it exists; the state file first, so that a partly removed folder is not resumed."""
    (folder / _STATE).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def _write_all(handle: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(handle, view, offset)
        view, offset = view[written:], offset + written


def _check(line: bytes) -> bytes:
    return hashlib.sha256(line).digest()[: _LINE - 16]


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
