"""Restricts the files to which a raster may refer: local images, opened by known drivers, never the network.

GDAL opens every file that a raster names (sources of a VRT, overviews in its metadata, sidecars) by any driver. Here
drivers and file systems of the network are disabled for the process, and names are checked before they are used.
"""

import logging
import os
import re
import stat
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

from ir_transfer.errors import DecodeError, ForeignReferenceError, MissingFileError
from ir_transfer.imaging.image_names import world_endings
from ir_transfer.regular_files import open_regular, read_regular

# Names in rasterio's wheels; other builds of GDAL warn about names that they lack.
_NETWORK_DRIVERS = "WMS WMTS WCS HTTP EEDA EEDAI PLMOSAIC STACIT STACTA DAAS MRF Zarr GTI DERIVED ESRIC KMLSUPEROVERLAY"
_NO_FILE = "/none"
_ALLOWED_FILE = "CPL_VSIL_CURL_ALLOWED_FILENAME"
_NETWORK_FILES = r"/vsi(?:curl|s3|gs|az|adls|oss|swift|webhdfs|hdfs)"
_NETWORK_NAME = re.compile(
    rf"{_NETWORK_FILES}|(?:https?|ftp|s3|gs|az)://|^\s*<|^\s*(?:{_NETWORK_DRIVERS.replace(' ', '|')}):", re.IGNORECASE
)
_SCHEME = re.compile(r"(?:(?P<archive>zip|tar|gzip)\+?)?(?P<storage>[a-z0-9]*)://(?P<rest>.+)", re.DOTALL)
_STORAGES = {name: f"/vsicurl/{name}://" for name in ("http", "https", "ftp")}
_SOURCES = frozenset({"sourcefilename", "sourcedataset", "basefile", "filename"})
_SIDECARS = (".ovr", ".OVR", ".msk", ".MSK", ".ovr.ovr", ".msk.ovr", ".ovr.msk", ".aux")
_SIDECAR_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"EHFA_HEADER_TAG")
_MOST_BYTES = 2**28
_MOST_DEPTH = 8


@cache  # a second call would undo allow_network_files
def restrict_gdal() -> None:
    """Disable GDAL's network access in this process; called before GDAL is used for the first time.

    Drivers that are already registered by other code in the process stay; names are checked in any case.
    """
    skipped = os.environ.get("GDAL_SKIP", "")
    if _NETWORK_DRIVERS not in skipped:
        os.environ["GDAL_SKIP"] = f"{skipped} {_NETWORK_DRIVERS}".strip()
    os.environ.setdefault("GDAL_VRT_ENABLE_PYTHON", "NO")
    os.environ.setdefault(_ALLOWED_FILE, _NO_FILE)


@cache
def rasterio_module() -> ModuleType:
    """Return rasterio, imported at the first call (0.1 s), with GDAL restricted to safe drivers."""
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    restrict_gdal()
    # Most images have no coordinates, and GDAL's errors are raised as this package's.
    warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)
    logging.getLogger("rasterio").addHandler(logging.NullHandler())
    module: ModuleType = rasterio
    return module


def allow_network_files() -> None:
    """Enable GDAL's network access in this process, because the user entered a URL."""
    if os.environ.get(_ALLOWED_FILE) == _NO_FILE:
        del os.environ[_ALLOWED_FILE]


def is_network_path(path: str) -> bool:
    """Return whether GDAL reads a path over the network, such as ``/vsicurl/https://host/a.tif``."""
    return _NETWORK_NAME.search(path) is not None


def is_virtual(path: str) -> bool:
    """Return whether a path is virtual in GDAL or rasterio, such as ``/vsizip/a.zip/b.tif`` or ``zip://a.zip!b.tif``."""
    return path.startswith("/vsi") or "://" in path


def gdal_name(path: str) -> str:
    """Return GDAL's name for a path with a scheme of rasterio's; any other path unchanged.

    Example:
        >>> gdal_name("zip://a.zip!b.tif"), gdal_name("zip+https://host/a.zip!b.tif")
        ('/vsizip/a.zip/b.tif', '/vsizip//vsicurl/https://host/a.zip/b.tif')
    """
    found = None if path.startswith("/vsi") else _SCHEME.fullmatch(path)
    if found is None:
        return path
    archive, storage = found["archive"], found["storage"]
    place, _, member = found["rest"].partition("!")
    name = place if storage in {"", "file"} else _STORAGES.get(storage, f"/vsi{storage}/") + place
    return f"/vsi{archive}/{name}/{member.lstrip('/')}".rstrip("/") if archive else name


def is_sidecar(start: bytes) -> bool:
    """Return whether a file starts as a TIFF or HFA, the formats of overview and mask sidecars."""
    return start.startswith(_SIDECAR_STARTS)


