"""The documented minimal installation contains everything that ``convert`` imports."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PIL import Image

from ir_transfer.cli import main
from tests.conftest import photograph, thermal
from tests.docs.pages import CHECKOUT

_PAGE = CHECKOUT / "docs" / "index.md"
_WITHOUT = """
import json, sys
blocked, *commands = json.loads(sys.argv[1])
sys.modules.update(dict.fromkeys(blocked))
from ir_transfer.cli import main
sys.exit(max(main(command) for command in commands))
"""


def _named() -> set[str]:
    """Return the packages that the page installs before ``pip install --no-deps .``."""
    section = (
        _PAGE.read_text(encoding="utf-8")
        .partition("### Minimal installation for `convert`")[2]
        .partition("--no-deps .")[0]
    )
    lines = re.findall(r"^pip install (.*)$", section, re.MULTILINE)
    words = [word for line in lines for word in line.partition("--index-url")[0].split()]
    return {canonicalize_name(word) for word in words if not word.startswith("-")}


def _with_dependencies(names: set[str]) -> set[str]:
    found: set[str] = set()
    rest = sorted(names)
    while rest:
        name = canonicalize_name(rest.pop())
        if name in found:
            continue
        try:
            texts = metadata.requires(name) or []
        except metadata.PackageNotFoundError:  # of another platform
            continue
        found.add(name)
        needed = map(Requirement, texts)
        rest += [one.name for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})]
    return found


@cache
def _left_out() -> list[str]:
    """Return the modules of all packages of this environment that the page does not install."""
    installed = {*_with_dependencies(_named()), "ir-transfer"}
    modules = metadata.packages_distributions().items()
    return sorted(
        name for name, packages in modules if not any(canonicalize_name(one) in installed for one in packages)
    )


def test_listed_packages_are_dependencies_of_the_project() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    assert len(_named()) > 5
    assert _named() <= {canonicalize_name(Requirement(text).name) for text in project}
    assert {"mlflow", "albumentations", "pyarrow", "torchvision"} <= set(_left_out())


def test_convert_and_styles_run_with_only_these_packages(tmp_path: Path) -> None:
    Image.fromarray(photograph(48, 64)).save(tmp_path / "a.png")
    Image.fromarray(thermal(48, 64)).save(tmp_path / "hot.png")
    commands = [
        ["convert", "a.png", "--style", "preset:lwir-road-day", "-o", "plain"],
        ["convert", "a.png", "--style", "hot.png", "--heat", "auto", "--sensor", "boson-640", "--preview", "-o", "all"],
        ["styles", "build", "hot.png", "-o", "mine.safetensors"],
    ]
    given = json.dumps([_left_out(), *commands])
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT, given], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "plain" / "a.png").is_file()
    assert (tmp_path / "all" / "preview.png").is_file()
    assert (tmp_path / "mine.safetensors").is_file()


def test_command_names_a_missing_package(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    for name in [name for name in sys.modules if name.startswith(("ir_transfer.diagnosis", "ir_transfer.cli.doctor"))]:
        monkeypatch.delitem(sys.modules, name)
    assert main(["doctor"]) == 2
    assert "expected the Python package psutil, found none: pip install ir-transfer" in capsys.readouterr().err
