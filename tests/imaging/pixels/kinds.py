"""One scene in many file formats, with the same appearance in each."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms

from ir_transfer.imaging.pixels.curves import (
    ADOBE_RGB,
    DISPLAY_P3,
    SRGB,
    Chromaticities,
    decode_srgb,
    encode_srgb,
    to_linear_srgb,
    to_xyz,
)
from ir_transfer.imaging.pixels.exif import EXIF_HEADER, with_exif
from ir_transfer.imaging.pixels.tiff_tags import PROFILE

PROPHOTO: Chromaticities = ((0.3457, 0.3585), (0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001))
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_D50 = np.array([0.96422, 1.0, 0.82521])


def street(height: int = 36, width: int = 52) -> NDArray[np.uint8]:
    """Smooth colours (H, W, 3) inside the gamut of every space here, with different corners."""
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    scene = np.stack([0.3 + 0.5 * x, 0.35 + 0.4 * y, 0.7 - 0.3 * x * y], axis=-1)
    scene[:8, :12] = [0.75, 0.3, 0.25]
    levels: NDArray[np.uint8] = np.rint(scene * 255).astype(np.uint8)
    return levels


STREET = street()
GRAY = STREET[..., 1]


def _s15(values: Any) -> bytes:
    return b"".join(struct.pack(">i", round(float(value) * 65536)) for value in values)


def icc(primaries: Chromaticities | None, gamma: float, *, name: str = "test", space: bytes = b"RGB ") -> bytes:
    """A matrix profile of version 2, or a gray one without primaries."""
    text = name.encode() + b"\0"
    described = b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78)
    tags = {
        b"desc": described,
        b"wtpt": b"XYZ " + bytes(4) + _s15(_D50),
    }
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    if primaries is None:
        tags[b"kTRC"] = curve
    else:
        xyz = to_xyz(primaries)
        cones = _BRADFORD @ _D50, _BRADFORD @ xyz.sum(1)
        adapted = np.linalg.inv(_BRADFORD) @ np.diag(cones[0] / cones[1]) @ _BRADFORD @ xyz
        for column, colour in enumerate((b"r", b"g", b"b")):
            tags[colour + b"XYZ"] = b"XYZ " + bytes(4) + _s15(adapted[:, column])
            tags[colour + b"TRC"] = curve
    return _profile(tags, b"mntr", space, b"XYZ ")


def _profile(tags: dict[bytes, bytes], kind: bytes, space: bytes, connection: bytes) -> bytes:
    table, body, place = b"", b"", 132 + 12 * len(tags)
    for tag, data in tags.items():
        table += tag + struct.pack(">II", place + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    rest = struct.pack(">I", len(tags)) + table + body
    header = struct.pack(">I", 128 + len(rest)) + bytes(4) + b"\x02\x10\0\0" + kind + space + connection + bytes(12)
    header += b"acsp" + bytes(24) + bytes(4) + _s15(_D50)
    return header.ljust(128, b"\0") + rest


def ink_profile() -> bytes:
    """A CMYK profile with a two-step lookup table: each ink absorbs its light, black a half."""
    steps = np.stack(np.meshgrid(*[[0.0, 1.0]] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
    shown = np.rint((1 - steps[:, :3]) * (1 - steps[:, 3:] / 2) * 255).astype(np.uint8)
    values = lab(shown[None])[0]
    corners = np.rint(np.stack([values[:, 0] * 2.55, values[:, 1] + 128, values[:, 2] + 128], axis=-1))
    ramp = bytes(range(256))
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + _s15([1, 0, 0, 0, 1, 0, 0, 0, 1]) + ramp * 4
    table += np.clip(corners, 0, 255).astype(np.uint8).tobytes() + ramp * 3
    tags = {b"A2B0": table, b"wtpt": b"XYZ " + bytes(4) + _s15(_D50)}
    return _profile(tags, b"prtr", b"CMYK", b"Lab ")


def in_space(rgb: NDArray[np.uint8], primaries: Chromaticities, gamma: float, white: int) -> NDArray[Any]:
    """Return sRGB levels in another space, adapted as profiles are."""
    linear = decode_srgb(rgb / 255) @ np.linalg.inv(to_linear_srgb(primaries)).T
    encoded = np.clip(linear, 0, 1) ** (1 / gamma) * white
    return np.rint(encoded).astype(np.uint8 if white == 255 else np.uint16)


def png_with(array: NDArray[Any], *chunks: tuple[bytes, bytes], wrong: bool = False) -> bytes:
    """A PNG with chunks after its header, optionally with wrong checksums."""
    shown = array if array.ndim == 2 else array[..., ::-1]
    data = cv2.imencode(".png", np.ascontiguousarray(shown))[1].tobytes()
    more = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body) ^ wrong)
        for kind, body in chunks
    )
    return data[:33] + more + data[33:]


def saved(array: NDArray[Any], kind: str, **options: Any) -> bytes:
    """An array as the bytes of a file written by Pillow."""
    file = io.BytesIO()
    Image.fromarray(array).save(file, kind, **options)
    return file.getvalue()


def tiff(
    array: NDArray[Any], *, orientation: int = 1, profile: bytes = b"", tags: Sequence[Any] = (), **options: Any
) -> bytes:
    """An array as the bytes of a TIFF with some tags; its orientation is that of stored rows."""
    file = io.BytesIO()
    more: list[Any] = [*tags] if orientation == 1 else [*tags, (274, "H", 1, orientation, True)]
    if profile:
        more.append((PROFILE, 7, len(profile), profile, True))
    tifffile.imwrite(file, array, extratags=more, metadata=None, **options)
    return file.getvalue()


def stored_for(array: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return (H, W, ...) as stored in a file of this orientation."""
    rows = array[:, ::-1] if orientation in {2, 3, 6, 7} else array
    rows = rows[::-1] if orientation in {3, 4, 7, 8} else rows
    return np.ascontiguousarray(rows.swapaxes(0, 1) if orientation >= 5 else rows)


