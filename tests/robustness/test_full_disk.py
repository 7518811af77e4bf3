from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ir_transfer.cli import main
from tests.ci import missing
from tests.robustness.test_kills import tree


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 300 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        missing(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_says_how_much_is_missing_and_the_run_goes_on(
    small_disk: Path, exemplar: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "set"
    (root / "images").mkdir(parents=True)
    (root / "labels").mkdir()
    draw = np.random.default_rng(0)
    for number in range(24):
        noise = draw.integers(0, 255, (120, 160, 3), np.uint8)
        Image.fromarray(noise).save(root / f"images/{number:03}.png", compress_level=1)
        (root / f"labels/{number:03}.txt").write_text("0 0.5 0.5 0.5 0.25\n")
    command = ["dataset", str(root), "--style", str(exemplar), "--model", "histogram", "-q"]
    assert main([*command, "-o", str(tmp_path / "one/ir")]) == 0
    out = small_disk / "ir"
    assert main([*command, "-o", str(out)]) == 1
    told = capsys.readouterr().err
    missing = re.search(r"stopped: .*--resume \((\d+) of 24 are missing\)", told)
    assert missing is not None
    made = len(list(out.glob("images/*.png")))
    assert 0 < made < 24
    assert int(missing[1]) == 24 - made
    for path in out.glob("images/*.png"):
        Image.open(path).load()
    assert not list(out.rglob("*.part"))
    assert main([*command, "-o", str(out), "--resume"]) == 2  # as full as before: not even a manifest can be begun
    assert "free some space" in capsys.readouterr().err
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    assert main([*command, "-o", str(out), "--resume"]) == 0
    assert tree(out) == tree(tmp_path / "one/ir")
