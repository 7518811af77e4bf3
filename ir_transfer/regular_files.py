"""Opening of regular files only: a named pipe or device is an error instead of blocking the run."""

import errno
import stat
from io import BufferedReader
from pathlib import Path


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file for reading; the caller closes it.

    Opening a named pipe without a writer would block forever.

    Raises:
        OSError: The file cannot be opened, or is a folder, pipe, socket or device.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "not a regular file but a folder, pipe, socket or device", str(path))
    return path.open("rb")


def read_regular(path: Path) -> bytes:
    """Return the bytes of a regular file.

    Raises:
        OSError: The file cannot be read, or is a folder, pipe, socket or device.
    """
    with open_regular(path) as file:
        return file.read()
