"""Local folders that represent remote ones; an image in them is an empty file whose bytes are in the storage.

Other code uses plain paths; the functions here read, write and remove the bytes behind them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from ir_transfer.errors import DecodeError, EncodeError, InputError, MissingFileError
from ir_transfer.imaging.image_names import is_image_name
from ir_transfer.redaction import redact
from ir_transfer.regular_files import open_regular, read_regular

MAX_FILE_BYTES = 2**30
"""Limit of a remote file, unless it is an image of a larger ``--max-pixels``."""

_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_HEADER_BYTES = 2**16  # bytes fetched at once if the start of a file is requested
_PART_BYTES = 2**24
_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs"}
_WEB = ("http://", "https://")


def is_url(text: str) -> bool:
    """Return whether a text is a URL such as ``s3://...``, and neither a path nor ``C:/...``.

    Example:
        >>> is_url("s3://bucket/rgb"), is_url("rgb"), is_url("C:/rgb")
        (True, False, False)
    """
    return _URL.match(text) is not None


def is_web(url: str) -> bool:
    """Return whether a URL is one of HTTP."""
    return url.lower().startswith(_WEB)


def split_query(url: str) -> tuple[str, str]:
    """Return a URL without its query, and the query; only URLs of HTTP have one, in others ``?`` is a wildcard.

    Example:
        >>> split_query("https://host/a.png?sig=1"), split_query("s3://bucket/a?.png")
        (('https://host/a.png', 'sig=1'), ('s3://bucket/a?.png', ''))
    """
    path, _, query = url.partition("?") if is_web(url) else (url, "", "")
    return path, query


@dataclass(frozen=True)
class Mount:
    """A local folder that represents a remote one, or a local file that represents a single URL with a query.

    Attributes:
        local: Absolute path of the local folder or file.
        url: URL of the remote folder, without a trailing slash, or of the file.
        keeps: Whether files are also kept below ``local``, images as empty files.
    """

    local: Path
    url: str
    keeps: bool = True

    @cached_property
    def store(self) -> tuple[Any, str]:
        """The fsspec file system, and the path of the remote folder in it.

        Raises:
            InputError: There is no such storage, or its package is not installed.
        """
        import fsspec

        try:
            # The signature of a query belongs to its exact characters.
            system, root = fsspec.core.url_to_fs(self.url, **({"encoded": True} if split_query(self.url)[1] else {}))
        except (ImportError, ValueError) as error:
            extra = _EXTRAS.get(self.url.partition("://")[0])
            advice = f"pip install 'ir-transfer[{extra}]'" if extra else "check the URL"
            if is_web(self.url):
                advice = "pip install 'fsspec[http]'"
            raise InputError(f"expected a storage for {self.url}, got: {error}: {advice}") from error
        return system, str(root) if split_query(self.url)[1] else str(root).rstrip("/")

    def place(self, path: Path) -> str:
        """Return the path in the storage of ``local`` or a path below it."""
        if path == self.local:
            return self.store[1]
        return f"{self.store[1]}/{path.relative_to(self.local).as_posix()}"


_mounts: list[Mount] = []
_names: dict[str, str] = {}


def use_mount(mount: Mount) -> None:
    """Mount a remote folder in this process."""
    _mounts.append(mount)
    _names[str(mount.local)] = mount.url


def end_mount(mount: Mount) -> None:
    """Unmount a remote folder; :func:`public` still resolves its name."""
    _mounts.remove(mount)


def mounts() -> Sequence[Mount]:
    """Return the mounted remote folders."""
    return tuple(_mounts)


def public(text: object) -> str:
    """Return a text or path with URLs instead of mounted local folders, and with the secrets of URLs redacted."""
    shown = str(text)
    for local, url in _names.items():
        shown = shown.replace(local, url)
    return redact(shown)


def stored_bytes(path: Path, limit: int | None = None) -> bytes:
    """Return the bytes of a local or remote file; of a remote one at most ``limit`` + 1.

    Raises:
        MissingFileError: The storage has no such file.
        DecodeError: The storage does not give it.
        InputError: Without ``limit``, a remote file of more than :data:`MAX_FILE_BYTES`.
        OSError: A local file cannot be read.
    """
    mount = _reads_from(path)
    if mount is None:
        return read_regular(path)
    most = MAX_FILE_BYTES if limit is None else limit
    try:
        system, place = mount.store[0], mount.place(path)
        whole = b"".join(_parts(system, place, most)) if is_web(mount.url) else system.cat_file(place, end=most + 1)
    except FileNotFoundError:
        raise MissingFileError(f"{public(path)}: expected a file, found none: check the path") from None
    except Exception as error:  # each storage raises its own error types
        raise DecodeError(
            f"{public(path)}: expected a readable file, got: {error}: check the URL and its permissions"
        ) from error
    if limit is None and len(whole) > most:
        raise too_large(public(path))
    return bytes(whole)


def download(system: Any, name: str, path: Path, size: int | None) -> None:
    """Copy a file of a storage to the local disk.

    Args:
        system: The fsspec file system.
        name: Path of the file in it.
        path: Path of the copy.
        size: Number of bytes that the storage states, if any.

    Raises:
        InputError: The file has more than :data:`MAX_FILE_BYTES`.
    """
    with path.open("wb") as file:
        for part in _parts(system, name, MAX_FILE_BYTES) if size is None or size <= MAX_FILE_BYTES else ():
            file.write(part)
        if max(file.tell(), size or 0) > MAX_FILE_BYTES:
            raise too_large(name)


def too_large(name: str) -> InputError:
    """Return the error for a remote file of more than :data:`MAX_FILE_BYTES`."""
    return InputError(f"{name}: expected at most {MAX_FILE_BYTES} bytes, got more: make it smaller or remove it")


def _parts(system: Any, name: str, limit: int) -> Iterator[bytes]:
    """Yield the content of a file in parts, at most ``limit`` + 1 bytes."""
    # A server may ignore the range of a request, or send packed bytes that unpack to more; a size spares a request.
    streamed = {"block_size": 0, "size": 1} if is_web(name) else {}
    left = limit + 1
    with system.open(name, "rb", **streamed) as file:
        while left > 0 and (part := file.read(min(left, _PART_BYTES))):
            left -= len(part)
            yield bytes(part)


def open_stored(path: Path) -> BinaryIO:
    """Open a local or remote file to read a part of it; the caller closes it.

    Raises:
        OSError: It cannot be opened, or is a pipe, socket or device; storages may raise other errors.
    """
    mount = _reads_from(path)
    if mount is None:
        return open_regular(path)
    file: BinaryIO = mount.store[0].open(mount.place(path), "rb", block_size=_HEADER_BYTES)
    return file


def is_remote(path: Path) -> bool:
    """Return whether a file is below a mounted remote folder."""
    return _mount_of(path) is not None


def keeps_here(path: Path) -> bool:
    """Return whether a file is also written to the local disk."""
    mount = _mount_of(path)
    return mount is None or mount.keeps


def publish(path: Path, data: bytes | bytearray) -> None:
    """Write a file to the storage of its mounted folder; do nothing for other folders.

    Raises:
        EncodeError: The storage does not take it.
    """
    mount = _mount_of(path)
    if mount is None:
        return
    system, root = mount.store
    try:
        if mount.url.partition("://")[0] not in _EXTRAS:  # these have no folders; makedirs would create a bucket
            system.makedirs(str(PurePosixPath(mount.place(path)).parent), exist_ok=True)
        system.pipe_file(mount.place(path), data)
    except Exception as error:  # each storage raises its own error types
        wrapped = EncodeError(
            f"{public(path)}: expected to write it, got: {error}: check {root} and its permissions, then --resume"
        )
        wrapped.errno = getattr(error, "errno", None)
        raise wrapped from error


def remove(path: Path) -> None:
    """Remove a file from the local disk and from the storage of its mounted folder.

    Raises:
        EncodeError: The storage does not remove it.
        OSError: It cannot be removed from the local disk.
    """
    mount = _mount_of(path)
    if mount is not None:
        try:
            mount.store[0].rm_file(mount.place(path))
        except FileNotFoundError:
            pass
        except Exception as error:  # each storage raises its own error types
            raise EncodeError(f"{public(path)}: expected to remove it, got: {error}: check its permissions") from error
    path.unlink()


def _reads_from(path: Path) -> Mount | None:
    """Return the mount from which to read a file; None for a local file."""
    mount = _mount_of(path)
    if mount is None or path == mount.local:
        return mount
    return None if mount.keeps and not is_image_name(path) else mount


def _mount_of(path: Path) -> Mount | None:
    return next((mount for mount in _mounts if path.is_relative_to(mount.local)), None)
