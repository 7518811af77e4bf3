"""End-to-end tests of the page of ``ir-transfer app`` in a real browser."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from ir_transfer.cli import main
from tests.ci import needed
from tests.conftest import photograph, thermal

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

needed("gradio", "install the extra dev")
pytestmark = pytest.mark.timeout(240)
_LIMIT = 120_000  # ms, on a busy machine
_ATTEMPTS = 4


@dataclass(frozen=True)
class Served:
    """A running page.

    Attributes:
        url: URL of the page.
        temporary: Folder for its temporary files.
    """

    url: str
    temporary: Path


@pytest.fixture(scope="module")
def served(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The page of the command, which is stopped at the end; uploads must then be deleted."""
    temporary = tmp_path_factory.mktemp("temporary")
    command = [sys.executable, "-m", "ir_transfer", "app", "--no-browser"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "TMPDIR": str(temporary)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    lines = (re.match(r"Ready at (http://127\.0\.0\.1:\d+) ", line) for line in process.stdout)
    found = next(filter(None, lines), None)
    assert found
    yield Served(found[1], temporary)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode == 0
    assert list(temporary.glob("ir-transfer-app-*")) == []


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One browser cache for all sessions, so that gradio's scripts are compiled once."""
    made = browser.new_context()
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with RGB images and exemplars, the working directory of the commands."""
    for seed in (1, 2):
        Image.fromarray(photograph(60, 80, seed)).save(tmp_path / f"photo ({seed}).png")
    for seed in (1, 5):
        Image.fromarray(thermal(96, 128, seed)).save(tmp_path / f"thermal{seed}.png")
    return tmp_path


def _open(context: BrowserContext, served: Served, width: int = 1280, height: int = 900) -> Page:
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": height})
    page.set_default_timeout(_LIMIT)
    page.goto(served.url)
    page.locator("#images input[type=file]").wait_for(state="attached")
    page.locator("#presets button.thumbnail-item").first.wait_for()
    return page


def _put(page: Page, where: str, *files: Path) -> None:
    page.locator(f"#{where} input[type=file]").set_input_files([str(file) for file in files])
    page.locator(f"#{where} table.file-preview tr").nth(len(files) - 1).wait_for()


def _choose_model(page: Page, name: str) -> None:
    field = page.locator("#model input")
    field.fill(name)
    page.get_by_role("option", name=name, exact=True).click()


def _convert(page: Page) -> list[list[str]]:
    """Press the button; return the commands that are shown afterwards."""
    page.locator("#convert").click()
    return _commands(page)


def _commands(page: Page, with_: str = "ir-transfer") -> list[list[str]]:
    """Return the displayed commands once they are not empty."""
    page.wait_for_function("text => document.querySelector('#command textarea').value.includes(text)", arg=with_)
    return [shlex.split(line) for line in page.locator("#command textarea").input_value().splitlines()]


def _download(page: Page, to: Path) -> Path:
    """Click the first link until a download begins: gradio may replace it between press and release."""
    from playwright.sync_api import TimeoutError as NoDownload

    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with page.expect_download(timeout=_LIMIT / _ATTEMPTS) as download:
                page.locator("#downloads td.download a").first.click()
        except NoDownload:
            if attempt == _ATTEMPTS:
                raise
        else:
            break
    path = to / download.value.suggested_filename
    download.value.save_as(path)
    return path


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_first_conversion_equals_the_shown_command(
    context: BrowserContext, served: Served, folder: Path, monkeypatch: pytest.MonkeyPatch, width: int, height: int
) -> None:
    page = _open(context, served, width, height)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    page.locator("#presets button.thumbnail-item").first.wait_for()
    _put(page, "images", folder / "photo (1).png")
    page.locator("#presets button.thumbnail-item", has_text="lwir-road-day").click()
    page.locator("#chosen").get_by_text("preset:lwir-road-day").wait_for()
    (command,) = _convert(page)
    assert command[:3] == ["ir-transfer", "convert", "photo (1).png"]
    (folder / "downloads").mkdir()
    downloaded = _download(page, folder / "downloads")
    monkeypatch.chdir(folder)
    assert main(command[1:]) == 0
    assert downloaded.read_bytes() == (folder / "infrared" / "photo (1).png").read_bytes()
    images = page.locator("#slider img")
    images.nth(1).wait_for()
    assert [image.evaluate("i => i.naturalWidth") for image in images.all()] == [80, 80]
    assert page.locator("#histograms svg").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert {url.split("/")[2] for url in asked if url.startswith("http")} == {served.url.split("/")[2]}
    page.screenshot(path=folder / "page.png", full_page=True)
    page.close()


def test_several_exemplars_in_8_and_16_bits(
    context: BrowserContext, served: Served, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = _open(context, served)
    _put(page, "images", folder / "photo (1).png", folder / "photo (2).png")
    _put(page, "exemplars", folder / "thermal1.png", folder / "thermal5.png")
    _choose_model(page, "histogram")
    page.get_by_label("side by side (matrix)").check()
    assert len(_convert(page)) == 2
    assert page.locator("#overview button.thumbnail-item").count() == 6
    page.locator("#detected", has_text="thermal5.png").wait_for()
    page.get_by_label("16-bit TIFF").check()
    commands = _commands(page, "--format tiff")
    (folder / "downloads").mkdir()
    archive = zipfile.ZipFile(_download(page, folder / "downloads"))
    monkeypatch.chdir(folder)
    for command in commands:
        assert main(command[1:]) == 0
    outputs = [name for name in archive.namelist() if name.endswith(".tif")]
    assert len(outputs) == 4
    assert all(archive.read(name) == (folder / name).read_bytes() for name in outputs)
    page.locator("#overview button.thumbnail-item", has_text="photo (2).png: thermal5.png").click()
    page.locator("#histograms", has_text="exemplar thermal5.png").wait_for()
    page.close()


def test_error_messages_equal_those_of_the_command_line(
    context: BrowserContext,
    served: Served,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = _open(context, served)
    alert = page.get_by_role("alert").get_by_text("expected at least one RGB image, got none")
    # A press before the page has connected to the server does nothing, and no upload before it shows that it has.
    for second in range(_LIMIT // 1000):
        if second % 30 == 0:
            page.locator("#convert").click()
        if alert.is_visible():
            break
        page.wait_for_timeout(1000)
    assert alert.is_visible()
    page.wait_for_function(
        "() => { const box = document.querySelector('#errors .ir-error').getBoundingClientRect();"
        " return box.top >= 0 && box.bottom <= innerHeight; }"
    )  # the button is at the bottom of the form, the errors at the top of the results
    (folder / "broken.png").write_bytes(b"no image")
    _put(page, "images", folder / "photo (1).png", folder / "broken.png")
    _put(page, "exemplars", folder / "thermal1.png")
    _choose_model(page, "histogram")
    (command,) = _convert(page)
    page.get_by_role("alert").get_by_text("broken.png").wait_for()
    monkeypatch.chdir(folder)
    assert main(command[1:]) == 1
    assert page.get_by_role("alert").inner_text().strip() in capsys.readouterr().err
    page.locator("#overview", has_text="photo (1).png").wait_for()
    page.close()


def test_concurrent_sessions_get_separate_results(
    context: BrowserContext, served: Served, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = [_open(context, served), _open(context, served)]
    for number, page in enumerate(pages, 1):
        place = folder / str(number)
        place.mkdir()
        Image.fromarray(photograph(60, 80, 10 + number)).save(place / "same.png")
        Image.fromarray(thermal(96, 128, number)).save(place / "look.png")
        _put(page, "images", place / "same.png")
        _put(page, "exemplars", place / "look.png")
        _choose_model(page, "histogram")
    for page in pages:  # both are asked for before the first is done
        page.locator("#convert").click()
    found = []
    for number, page in enumerate(pages, 1):
        (command,) = _commands(page)
        (folder / str(number) / "downloads").mkdir()
        found.append(_download(page, folder / str(number) / "downloads").read_bytes())
        monkeypatch.chdir(folder / str(number))
        assert main(command[1:]) == 0
        assert found[-1] == Path("infrared/same.png").read_bytes()
        page.close()
    assert found[0] != found[1]


def _drop(page: Page, where: str, *paths: Path) -> None:
    """Drop files and folders on a field, as a file manager would."""
    field = page.locator(f"#{where}")
    field.scroll_into_view_if_needed()
    box = field.bounding_box()
    assert box is not None
    at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    devtools = page.context.new_cdp_session(page)
    for event in ("dragEnter", "dragOver", "drop"):
        devtools.send("Input.dispatchDragEvent", {"type": event, **at, "data": data})


def test_dropped_folder_of_50_images(context: BrowserContext, served: Served, folder: Path) -> None:
    many = folder / "many"
    (many / "below").mkdir(parents=True)
    for seed in range(50):
        Image.fromarray(photograph(40, 56, seed)).save(many / f"{seed:02}.JPG")
    Image.fromarray(photograph(40, 56, 50)).save(many / "below" / "50.jpg")
    (many / "notes.txt").write_text("no image")
    page = _open(context, served)
    _drop(page, "images", many)
    page.locator("#images table.file-preview tr").nth(49).wait_for()
    assert page.locator("#images table.file-preview tr").count() == 50
    assert "Sub-folders of many were left out" in page.get_by_role("alert").inner_text()
    _put(page, "exemplars", folder / "thermal1.png")
    _choose_model(page, "histogram")
    (command,) = _convert(page)
    assert command[2:52] == [f"{n:02}.JPG" for n in range(50)]
    page.get_by_text("converted 50, failed 0").wait_for()
    assert page.locator("#overview button.thumbnail-item").count() == 50
    with zipfile.ZipFile(_download(page, folder)) as archive:
        assert sorted(archive.namelist()) == [*(f"infrared/{n:02}.png" for n in range(50)), "infrared/manifest.jsonl"]
    page.close()


def test_dropped_folder_without_images_is_rejected(context: BrowserContext, served: Served, folder: Path) -> None:
    (folder / "empty").mkdir()
    page = _open(context, served)
    _drop(page, "images", folder / "empty")
    page.get_by_role("alert").get_by_text("expected images in the folder empty, found none").wait_for()
    _drop(page, "presets", folder / "thermal1.png")  # beside a field: the page stays
    _drop(page, "exemplars", folder / "thermal1.png")
    page.locator("#exemplars", has_text="thermal1").wait_for()
    page.close()


def test_image_of_24_megapixels(context: BrowserContext, served: Served, folder: Path) -> None:
    size = (6000, 4000)
    Image.fromarray(photograph(60, 80, 3)).resize(size, Image.Resampling.BILINEAR).save(folder / "large.jpg")
    page = _open(context, served, 390, 844)
    _put(page, "images", folder / "large.jpg")
    _put(page, "exemplars", folder / "thermal1.png")
    _choose_model(page, "gray")
    _convert(page)
    page.wait_for_function("() => [...document.querySelectorAll('#slider img')].filter(i => i.naturalWidth == 6000)[1]")
    (folder / "downloads").mkdir()
    with Image.open(_download(page, folder / "downloads")) as result:
        assert (result.size, result.mode) == (size, "L")
        assert len(result.resize((60, 40)).tobytes().strip(b"\0")) > 1000
    page.close()
