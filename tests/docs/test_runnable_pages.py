"""All blocks of the pages about transforms and the command line run as written."""

from __future__ import annotations

import os
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from ir_transfer.cli import main
from tests.conftest import photograph, thermal
from tests.docs.pages import CHECKOUT, blocks

_FILE = re.compile(r"cat > (\S+) <<'END'\n(.*?)^END\n", re.MULTILINE | re.DOTALL)
# The reader's command and interpreter, where a line needs a shell.
_PRELUDE = """set -euo pipefail
ir-transfer() { "$PYTHON" -m ir_transfer "$@"; }
python() { "$PYTHON" "$@"; }
"""


def texts(page: str, language: str) -> list[str]:
    return [block.text for block in blocks(CHECKOUT / "docs" / page, language)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory with the inputs named on the pages."""
    (tmp_path / "photos").mkdir()
    Image.fromarray(photograph(48, 64)).save(tmp_path / "photos" / "0.png")
    for seed, name in enumerate(("thermal", "a")):
        Image.fromarray(thermal(48, 64, seed)).save(tmp_path / f"{name}.png")
    (tmp_path / "examples").symlink_to(CHECKOUT / "examples")
    return tmp_path


def run_in_bash(script: str, folder: Path) -> str:
    environment = {**os.environ, "PYTHON": sys.executable, "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run(
        ["bash", "-c", _PRELUDE + script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{script}\n{done.stderr[-3000:]}"
    return done.stdout


def run_block(block: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run the lines of a block in this process, to avoid start-up times; return the number of commands."""
    monkeypatch.chdir(folder)
    for name, content in _FILE.findall(block):
        (folder / name).write_text(content)
    count = 0
    for line in _FILE.sub("", block).splitlines():
        words = shlex.split(line)
        with monkeypatch.context() as patch:
            while "=" in words[0]:
                variable, _, value = words.pop(0).partition("=")
                patch.setenv(variable, value)
            if words[0] == "python":
                patch.setattr(sys, "argv", words[1:])
                runpy.run_path(words[1], run_name="__main__")
            else:
                assert words[0] == "ir-transfer", line
                assert main(words[1:]) == 0, line
        count += 1
    return count


@pytest.mark.parametrize("block", texts("command-line.md", "bash"), ids=lambda block: block.splitlines()[0][:50])
def test_command_blocks_run(block: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if "| python" in block:
        assert run_in_bash(block, folder).strip() == "1"
    elif "eval" in block:
        run_in_bash(block, folder)
    else:
        assert run_block(block, folder, monkeypatch) >= 2
    for name in ("blend", "from_file", "night", "ir"):
        assert (folder / name / "0.png").is_file() == (f"-o {name}/" in block)


@pytest.mark.parametrize("block", texts("transforms.md", "bash"), ids=lambda block: block.splitlines()[0][:50])
def test_transform_commands_run(block: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pycocotools", reason="the extra detect is not installed")
    fewer = block.replace("adain,cin --data-loader 40 --loader-workers 0,2", "cin --data-loader 4 --loader-workers 0")
    assert ("--data-loader" in block) == (fewer != block)
    assert run_block(fewer, folder, monkeypatch) >= 1
    assert ("train_detector" in block) == (folder / "detector.pt").is_file()


@pytest.mark.parametrize("block", texts("transforms.md", "python"))
def test_python_blocks_run(block: str) -> None:
    exec(compile(block, "transforms.md", "exec"), {})


def test_completion_lists_commands_and_options(folder: Path) -> None:
    found = run_in_bash(
        """export _IR_TRANSFER_COMPLETE=bash_complete
        COMP_WORDS='ir-transfer convert --pol' COMP_CWORD=2 ir-transfer
        COMP_WORDS='ir-transfer doc' COMP_CWORD=1 ir-transfer""",
        folder,
    )
    assert "--polarity" in found
    assert "doctor" in found