def lab(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return CIE Lab of sRGB (H, W, 3), white D50."""
    xyz = to_xyz(SRGB)
    cones = _BRADFORD @ _D50, _BRADFORD @ xyz.sum(1)
    matrix = np.linalg.inv(_BRADFORD) @ np.diag(cones[0] / cones[1]) @ _BRADFORD @ xyz
    t = decode_srgb(rgb / 255) @ matrix.T / _D50
    f = np.where(t > 216 / 24389, np.cbrt(t), (24389 / 27 * t + 16) / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


def srgb_profile() -> bytes:
    """The profile that LittleCMS makes for sRGB."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _wide(levels: NDArray[np.uint8]) -> NDArray[np.uint16]:
    return levels.astype(np.uint16) * np.uint16(257)


def _inks(white: int) -> NDArray[Any]:
    dtype = np.uint8 if white == 255 else np.uint16
    black = (255 - STREET.max(-1).astype(np.float64)) / 2
    ink = 255 - STREET * (255 / (255 - black))[..., None]
    return np.rint(np.dstack([ink, black]) * white / 255).astype(dtype)


def _lab_levels(bits: int, *, offset: bool) -> NDArray[Any]:
    """Return CIE Lab as TIFF stores it: a* and b* signed, or with an offset as the ICC has it."""
    values = lab(STREET)
    if bits == 8:
        stored = np.dstack([values[..., 0] * 2.55, values[..., 1:] + (128 if offset else 0)])
        return np.rint(stored).astype(np.int16).astype(np.uint8)
    lightness = values[..., 0] / 100 * (65280 if offset else 65535)
    colours = (values[..., 1:] + (128 if offset else 0)) * 256
    return np.rint(np.dstack([lightness, colours])).astype(np.int32).astype(np.uint16)


def _premultiplied(levels: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    share = alpha[..., None] / 255
    values = levels if levels.ndim == 3 else levels[..., None]
    return np.dstack([np.rint(values * share).astype(np.uint8), alpha])


def _gray_ramp() -> NDArray[np.uint16]:
    return np.repeat((np.arange(256) * 257).astype(np.uint16)[None], 3, axis=0)


def _p3_curve_of_srgb() -> NDArray[np.uint8]:
    linear = decode_srgb(STREET / 255) @ np.linalg.inv(to_linear_srgb(DISPLAY_P3)).T
    return np.rint(encode_srgb(np.clip(linear, 0, 1)) * 255).astype(np.uint8)


def _adobe_exif() -> Image.Exif:
    exif = Image.Exif()
    block = exif.get_ifd(34665)
    block[40961] = 65535
    block[40965] = {1: "R03"}
    return exif


def adobe_exif_tiff(stored: NDArray[np.uint8], space: int = 2) -> bytes:
    """A TIFF whose EXIF declares a colour space; 2 is Adobe RGB, and 65535 another one."""
    exif = Image.Exif()
    exif.get_ifd(34665)[40961] = space
    return with_exif(saved(stored, "TIFF"), exif.tobytes().removeprefix(EXIF_HEADER))


def bmp(rgb: NDArray[np.uint8], space: bytes, profile: bytes = b"", gamma: float = 0) -> bytes:
    """A BMP of version 5 with a declaration of its colours."""
    height, width = rgb.shape[:2]
    rows = b"".join(row.tobytes().ljust((3 * width + 3) // 4 * 4, b"\0") for row in rgb[::-1, :, ::-1])
    header = struct.pack("<IiiHHIIiiII", 124, width, height, 1, 24, 0, len(rows), 2835, 2835, 0, 0) + bytes(16) + space
    header += bytes(36) + struct.pack("<3I", *[round(gamma * 65536)] * 3)
    header += struct.pack("<4I", 4, 124 + len(rows) if profile else 0, len(profile), 0)
    whole = header + rows + profile
    return b"BM" + struct.pack("<IHHI", 14 + len(whole), 0, 0, 138) + whole


def avif(rgb: NDArray[np.uint8], primaries: int, transfer: int, **options: Any) -> bytes:
    """An AVIF with these code points of its colours."""
    data = bytearray(saved(rgb, "AVIF", quality=100, subsampling="4:4:4", **options))
    place = data.index(b"colrnclx") + 8
    data[place : place + 4] = struct.pack(">HH", primaries, transfer)
    return bytes(data)


def _odd_exif() -> bytes:
    """An EXIF block with orientation 6 and a resolution stored as text."""
    orientation, resolution = struct.pack("<HHII", 274, 3, 1, 6), struct.pack("<HHI4s", 282, 2, 4, b"72")
    return b"Exif\0\0II*\0\x08\0\0\0\x02\0" + orientation + resolution + b"\0\0\0\0"


def _no_end(data: bytes) -> bytes:
    return data[:-2]


SOFT = np.full(GRAY.shape, 255, np.uint8)
SOFT[:, 40:] = 200
"""Alpha of at least one half."""

COLOUR_TIFFS: dict[str, bytes] = {
    "plain": tiff(STREET),
    "16 bit": tiff(_wide(STREET)),
    "float": tiff((STREET / 255).astype(np.float32), photometric="rgb"),
    "big-endian BigTIFF": tiff(STREET, bigtiff=True, byteorder=">"),
    "16 bit big-endian BigTIFF": tiff(_wide(STREET), bigtiff=True, byteorder=">"),
    "planar": tiff(np.ascontiguousarray(STREET.transpose(2, 0, 1)), photometric="rgb", planarconfig="separate"),
    "premultiplied": tiff(_premultiplied(STREET, SOFT), photometric="rgb", extrasamples=["assocalpha"]),
    "Adobe RGB": tiff(in_space(STREET, ADOBE_RGB, 2.2, 255), profile=icc(ADOBE_RGB, 2.2)),
    "16 bit ProPhoto": tiff(in_space(STREET, PROPHOTO, 1.8, 65535), profile=icc(PROPHOTO, 1.8)),
    "16 bit linear": tiff(in_space(STREET, SRGB, 1.0, 65535), profile=icc(SRGB, 1.0)),
    "16 bit CMYK": tiff(_inks(65535), photometric="separated"),
    "CMYK": tiff(_inks(255), photometric="separated"),
    "tiled CMYK": tiff(_inks(255), photometric="separated", tile=(16, 16), compression="zlib"),
    "planar CMYK": tiff(
        np.ascontiguousarray(_inks(255).transpose(2, 0, 1)), photometric="separated", planarconfig="separate"
    ),
    "CMYK with alpha": tiff(np.dstack([_inks(255), SOFT]), photometric="separated", extrasamples=["unassalpha"]),
    "CMYK orientation 6": tiff(stored_for(_inks(255), 6), photometric="separated", orientation=6),
    "ICC Lab": tiff(_lab_levels(8, offset=True), photometric="icclab"),
    "CIE Lab": tiff(_lab_levels(8, offset=False), photometric="cielab"),
    "16 bit CIE Lab": tiff(_lab_levels(16, offset=False), photometric="cielab"),
    "16 bit ICC Lab": tiff(_lab_levels(16, offset=True), photometric="icclab"),
    "Adobe RGB by EXIF": adobe_exif_tiff(in_space(STREET, ADOBE_RGB, 2.2, 255)),
    **{f"orientation {n}": tiff(stored_for(STREET, n), orientation=n) for n in range(2, 9)},
    "16 bit orientation 6": tiff(_wide(stored_for(STREET, 6)), orientation=6),
}
GRAY_TIFFS: dict[str, bytes] = {
    "gray": tiff(GRAY),
    "white is zero": tiff(255 - GRAY, photometric="miniswhite"),
    "16 bit white is zero": tiff(_wide(255 - GRAY), photometric="miniswhite"),
    "gray premultiplied": tiff(_premultiplied(GRAY, SOFT), photometric="minisblack", extrasamples=["assocalpha"]),
    "gray profile": tiff(
        np.rint(decode_srgb(GRAY / 255) ** (1 / 1.8) * 255).astype(np.uint8),
        profile=icc(None, 1.8, space=b"GRAY"),
    ),
    "palette": tiff(GRAY, photometric="palette", colormap=_gray_ramp()),
}
COLOUR_FILES: dict[str, bytes] = {
    "PNG": saved(STREET, "PNG"),
    "PNG with sRGB profile": saved(STREET, "PNG", icc_profile=srgb_profile()),
    "PNG Display P3": saved(in_space(STREET, DISPLAY_P3, 2.2, 255), "PNG", icc_profile=icc(DISPLAY_P3, 2.2)),
    "PNG ProPhoto": saved(in_space(STREET, PROPHOTO, 1.8, 255), "PNG", icc_profile=icc(PROPHOTO, 1.8)),
    "PNG gAMA 1": png_with(in_space(STREET, SRGB, 1.0, 255), (b"gAMA", struct.pack(">I", 100_000))),
    "PNG gAMA 0.45455": png_with(STREET, (b"gAMA", struct.pack(">I", 45455))),
    "PNG cHRM of Adobe RGB": png_with(
        in_space(STREET, ADOBE_RGB, 2.2, 255),
        (b"gAMA", struct.pack(">I", 45455)),
        (b"cHRM", struct.pack(">8I", *(round(v * 100_000) for xy in ADOBE_RGB for v in xy))),
    ),
    "PNG cICP of Display P3": png_with(_p3_curve_of_srgb(), (b"cICP", bytes([12, 13, 0, 1]))),
    "PNG with a damaged profile": png_with(STREET, (b"iCCP", b"x\0\0" + zlib.compress(b"no profile at all" * 20))),
    "PNG with a wrong checksum": png_with(STREET, (b"tEXt", b"Comment\0text"), wrong=True),
    "PNG with much text": png_with(STREET, (b"zTXt", b"Comment\0\0" + zlib.compress(b"a" * 80_000_000, 9))),
    "PNG with much international text": png_with(
        STREET, (b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(b"a" * 80_000_000, 9))
    ),
    "16 bit PNG with a wrong checksum": png_with(_wide(STREET), (b"tEXt", b"Comment\0text"), wrong=True),
    "PNG with EXIF that is none": png_with(STREET, (b"eXIf", b"notatiff")),
    "WebP": saved(STREET, "WEBP", lossless=True),
    "WebP Adobe RGB": saved(
        in_space(STREET, ADOBE_RGB, 2.2, 255), "WEBP", lossless=True, icc_profile=icc(ADOBE_RGB, 2.2)
    ),
    "AVIF": saved(STREET, "AVIF", quality=100, subsampling="4:4:4"),
    "AVIF Display P3": avif(_p3_curve_of_srgb(), 12, 13),
    "BMP": saved(STREET, "BMP"),
    "BMP Adobe RGB": bmp(in_space(STREET, ADOBE_RGB, 2.2, 255), b"DEBM", icc(ADOBE_RGB, 2.2)),
    "JPEG": saved(STREET, "JPEG", quality=100, subsampling=0),
    "JPEG Adobe RGB": saved(
        in_space(STREET, ADOBE_RGB, 2.2, 255), "JPEG", quality=100, subsampling=0, icc_profile=icc(ADOBE_RGB, 2.2)
    ),
    "JPEG Adobe RGB by EXIF": saved(
        in_space(STREET, ADOBE_RGB, 2.2, 255), "JPEG", quality=100, subsampling=0, exif=_adobe_exif()
    ),
    "JPEG with EXIF of an odd type": saved(stored_for(STREET, 6), "JPEG", quality=100, subsampling=0, exif=_odd_exif()),
    "JPEG without its end": _no_end(saved(STREET, "JPEG", quality=100, subsampling=0)),
    "progressive JPEG without its end": _no_end(saved(STREET, "JPEG", quality=100, subsampling=0, progressive=True)),
}
