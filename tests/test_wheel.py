"""The wheel contains all bundled files and works outside the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

CHECKOUT = Path(__file__).parents[1]
# What travels in the wheel: folder in the checkout -> folder in the wheel.
SHIPPED = {
    "ir_transfer/weights": "ir_transfer/weights",
    "ir_transfer/styles": "ir_transfer/styles",
    "configs": "ir_transfer/_shipped/configs",
    "datasets": "ir_transfer/_shipped/datasets",
    "evaluation/protocols": "ir_transfer/_shipped/evaluation/protocols",
    "evaluation/published.csv": "ir_transfer/_shipped/evaluation/published.csv",
    "ir_transfer/evaluation/templates": "ir_transfer/evaluation/templates",
}


def run(*command: str, **options: object) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


def tracked(folder: str) -> list[str]:
    """Return the bundled files of a folder: those tracked by git, or all without git."""
    if (CHECKOUT / ".git").exists():
        return run("git", "ls-files", "-z", folder, cwd=CHECKOUT).split("\0")[:-1]
    return [p.relative_to(CHECKOUT).as_posix() for p in (CHECKOUT / folder).rglob("*") if p.is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # The build backend comes from the package registry, as it does for every user of `pip install .`.
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(CHECKOUT))
    return next(folder.glob("ir_transfer-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    command = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index")
    run(*command, "--target", str(target), str(wheel))
    return target


def run_installed(installed: Path, folder: Path, *command: str) -> str:
    return run(sys.executable, *command, cwd=folder, env={**os.environ, "PYTHONPATH": str(installed)})


def test_wheel_contains_weights_styles_configs_and_cards(wheel: Path) -> None:
    names = set(ZipFile(wheel).namelist())
    expected = {
        inside + path.removeprefix(outside)
        for outside, inside in SHIPPED.items()
        for path in tracked(outside)
        if not path.endswith(".gitkeep")
    }
    assert expected
    assert expected - names == set()
    assert not {name for name in names if name.startswith(("tests/", "scripts/", "evaluation/"))}


def test_wheel_runs_outside_the_checkout(installed: Path, tmp_path: Path) -> None:
    where = "import ir_transfer, ir_transfer.resources as r; print(ir_transfer.__file__); print(r.resource('datasets'))"
    for line in run_installed(installed, tmp_path, "-c", where).splitlines():
        assert line.startswith(str(installed))
    assert "adain" in run_installed(installed, tmp_path, "-m", "ir_transfer", "models")


def test_wheel_has_the_same_models_as_the_checkout(installed: Path, tmp_path: Path) -> None:
    code = "import json, ir_transfer; print(json.dumps(ir_transfer.list_models()))"
    here = json.loads(run(sys.executable, "-c", code, cwd=CHECKOUT))
    assert json.loads(run_installed(installed, tmp_path, "-c", code)) == here
