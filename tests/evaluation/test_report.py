"""The report is one whole page; where a browser is at hand it is also rendered."""

from __future__ import annotations

import html.parser
import re
import shutil
import subprocess
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ir_transfer.evaluation.comparison import Comparison
from ir_transfer.evaluation.published import WARNING
from ir_transfer.evaluation.report import write_report
from tests.evaluation.compared_street import BLURRED

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
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


def test_has_all_parts_and_needs_nothing_else(page: Path, street: Comparison) -> None:
    text = page.read_text()
    parts = Parts(text)
    headings = [a["id"] for a in parts.all("h2")]
    assert headings == ["ranking", "figures", "duels", "cases", "published"]
    for _, attributes in parts.found:
        for key in ("src", "href", "action"):
            assert (attributes.get(key) or "data:").startswith("data:")
    assert not re.search(r"https?://|@import|url\(", text)
    assert len(parts.all("section", "chart")) == len(street.columns)
    assert "protocol street version 2 (changed: border 1)" in text
    assert "kid[tiny]" in text
    assert "built-in" not in text
    assert WARNING.split(":")[0] in text


def test_sliders_show_the_best_and_worst_scenes(page: Path) -> None:
    parts = Parts(page.read_text())
    assert len(parts.all("div", "slider")) == 4
    names = [a.get("data-name") for a in parts.all("img", "before")]
    assert names == ["photograph", "truth", "exemplar"] * 4
    assert len(parts.all("input")) == 4
    assert f"{BLURRED}: worst" in page.read_text()


def test_labels_of_users_are_escaped(street: Comparison, tmp_path: Path) -> None:
    settings = {"data": "<script>alert(1)</script>"}
    write_report(Comparison(**{**vars(street), "settings": settings}), tmp_path / "report.html")
    assert "<script>alert" not in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize("width", [1280, 390])
def test_renders_in_a_browser(page: Path, tmp_path: Path, width: int) -> None:
    if BROWSER is None:
        warnings.warn("no chromium on this machine: the report was NOT looked at in a browser", stacklevel=1)
        pytest.skip("no chromium on this machine: apt-get install chromium")
    shot = tmp_path / "shot.png"
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    flags += ["--disable-component-update", "--disable-sync", "--hide-scrollbars", f"--user-data-dir={tmp_path / 'b'}"]
    command = [BROWSER, *flags, f"--window-size={width},2000", f"--screenshot={shot}", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert shot.is_file(), done.stderr
    with Image.open(shot) as image:
        drawn = np.asarray(image.convert("L"))
    assert drawn.shape[1] >= width
    assert (drawn < 100).mean() > 0.005  # letters and bars
