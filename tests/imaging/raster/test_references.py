"""Rasters that refer to other files or to the network, tested with a local server."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
import rasterio

from ir_transfer.errors import DecodeError, ForeignReferenceError, MissingFileError
from ir_transfer.imaging.image_io import read_image
from ir_transfer.imaging.raster.gdal import open_raster
from ir_transfer.imaging.raster.kind import is_raster
from ir_transfer.imaging.raster.read import Raster
from tests.imaging.raster.rasters import PLACED, numbers, write

VRT = (
    '<VRTDataset rasterXSize="64" rasterYSize="48"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
    '<SourceFilename relativeToVRT="{relative}">{name}</SourceFilename><SourceBand>1</SourceBand></SimpleSource>'
    "</VRTRasterBand></VRTDataset>"
)
WMS = (
    '<GDAL_WMS><Service name="TMS"><ServerUrl>{url}/${{z}}/${{x}}/${{y}}.png</ServerUrl></Service><DataWindow>'
    "<UpperLeftX>0</UpperLeftX><UpperLeftY>0</UpperLeftY><LowerRightX>64</LowerRightX><LowerRightY>64</LowerRightY>"
    "<SizeX>64</SizeX><SizeY>64</SizeY><TileLevel>0</TileLevel></DataWindow><BandsCount>1</BandsCount>"
    "<BlockSizeX>64</BlockSizeX><BlockSizeY>64</BlockSizeY></GDAL_WMS>"
)


class Server:
    """A server that records requests.

    Attributes:
        url: URL of the server.
        asked: Requested paths.
    """

    def __init__(self, file: bytes) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", str(len(file)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(file)

            do_HEAD = do_GET  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    serving = Server(write(tmp_path / "served.tif", numbers(1, 48, 64)).read_bytes())
    yield serving
    serving.close()


def vrt(path: Path, name: str, *, relative: int = 0) -> Path:
    escaped = name.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    path.write_text(VRT.format(name=escaped, relative=relative))
    return path


@pytest.mark.parametrize("name", ["a.tif", "a.tiff"])
def test_tif_is_opened_only_by_the_tiff_driver(name: str, tmp_path: Path, server: Server) -> None:
    secret = write(tmp_path / "secret.tif", numbers(1, 48, 64), **PLACED)
    for content in (VRT.format(name=secret, relative=0), WMS.format(url=server.url)):
        path = tmp_path / name
        path.write_text(content)
        assert not is_raster(str(path), 10**6)
        with pytest.raises(DecodeError, match=name):
            open_raster(str(path))
    assert server.asked == []


@pytest.mark.parametrize(
    "name",
    [
        "/vsicurl/{url}/a.tif",
        "/vsicurl_streaming/{url}/a.tif",
        "/vsicurl?url={url}/a.tif",
        "/vsizip//vsicurl/{url}/a.zip/a.tif",
        "/vsis3/bucket/a.tif",
        "{url}/a.tif",
        "WMS:{url}/?SERVICE=WMS",
        "WCS:{url}/?coverage=a",
        'STACIT:"{url}/a.json"',
        'ZARR:"/vsicurl/{url}/a"',
        "<GDAL_WMS><ServerUrl>{url}</ServerUrl></GDAL_WMS>",
    ],
)
def test_vrt_makes_no_network_request(name: str, tmp_path: Path, server: Server) -> None:
    path = vrt(tmp_path / "a.vrt", name.format(url=server.url))
    with pytest.raises(DecodeError, match=r"a\.vrt: expected local files"):
        Raster(str(path))
    outer = vrt(tmp_path / "outer.vrt", "a.vrt", relative=1)
    with pytest.raises(DecodeError, match=r"a\.vrt: expected local files"):
        Raster(str(outer))
    assert server.asked == []


def test_vrt_rejects_service_descriptions_as_sources(tmp_path: Path, server: Server) -> None:
    (tmp_path / "service.tif").write_text(WMS.format(url=server.url))
    with pytest.raises(DecodeError, match=r"service\.tif, an XML file"):
        Raster(str(vrt(tmp_path / "a.vrt", "service.tif", relative=1)))
    assert server.asked == []


def test_tiff_directory_is_selected_by_number_not_by_file_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("other.tif"), numbers(1, 48, 64))
    write(tmp_path / "named.tif", numbers(1, 20, 30)).rename("GTIFF_DIR:1:other.tif")
    with open_raster("GTIFF_DIR:1:other.tif") as dataset:
        assert (dataset.height, dataset.width) == (20, 30)
    (tmp_path / "GTIFF_DIR:1:other.tif").unlink()
    with open_raster("GTIFF_DIR:1:other.tif") as dataset:
        assert (dataset.height, dataset.width) == (48, 64)
    vrt(tmp_path / "other.tif.ovr", "x.tif")
    with pytest.raises(DecodeError, match=r"other\.tif\.ovr"):
        open_raster("GTIFF_DIR:1:other.tif")


def test_vrt_of_local_images_is_read(tmp_path: Path) -> None:
    bands = numbers(1, 48, 64)
    write(tmp_path / "tile.tif", bands)
    vrt(tmp_path / "inner.vrt", "tile.tif", relative=1)
    with Raster(str(vrt(tmp_path / "a.vrt", "inner.vrt", relative=1))) as raster:
        unit, _ = raster.read(0, 0, 48, 64)
    np.testing.assert_allclose(unit[0], bands[0] / 255, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ('<!DOCTYPE a [<!ENTITY b "c">]><VRTDataset/>', "DOCTYPE"),
        ("<VRTDataset>", "damaged"),
        ("<GDAL_WMS/>", "expected a VRTDataset"),
    ],
)
def test_unsupported_vrts_are_rejected_by_name(text: str, match: str, tmp_path: Path) -> None:
    (tmp_path / "a.vrt").write_text(text)
    with pytest.raises(DecodeError, match=match):
        open_raster(str(tmp_path / "a.vrt"))


def test_circular_vrts_terminate(tmp_path: Path) -> None:
    vrt(tmp_path / "a.vrt", "b.vrt", relative=1)
    vrt(tmp_path / "b.vrt", "a.vrt", relative=1)
    with pytest.raises(DecodeError, match="at most 8 nested VRTs"):
        open_raster(str(tmp_path / "a.vrt"))


def test_missing_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"its source gone\.tif"):
        open_raster(str(vrt(tmp_path / "a.vrt", "gone.tif", relative=1)))


def test_metadata_opens_no_other_file(tmp_path: Path, server: Server) -> None:
    path = write(tmp_path / "a.tif", numbers(1, 512, 512), **PLACED)
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=f"/vsicurl/{server.url}/a.ovr")
    with pytest.raises(ForeignReferenceError, match="OVERVIEW_FILE"):
        open_raster(str(path))
    assert is_raster(str(path), 10**6)
    with pytest.raises(ForeignReferenceError, match="OVERVIEW_FILE"):
        read_image(path)
    assert server.asked == []


@pytest.mark.parametrize("suffix", [".ovr", ".msk", ".aux"])
def test_sidecar_in_an_unexpected_format_is_rejected(suffix: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", numbers(1, 48, 64))
    vrt(tmp_path / f"a.tif{suffix}", "other.tif", relative=1)
    with pytest.raises(DecodeError, match=rf"a\.tif{suffix}"):
        open_raster(str(path))


def test_vrt_in_an_archive_makes_no_network_request(tmp_path: Path, server: Server) -> None:
    vrt(tmp_path / "a.vrt", f"/vsicurl/{server.url}/a.tif")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(tmp_path / "a.vrt", "a.vrt")
    with pytest.raises(DecodeError, match="expected local files"):
        Raster(f"/vsizip/{tmp_path}/a.zip/a.vrt")
    assert server.asked == []


def test_explicit_url_is_read_and_service_drivers_stay_disabled(tmp_path: Path, server: Server) -> None:
    program = (
        "import sys, rasterio; from ir_transfer.imaging.raster.gdal import open_raster\n"
        "with open_raster('/vsicurl/' + sys.argv[1] + '/a.tif') as dataset: print(dataset.width)\n"
        "with rasterio.Env() as gdal: print([name for name in gdal.drivers() if name in ('WMS', 'WCS', 'HTTP')])\n"
    )
    there = {**os.environ, "NO_PROXY": "127.0.0.1", "GDAL_HTTP_TIMEOUT": "20"}
    done = subprocess.run(
        [sys.executable, "-c", program, server.url], capture_output=True, text=True, check=False, env=there
    )
    assert done.stdout.splitlines() == ["64", "[]"], done.stderr
    assert server.asked
