"""Rendered RGB and thermal images of any size, and fixtures for all tests."""

from __future__ import annotations

import os
import shutil
import signal
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import NDArray
from PIL import Image

from ir_transfer.tracking.store import connect
from tests.ci import missing, needed

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.tracking.tracked_runs import TrackedRuns

# Before torch is imported, and for subprocesses: threads that wait for busy cores make small images slow.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# A shell that starts the tests in its background has them ignore Ctrl-C, and with them the commands that they send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# A busy machine is no reason for a property to fail.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def photograph(height: int = 48, width: int = 64, seed: int = 0) -> NDArray[np.uint8]:
    """Return an sRGB image (H, W, 3) of sky, ground, boxes and weak noise."""
    random = np.random.default_rng(seed)
    rows = np.linspace(0, 1, height)[:, None, None]
    scene = np.where(rows < 0.4, [0.5, 0.7, 0.95], [0.35, 0.4, 0.3]) * (0.7 + 0.3 * rows)
    scene = np.broadcast_to(scene, (height, width, 3)).copy()
    for _ in range(6):
        top, left = random.integers(0, height), random.integers(0, width)
        scene[top : top + max(height // 4, 1), left : left + max(width // 6, 1)] = random.random(3)
    noisy = scene + random.normal(0, 0.02, scene.shape)
    return (np.clip(noisy, 0, 1) * 255).astype(np.uint8)


def thermal(height: int = 48, width: int = 64, seed: int = 1) -> NDArray[np.uint8]:
    """Return a thermal image (H, W) of cold sky, warm ground and hot spots."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    heat = 0.2 + 0.4 * y
    for _ in range(4):
        cy, cx = random.random(2)
        heat = heat + 0.5 * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 0.005)
    noisy: NDArray[np.float64] = heat + random.normal(0, 0.01, heat.shape)
    return (np.clip(noisy, 0, 1) * 255).astype(np.uint8)


@pytest.fixture
def exemplar(tmp_path: Path) -> Path:
    """An infrared image on disk."""
    path = tmp_path / "exemplar.png"
    Image.fromarray(thermal(96, 128)).save(path)
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of six RGB images in two sizes and three formats, two of them in a sub-folder."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    names = ("a.png", "b.jpg", "c.bmp", "d.png", "sub/a.png", "sub/e.jpg")
    for seed, name in enumerate(names):
        size = (48, 64) if seed % 2 else (41, 57)
        Image.fromarray(photograph(*size, seed)).save(folder / name)
    return folder


@pytest.fixture(scope="session", autouse=True)
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A tracking store outside the checkout for commands that track by default."""
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{tmp_path_factory.mktemp('shared')}/mlflow.db"


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty MLflow database, migrated once, since the migration takes seconds."""
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    connect(f"sqlite:///{path}", create=True).search_experiments()
    return path


@pytest.fixture
def new_store(tmp_path: Path, empty_database: Path) -> Callable[[str], str]:
    """Return a function that creates an empty MLflow store and returns its tracking URI."""

    def make(name: str) -> str:
        path = tmp_path / name / "mlflow.db"
        path.parent.mkdir(exist_ok=True)
        shutil.copyfile(empty_database, path)
        return f"sqlite:///{path}"

    return make


@pytest.fixture
def tracking_uri(new_store: Callable[[str], str]) -> str:
    """An empty MLflow store."""
    return new_store("store")


@pytest.fixture(scope="session")
def tracked_runs(empty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> TrackedRuns:
    """A store with two trainings and their evaluations, which tests must not modify."""
    from tests.tracking.tracked_runs import write_runs

    path = tmp_path_factory.mktemp("tracked") / "mlflow.db"
    shutil.copyfile(empty_database, path)
    return write_runs(f"sqlite:///{path}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium; if there is none, the test is skipped, or fails if CI is set."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        warnings.warn("no chromium on this machine: pages were NOT looked at in a browser", stacklevel=1)
        missing("no chromium on this machine: apt-get install chromium")
    playwright = needed("playwright.sync_api", "install the extra dev")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path=program, args=[*flags, "--disable-component-update", "--disable-sync"]
        )
        yield chromium
        chromium.close()
