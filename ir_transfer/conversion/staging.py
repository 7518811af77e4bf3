"""Local copies of remote inputs and results while a command runs; see :mod:`ir_transfer.imaging.remote`."""

from __future__ import annotations

import logging
import posixpath
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from ir_transfer.conversion.inputs import LIST_SUFFIXES
from ir_transfer.errors import DecodeError, InputError, IrTransferError, MissingFileError
from ir_transfer.imaging.image_names import is_image_name
from ir_transfer.imaging.raster.references import gdal_name
from ir_transfer.imaging.remote import Mount, download, end_mount, is_url, split_query, use_mount

_ARCHIVE = re.compile(r"(?:zip|tar|gzip)(?:\+[a-z0-9]+)?://", re.IGNORECASE)
_IPV6_HOST = re.compile(r"(?<=://)[^/]*\[[0-9a-f:.]+\]", re.IGNORECASE)
_LONGEST_NAME = 255  # bytes, of a file on the usual local systems

logger = logging.getLogger(__name__)


@contextmanager
def staged(inputs: Sequence[str], out: str | Path | None) -> Iterator[tuple[tuple[str, ...], Path | None]]:
    """Provide local folders for remote inputs and outputs, for the duration of the context.

    A local folder lists the files of the remote one. Files that are not images are copied once. Images are downloaded
    when they are read and not kept, and results are uploaded when they are written, so that the local disk holds only
    labels and names. The remote manifest is updated at the start, every half minute and at the end.

    Object storage has no locks, so two runs must not write into one remote folder. Files are uploaded whole: a killed
    run continues with ``--resume`` and repeats what was written after the last update of the manifest.

    Args:
        inputs: Paths, or URLs of folders and files such as ``s3://bucket/rgb``; ``file://`` is a local path. An HTTP
            URL with a query, such as a pre-signed one, is one file, named without the query.
        out: Path or URL of a folder; beside a single remote input if None.

    Raises:
        MissingFileError: A URL does not exist.
        InputError: A storage that does not exist, a pattern, or results inside the input.
        DecodeError: A remote folder cannot be listed, or a file in it cannot be read.
    """
    inputs = tuple(_in_archive(text) if _ARCHIVE.match(text) else _plain(text) for text in inputs)
    if isinstance(out, str) and _ARCHIVE.match(out):
        raise InputError(f"expected -o to name a folder, got the archive {out}: choose another")
    out = _plain(out) if isinstance(out, str) else out
    if out is None and len(inputs) == 1 and is_url(inputs[0]):
        out = _beside(inputs[0])
    _refuse_nested([text for text in inputs if is_url(text)], out)
    with ExitStack() as stack:
        folder = Path()
        if any(is_url(str(text)) for text in (*inputs, out)):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ir-transfer-"))).resolve()
        local = [
            _stage(stack, text, folder / f"in{number}", needed=True) if is_url(text) else text
            for number, text in enumerate(inputs)
        ]
        if isinstance(out, str) and is_url(out):
            out = _stage(stack, out, folder / "out", needed=False)
        yield tuple(map(str, local)), None if out is None else Path(out)


def _stage(stack: ExitStack, url: str, folder: Path, *, needed: bool) -> Path:
    """Mount a URL at a local path of the same name, and return that path."""
    if needed and split_query(url)[1]:
        return _stage_file(stack, url, folder)
    url = url.rstrip("/")
    local = folder / url.rpartition("/")[2]
    mount = Mount(local, url)
    system, root = mount.store
    try:
        single = needed and system.isfile(root)
        found = {} if single or not system.exists(root) else system.find(root, detail=True)
        if single and local.suffix.lower() in LIST_SUFFIXES:
            raise InputError(f"expected a local list file, got {url}: download it and the images of its lines")
        if needed and not single and not found:
            raise MissingFileError(f"expected the input {url} to exist, found none: check the URL")
        (folder if single else local).mkdir(parents=True)
        if single:
            local.touch()
        for one, info in found.items():
            _list_one(system, local, PurePosixPath(posixpath.relpath(one, root)), one, info, needed=needed)
    except IrTransferError:
        raise
    except Exception as error:  # each storage raises its own error types
        raise DecodeError(f"{url}: expected a readable folder, got: {error}: check its permissions") from error
    use_mount(mount)
    stack.callback(end_mount, mount)
    return local


def _stage_file(stack: ExitStack, url: str, folder: Path) -> Path:
    """Mount the file of a URL with a query, whose server need not answer anything but the download."""
    name = split_query(url)[0].rpartition("/")[2]
    if name in {"", ".", ".."} or len(name.encode()) > _LONGEST_NAME:
        raise InputError(f"expected the URL of a file, got {url} without a file name before the query: download it")
    local = folder / name
    mount = Mount(local, url)
    _ = mount.store
    folder.mkdir(parents=True)
    local.touch()
    use_mount(mount)
    stack.callback(end_mount, mount)
    return local


def _list_one(
    system: Any, folder: Path, place: PurePosixPath, name: str, info: dict[str, Any], *, needed: bool
) -> None:
    if info.get("type") != "file" or any(part.startswith(".") for part in place.parts):
        return
    if place.is_absolute() or "\0" in name or any(len(part.encode()) > _LONGEST_NAME for part in place.parts):
        logger.warning("%s: not a valid local file name: skipped", name)
        return
    path = folder / place
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError as error:  # a storage may have a file and a folder of the same name
        logger.warning("%s: %s: left out", name, error.strerror)
        return
    if is_image_name(path):
        return
    try:
        download(system, name, path, info.get("size"))
    except InputError as error:
        if not needed:  # the results of an earlier run
            raise
        path.unlink()
        logger.warning("%s: left out", error)


def _plain(text: str) -> str:
    """Return the path of a ``file://`` URL; other texts unchanged."""
    if not text.lower().startswith("file://"):
        return text
    from fsspec.implementations.local import LocalFileSystem

    return str(LocalFileSystem._strip_protocol(text))


def _in_archive(url: str) -> str:
    """Return GDAL's path of a file in an archive that rasterio names ``zip://ARCHIVE!FILE``."""
    if "!" not in url:
        raise InputError(f"expected a file in the archive {url}, got none: write it as zip://ARCHIVE!FILE")
    return gdal_name(url)


def _beside(url: str) -> str:
    if split_query(url)[1]:
        raise InputError(f"expected -o OUT with the input {url}, got none: name the folder of the results")
    url = url.rstrip("/")
    return f"{url.removesuffix(posixpath.splitext(url)[1]) if is_image_name(Path(url)) else url}_ir"


def _refuse_nested(inputs: Sequence[str], out: str | Path | None) -> None:
    for text in inputs:
        if any(sign in _IPV6_HOST.sub("", split_query(text)[0]) for sign in "*?["):
            raise InputError(f"expected the URL of a folder or file, got the pattern {text}: name its folder")
        ours, theirs = f"{text.rstrip('/')}/", f"{str(out).rstrip('/')}/"
        if ours.startswith(theirs) or theirs.startswith(ours):
            raise InputError(f"expected -o outside the input {text}, got {out}: choose a folder next to it")
