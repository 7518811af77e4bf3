"""Files in archives of this machine, opened as files: GDAL gives their pixels, but not all of their metadata."""

from __future__ import annotations

import gzip
import os
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from ir_transfer.errors import DecodeError
from ir_transfer.regular_files import open_regular

_VIRTUAL = re.compile(r"/vsi(?P<kind>zip|tar|gzip)/(?P<rest>.+)", re.DOTALL)
_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError)
_SCHEME = re.compile(r"(?P<kind>zip|tar|gzip)://(?P<archive>[^!]+)(?:!/?(?P<inner>.*))?", re.DOTALL)


@contextmanager
def open_member(path: str) -> Iterator[BinaryIO | None]:
    """Open a file in an archive; None for one that is in no archive of this machine, or in one inside of another.

    Args:
        path: As GDAL or rasterio names it: ``/vsizip/a.zip/b.tif``, ``/vsitar/{a.tar}/b.jpg``, ``zip://a.zip!b.tif``.

    Raises:
        DecodeError: The archive is damaged.
    """
    with ExitStack() as stack:
        try:
            file = _opened(stack, *_split(path))
        except (*_DAMAGE, KeyError, OSError) as error:
            raise _damaged(path, error) from error
        try:
            yield file
        except _DAMAGE as error:
            raise _damaged(path, error) from error


def _opened(stack: ExitStack, kind: str, archive: Path | None, inner: str) -> BinaryIO | None:
    if archive is None:
        return None
    file = stack.enter_context(open_regular(archive))
    member: object
    if kind == "gzip":
        member = stack.enter_context(gzip.GzipFile(fileobj=file))
    elif kind == "zip":
        zipped = stack.enter_context(zipfile.ZipFile(file))
        member = stack.enter_context(zipped.open(_only(zipped.namelist(), inner)))
    else:
        tarred = stack.enter_context(tarfile.TarFile.open(fileobj=file))
        member = tarred.extractfile(_only(tarred.getnames(), inner))
    return cast("BinaryIO | None", member)


def _damaged(path: str, error: Exception) -> DecodeError:
    return DecodeError(f"{path}: expected a file in an archive, got: {error}: check the path, or extract it")


def _only(names: list[str], inner: str) -> str:
    """Return the name of a member as the archive has it; an archive of one file needs none."""
    if not inner and len(names) == 1:
        return names[0]
    return next((name for name in names if name.removeprefix("./") == inner), inner)


def _split(path: str) -> tuple[str, Path | None, str]:
    """Return the kind of archive, the archive, None if there is none on this machine, and the name inside."""
    if found := _SCHEME.fullmatch(path):
        archive = Path(found["archive"])
        return found["kind"], archive if archive.is_file() else None, found["inner"] or ""
    found = _VIRTUAL.fullmatch(path)
    if found is None or found["rest"].startswith("/vsi"):
        return "", None, ""
    rest = found["rest"]
    if rest.startswith("{"):  # /vsizip/{folder/a.zip}/b.tif
        archive_text, _, inner = rest[1:].partition("}")
        return found["kind"], Path(archive_text) if os.path.isfile(archive_text) else None, inner.lstrip("/")  # noqa: PTH113
    ends = [len(rest), *(at for at in range(len(rest) - 1, 0, -1) if rest[at] == "/")]
    end = next((end for end in ends if os.path.isfile(rest[:end])), None)  # noqa: PTH113
    return found["kind"], None if end is None else Path(rest[:end]), "" if end is None else rest[end:].strip("/")
