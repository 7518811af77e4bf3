"""Inputs on a web server: pre-signed URLs with a secret query, and servers that ignore range requests."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import fsspec
import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from PIL import Image
from rasterio.transform import from_origin

from ir_transfer.cli import main
from ir_transfer.conversion.staging import staged
from ir_transfer.errors import DecodeError, InputError
from ir_transfer.imaging import remote
from ir_transfer.imaging.image_io import read_bytes
from ir_transfer.imaging.remote import stored_bytes
from tests.cli.test_secrets import SECRET, leaks

QUERY = f"X-Amz-Credential=AKIA%2F2026&X-Amz-Date=1&X-Amz-Signature={SECRET}%2B%3d"


@dataclass
class Site:
    """A server on this machine.

    Attributes:
        url: Its address.
        files: Its files by path and query, as a request must name them.
        asked: Received requests.
        packed: Whether files are sent with gzip.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    packed: bool = False


@pytest.fixture
def site() -> Iterator[Site]:
    """A server that rejects HEAD, as storage with signed URLs does, and ignores ranges."""
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_error(403)

        def do_GET(self) -> None:
            site.asked.append(self.path)
            data = site.files.get(self.path)
            if data is None:
                return self.send_error(403 if "?" in self.path else 404)
            data = gzip.compress(data) if site.packed else data
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            if site.packed:
                self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            try:
                self.wfile.write(data)
            except ConnectionError:
                return None  # the client has enough
            return None

        def log_message(self, format: str, *values: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    site.url = f"http://127.0.0.1:{server.server_port}"
    yield site
    server.shutdown()
    server.server_close()


def pixels(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.mark.parametrize("name", ["a.png", "download"])
def test_a_presigned_url_is_one_file(
    name: str, site: Site, photos: Path, exemplar: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    site.files[f"/photos/{name}?{QUERY}"] = (photos / "a.png").read_bytes()
    look = ["--style", str(exemplar), "--model", "histogram"]
    store = f"sqlite:///{tmp_path}/tracked/mlflow.db"
    command = ["convert", f"{site.url}/photos/{name}?{QUERY}", *look, "-o", str(tmp_path / "ir"), "-v", "--preview"]
    assert main([*command, "--track", "--tracking-uri", store]) == 0
    printed = capfd.readouterr()
    assert SECRET not in printed.out + printed.err
    assert leaks(tmp_path) == []
    result = Path(name).stem + ".png"
    assert {path.name for path in (tmp_path / "ir").iterdir()} == {result, "manifest.jsonl", "preview.png"}
    line = json.loads((tmp_path / "ir/manifest.jsonl").read_text().splitlines()[1])
    assert line["input"].startswith(f"{site.url}/photos/{name}?X-Amz-Credential=***&X-Amz-Date=1&X-Amz-Signature=***")
    assert main(["convert", str(photos / "a.png"), *look, "-o", str(tmp_path / "local"), "-q"]) == 0
    np.testing.assert_array_equal(pixels(tmp_path / "ir" / result), pixels(tmp_path / "local/a.png"))
    assert set(site.asked) == {f"/photos/{name}?{QUERY}"}  # the signature is of these characters


def test_a_run_resumes_with_a_new_signature(site: Site, photos: Path, exemplar: Path, tmp_path: Path) -> None:
    command = ["--style", str(exemplar), "--model", "histogram", "-q", "-o", str(tmp_path / "ir")]
    for query, more in (("sig=old", []), ("sig=new", ["--resume"])):
        site.files = {f"/a.png?{query}": (photos / "a.png").read_bytes()}
        assert main(["convert", f"{site.url}/a.png?{query}", *command, *more]) == 0
    lines = (tmp_path / "ir/manifest.jsonl").read_text().splitlines()
    assert len(lines) == 2
    assert json.loads(lines[1])["status"] == "converted"


def test_rejected_signature_fails_that_input(
    site: Site, exemplar: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = ["convert", f"{site.url}/a.png?sig={SECRET}", "--style", str(exemplar), "--model", "histogram"]
    assert main([*command, "-o", str(tmp_path / "ir")]) == 1
    printed = capfd.readouterr()
    assert f"{site.url}/a.png?sig=***: expected a readable file, got: 403" in printed.err
    assert SECRET not in printed.out + printed.err
    assert leaks(tmp_path) == []
    assert main(command) == 2
    assert "expected -o OUT with the input" in capfd.readouterr().err


def test_gdal_names_the_result_without_the_query(site: Site, exemplar: Path, tmp_path: Path) -> None:
    profile = {"driver": "GTiff", "width": 40, "height": 32, "count": 3, "dtype": "uint8", "crs": "EPSG:32610"}
    with rasterio.open(tmp_path / "map.tif", "w", transform=from_origin(5e5, 4e6, 1, 1), **profile) as file:
        file.write(np.arange(3 * 32 * 40, dtype=np.uint8).reshape(3, 32, 40))
    site.files[f"/map.tif?sig={SECRET}"] = (tmp_path / "map.tif").read_bytes()
    look = ["--style", str(exemplar), "--model", "histogram", "-q"]
    for number, path in enumerate(
        (
            f"/vsicurl/{site.url}/map.tif?sig={SECRET}",
            f"/vsicurl?use_head=no&url={site.url.replace('/', '%2F')}%2Fmap.tif%3Fsig%3D{SECRET}",
        )
    ):
        out = tmp_path / f"ir{number}"
        main(["convert", path, *look, "-o", str(out)])
        line = json.loads((out / "manifest.jsonl").read_text().splitlines()[1])
        assert line["output"] == "map.tif"
    assert leaks(tmp_path) == []


@pytest.mark.parametrize("packed", [False, True])
def test_download_is_limited_if_the_server_ignores_ranges(packed: bool, site: Site, tmp_path: Path) -> None:
    limit = 100 * 16 + 2**20  # bytes that an image of 100 pixels may have
    site.packed = packed
    site.files = {"/large.png": bytes(limit * 200), "/fits.png": bytes(limit)}
    with staged([f"{site.url}/fits.png?v=1", f"{site.url}/large.png?v=1"], tmp_path / "out") as ((fits, large), _):
        site.files = {f"{name}?v=1": data for name, data in site.files.items()}
        assert len(read_bytes(Path(fits), 100)) == limit
        assert len(stored_bytes(Path(large), limit)) == limit + 1
        with pytest.raises(DecodeError, match="expected at most 100 pixels"):
            read_bytes(Path(large), 100)


@pytest.mark.parametrize("packed", [False, True])
def test_files_that_are_no_images_are_copied_up_to_the_limit(
    packed: bool, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "MAX_FILE_BYTES", 2**20)
    site.packed, site.files = packed, {"/large.txt": bytes(2**28), "/fits.txt": bytes(2**20)}
    system, path = fsspec.filesystem("http"), tmp_path / "a.txt"
    remote.download(system, f"{site.url}/fits.txt", path, None)
    assert path.stat().st_size == 2**20
    with pytest.raises(InputError, match=r"/large\.txt: expected at most 1048576 bytes, got more"):
        remote.download(system, f"{site.url}/large.txt", path, None)
    assert path.stat().st_size == 2**20 + 1


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://host/?id=3", "without a file name"),
        ("https://host/*.png", "got the pattern"),
        ("https://host/*.png?sig=1", "got the pattern"),
        ("s3://bucket/a?.png", "got the pattern"),
    ],
)
def test_urls_with_glob_characters_are_rejected(url: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message), staged([url], tmp_path):
        pass


def test_ipv6_host_is_not_a_glob(tmp_path: Path) -> None:
    with staged(["http://[::1]:9/a.png?sig=1"], tmp_path) as ((local,), _):
        assert Path(local).name == "a.png"