def check_sidecars(path: Path) -> None:
    """Refuse sidecars that GDAL would open and that are neither TIFF nor HFA.

    Raises:
        ForeignReferenceError: One of them is of another kind, for example a VRT.
        DecodeError: One of them, or a world file, is a named pipe, which would block GDAL.
    """
    beside = (f"{path}{suffix}" for suffix in (*_SIDECARS, ".aux.xml"))
    endings = [form for ending in world_endings(path.suffix.lower()) for form in (ending, ending.upper())]
    for name in (*beside, *(str(path.with_suffix(ending)) for ending in (".xml", *endings))):
        if _is_pipe(name):
            raise DecodeError(f"{path}: expected a sidecar file, got the named pipe {name}: remove it")
    for sidecar in (*(Path(f"{path}{suffix}") for suffix in _SIDECARS), path.with_suffix(".aux")):
        there = os.path.isfile(sidecar)  # noqa: PTH113  # no error for a name that is too long
        if sidecar != path and there and not is_sidecar(_start(sidecar)):
            raise ForeignReferenceError(
                f"{path}: expected overviews or a mask in {sidecar.name} as TIFF, got another kind: remove that file"
            )


def _is_pipe(name: str) -> bool:
    try:
        return stat.S_ISFIFO(os.stat(name).st_mode)  # noqa: PTH116  # no error for a name that is too long
    except (OSError, ValueError):
        return False


def check_overview_file(path: str, named: str | None) -> None:
    """Refuse a raster whose metadata names another file with its overviews.

    Raises:
        ForeignReferenceError: Its metadata names a file.
    """
    if named is not None:
        raise ForeignReferenceError(
            f"{path}: expected overviews inside the file or in .ovr, got metadata that names {named}: remove the "
            "metadata item OVERVIEW_FILE (gdal_edit.py -unsetmd)"
        )


def check_vrt(path: Path, depth: int = 0) -> None:
    """Refuse a VRT with a source, also of a nested VRT, that is not a local image file.

    Raises:
        MissingFileError: A source does not exist.
        DecodeError: Not a VRT, or nested too deeply.
        ForeignReferenceError: A source of another kind.
    """
    if depth > _MOST_DEPTH:
        raise DecodeError(f"{path}: expected at most {_MOST_DEPTH} nested VRTs, got more: check the file")
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DecodeError(f"{path}: expected a VRT of at most {_MOST_BYTES >> 20} MiB, got more: check the file")
        text = read_regular(path).decode("utf-8", errors="surrogateescape")
    except DecodeError:
        raise
    except OSError as error:
        raise DecodeError(f"{path}: expected a readable VRT, got: {error.strerror}: check its permissions") from error
    for name, is_relative in vrt_sources(text, str(path)):
        check_source_name(name, str(path))
        source = path.parent / name if is_relative else Path(name)
        if name.startswith("/vsi"):
            continue
        if not source.is_file():
            if not source.exists() and ":" not in name:
                raise MissingFileError(f"{path}: expected its source {name}, found none: check the VRT")
            continue
        if source.suffix.lower() == ".vrt":
            check_vrt(source, depth + 1)
        elif _start(source).lstrip().startswith(b"<"):
            raise ForeignReferenceError(f"{path}: expected image files as sources, got {name}, an XML file: remove it")
        check_sidecars(source)


def check_source_name(name: str, path: str) -> None:
    """Refuse a source of a VRT on the network or in inline XML.

    Raises:
        ForeignReferenceError: The source is not a local file.
    """
    if is_network_path(name):
        raise ForeignReferenceError(
            f"{path}: expected local files as sources of a VRT, got {name[:80]!r}: copy that file, or pass its path as "
            "the input"
        )


def vrt_sources(text: str, path: str) -> Iterator[tuple[str, bool]]:
    """Yield the names of files that a VRT refers to, and whether each is relative to its folder.

    Raises:
        DecodeError: Not the XML of a VRT.
    """
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise DecodeError(f"{path}: expected a VRT, got one with a DOCTYPE: remove it")
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        raise DecodeError(f"{path}: expected a VRT, got XML that is damaged ({error}): check the file") from error
    if root.tag.lower() != "vrtdataset":
        raise DecodeError(f"{path}: expected a VRTDataset, got {root.tag[:40]!r}: check the file")
    for element in root.iter():
        if element.tag.lower() in _SOURCES and element.text:
            attributes = {key.lower(): value for key, value in element.attrib.items()}
            yield element.text.strip(), attributes.get("relativetovrt") == "1"


def _start(path: Path) -> bytes:
    try:
        with open_regular(path) as file:
            return file.read(64)
    except OSError as error:
        raise DecodeError(f"{path}: expected a readable file, got: {error.strerror}: check its permissions") from error
