"""The report is a self-contained page; if a browser is available, it is also rendered."""

from __future__ import annotations

import html.parser
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ir_transfer.evaluation.comparison import Comparison
from ir_transfer.evaluation.report import WARNING, write_report
from tests.evaluation.compared_street import BLURRED

if TYPE_CHECKING:
    from playwright.sync_api import Browser

VOID = {"meta", "img", "input", "br", "link"}


class Parts(html.parser.HTMLParser):
    """Collects tags and attributes, and checks that tags close in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str, kind: str = "") -> list[dict[str, str | None]]:
        return [a for t, a in self.found if t == tag and (not kind or kind in (a.get("class") or "").split())]


@pytest.fixture(scope="module")
def page(street: Comparison, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(street, path)
    return path


def test_report_has_all_sections_and_is_self_contained(page: Path, street: Comparison) -> None:
    text = page.read_text()
    parts = Parts(text)
    headings = [a["id"] for a in parts.all("h2")]
    assert headings == ["ranking", "figures", "pairwise", "cases", "published"]
    for _, attributes in parts.found:
        for key in ("src", "href", "action"):
            assert (attributes.get(key) or "data:").startswith("data:")
    assert not re.search(r"https?://|@import|url\(", text)
    assert len(parts.all("section", "chart")) == len(street.columns)
    assert "protocol street version 2 (changed: border 1)" in text
    assert "patch_mmd[tiny]" in text
    assert "built-in" not in text
    assert WARNING.split(":")[0] in text


def test_sliders_show_the_best_and_worst_scenes(page: Path) -> None:
    parts = Parts(page.read_text())
    assert len(parts.all("div", "slider")) == 4
    names = [a.get("data-name") for a in parts.all("img", "before")]
    assert names == ["RGB", "ground truth", "exemplar"] * 4
    assert len(parts.all("input")) == 4
    assert f"{BLURRED}: worst" in page.read_text()


def test_user_labels_are_escaped(street: Comparison, tmp_path: Path) -> None:
    settings = {"data": "<script>alert(1)</script>"}
    write_report(Comparison(**{**vars(street), "settings": settings}), tmp_path / "report.html")
    assert "<script>alert" not in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize("width", [1280, 390])
def test_report_renders_in_a_browser(page: Path, browser: Browser, width: int) -> None:
    view = browser.new_page(viewport={"width": width, "height": 900})
    view.goto(page.as_uri())
    assert view.evaluate("document.documentElement.scrollWidth") <= width
    assert all(view.evaluate("[...document.images].map(image => image.naturalWidth > 0)"))
    assert view.locator("section.chart .fill").count() > 0
    slider = view.locator(".slider").first
    slider.locator("input").press("Home")
    assert slider.evaluate("box => box.style.getPropertyValue('--x')") == "0%"
    view.get_by_role("button", name="ground truth").first.click()
    assert slider.locator(".before-name").inner_text() == "ground truth"
    view.close()
