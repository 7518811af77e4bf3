"""MLflow's pages, as opened by ``ir-transfer review``, show the curves and the logged images."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ir_transfer.local_server import is_free
from tests.ended import end
from tests.tracking.tracked_runs import TrackedRuns

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_PATIENCE = 120_000  # ms, on a busy machine


@pytest.fixture(scope="module")
def printed(browser: Browser, tracked_runs: TrackedRuns) -> Iterator[str]:
    """Output of ``review``, which is stopped at the end; no process may remain."""
    command = [sys.executable, "-m", "ir_transfer", "review", "--no-browser", "--tracking-uri", tracked_runs.uri]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("Ready"):
            break
    yield "".join(lines)
    end(process, signal.SIGINT)
    ready = re.search(r"Ready at http://127.0.0.1:(\d+)", lines[-1])
    assert ready
    assert is_free(int(ready[1]))


@pytest.mark.timeout(600)
def test_pages_printed_by_review_show_runs_metrics_and_images(
    printed: str, browser: Browser, tracked_runs: TrackedRuns, tmp_path: Path
) -> None:
    overview = re.search(r"All runs: (\S+)", printed)
    link = re.search(rf"curves and images +(\S+{tracked_runs.ids[0]}\S+)", printed)
    assert overview
    assert link
    view = browser.new_page(viewport={"width": 1280, "height": 2200})
    view.set_default_timeout(_PATIENCE)
    view.goto(overview[1])
    for name in ("steady", "hasty", "evaluation of steady"):
        view.get_by_role("link", name=name, exact=True).wait_for()
    view.screenshot(path=tmp_path / "runs.png")
    view.goto(link[1])
    view.locator("path.js-line").nth(5).wait_for(state="attached")  # one in each of the six charts
    for step in (200, 300, 400):  # the panel opens at step 0
        view.get_by_role("slider").first.press("ArrowRight")
        image = view.locator(f"img[src*='get-artifact'][src*='step%2B{step}']").first
        image.wait_for()
    view.wait_for_function("i => i.complete && i.naturalWidth > 0", arg=image.element_handle())
    view.screenshot(path=tmp_path / "run.png")
    view.close()
