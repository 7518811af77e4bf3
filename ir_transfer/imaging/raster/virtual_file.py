"""File objects for GDAL's virtual paths: members of archives, also of nested ones, and files on the network.

GDAL decodes the pixels of such files but drops metadata such as the EXIF orientation, which is read through these.
"""

import io
from bisect import bisect_left
from typing import Any, BinaryIO
from xml.sax.saxutils import escape

from ir_transfer.errors import DecodeError
from ir_transfer.imaging.raster.references import (
    allow_network_files,
    gdal_name,
    is_network_path,
    is_virtual,
    rasterio_module,
)

_BUFFER = 2**16
_LARGEST_READ = 2**20
# A row of bytes of any file that GDAL opens: rasterio has no other access to GDAL's virtual file systems.
_BYTES = """<VRTDataset rasterXSize="{length}" rasterYSize="1">
  <VRTRasterBand dataType="Byte" band="1" subClass="VRTRawRasterBand">
    <SourceFilename relativeToVRT="0">{name}</SourceFilename>
    <ImageOffset>{offset}</ImageOffset><PixelOffset>1</PixelOffset><LineOffset>{length}</LineOffset>
  </VRTRasterBand>
</VRTDataset>"""


def open_virtual_file(path: str) -> BinaryIO | None:
    """Open the file at a virtual path; None for a plain path.

    Args:
        path: As GDAL or rasterio names it: ``/vsizip/a.zip/b.tif``, ``/vsizip/{/vsitar/a.tar/b.zip}/c.jpg``,
            ``/vsicurl/https://host/a.tif``, ``zip://a.zip!b.tif``, ``zip+https://host/a.zip!b.tif``.

    Raises:
        DecodeError: GDAL cannot open it.
    """
    if not is_virtual(path):
        return None
    if is_network_path(path):
        allow_network_files()
    file = _VirtualFile(gdal_name(path))
    try:
        file.check()
    except (OSError, ValueError) as error:  # rasterio's error is an OSError; a name that is not UTF-8 is a ValueError
        raise DecodeError(
            f"{path}: expected a file in an archive or on the network, got: {error}: check the path, or copy the file "
            "to this machine"
        ) from error
    return io.BufferedReader(file, _BUFFER)


class _VirtualFile(io.RawIOBase):
    """A file read through GDAL.

    GDAL fills reads beyond the end with zeros, so the size is found first, by bisection: opening a raw band fails
    where the file has less than half of the bytes that the band needs.
    """

    def __init__(self, name: str) -> None:
        self._name, self._offset = name, 0
        self._size: int | None = None

    def check(self) -> None:
        """Raise :class:`OSError` unless GDAL can open the file."""
        self._has(1)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_CUR:
            offset += self._offset
        elif whence == io.SEEK_END:
            offset += self._find_size(1)
        self._offset = offset
        return offset

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # of what io passes
        end = self._offset + min(len(buffer), _LARGEST_READ)
        if self._size is not None or not self._has(end):
            end = min(end, self._find_size(end))
        length = max(end - self._offset, 0)
        if length:
            with self._open(self._offset, length) as source:
                buffer[:length] = source.read(1).tobytes()
        self._offset += length
        return length

    def readall(self) -> bytes:
        return b"".join(iter(lambda: self.read(_LARGEST_READ) or b"", b""))

    def _find_size(self, upper: int) -> int:
        """Return the size in bytes; ``upper`` is a first guess, at least 1."""
        if self._size is None:
            while self._has(upper):
                upper *= 2
            self._size = bisect_left(range(upper), True, key=lambda size: not self._has(size + 1))
        return self._size

    def _has(self, size: int) -> bool:
        """Return whether the file has at least so many bytes."""
        try:
            self._open(2 * size, 1).close()
        except OSError as error:
            if "too small" in str(error):
                return False
            raise
        return True

    def _open(self, offset: int, length: int) -> Any:
        text = _BYTES.format(name=escape(self._name), offset=offset, length=length)
        with rasterio_module().Env(GDAL_VRT_RAWRASTERBAND_ALLOWED_SOURCE="ALL", RAW_CHECK_FILE_SIZE="YES"):
            return rasterio_module().open(text, driver="VRT")
