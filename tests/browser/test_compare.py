"""The comparing page as people see it: on a desk and on a phone, from a file, without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ir_transfer.cli import main
from tests.tracking.tracked_runs import NAMES, TrackedRuns

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def path(tracked_runs: TrackedRuns, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "compare.html"
    assert main(["runs", "compare", *NAMES, "-o", str(path), "--tracking-uri", tracked_runs.uri]) == 0
    return path


@pytest.fixture
def asked() -> list[str]:
    """What the page asked of any network, and its errors."""
    return []


@pytest.fixture(params=[(1280, "light"), (390, "dark")], ids=["wide", "narrow"])
def view(
    path: Path, browser: Browser, request: pytest.FixtureRequest, asked: list[str], tmp_path: Path
) -> Iterator[Page]:
    width, scheme = request.param
    view = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    view.on("request", lambda sent: asked.append(sent.url) if not sent.url.startswith(("file:", "data:")) else None)
    view.on("pageerror", lambda error: asked.append(str(error)))
    view.goto(path.as_uri())
    yield view
    view.screenshot(path=tmp_path / "compare.png", full_page=True)
    assert view.evaluate("document.documentElement.scrollWidth") <= width
    assert asked == []
    view.close()


def test_images_decode_and_steps_and_the_slider_work_by_keyboard(view: Page) -> None:
    sizes = view.evaluate("Promise.all([...document.images].map(i => i.decode().then(() => i.naturalWidth)))")
    assert len(sizes) == 4
    assert all(size > 0 for size in sizes)
    shown = view.locator(".stage:visible")
    assert shown.get_attribute("data-step") == "400"
    view.get_by_role("button", name="200").press("Enter")
    assert shown.get_attribute("data-step") == "200"
    view.get_by_role("button", name="slider").press("Enter")
    left, right = shown.locator("img").evaluate_all("images => images.map(i => i.getBoundingClientRect().left)")
    assert left == right
    shown.locator("input").press("End")
    assert shown.locator(".pair").evaluate("pair => pair.style.getPropertyValue('--x')") == "100%"
