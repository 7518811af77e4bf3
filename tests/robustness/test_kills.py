from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from PIL import Image

from tests.conftest import photograph

KILLS = 6


def tree(out: Path) -> dict[str, bytes]:
    """All files but those that name the command line as entered."""
    return {
        str(p.relative_to(out)): p.read_bytes()
        for p in sorted(out.rglob("*"))
        if p.is_file() and p.name not in {"manifest.jsonl", "README.md", "manifest.parquet"}
    }


def test_repeatedly_killed_run_gives_the_uninterrupted_set(tmp_path: Path, exemplar: Path) -> None:
    root = tmp_path / "set"
    for number in range(120):
        (root / "images").mkdir(parents=True, exist_ok=True)
        (root / "labels").mkdir(parents=True, exist_ok=True)
        Image.fromarray(photograph(120, 160, number)).save(root / f"images/{number:03}.png", compress_level=1)
        (root / f"labels/{number:03}.txt").write_text(f"0 0.5 0.5 0.{number + 100} 0.25\n")
    arguments = [
        "dataset",
        str(root),
        "--style",
        str(exemplar),
        "--model",
        "histogram",
        "--variants",
        "2",
        "--seed",
        "3",
    ]
    arguments += ["--sensor", "boson-640", "--heat", "0=+0.1", "--threads", "1", "-q"]
    command = [sys.executable, "-m", "tests.robustness.kills"]
    whole = [*command, "0", "240", *arguments, "-o", str(tmp_path / "one/ir")]
    assert subprocess.run(whole, capture_output=True, text=True, check=True).stdout.split() == ["0", "0"]
    killed = [*command, str(KILLS), "240", *arguments, "-o", str(tmp_path / "two/ir")]
    done = subprocess.run(killed, capture_output=True, text=True, check=True).stdout.split()
    assert done == [str(KILLS), "0"]
    one, two = (tmp_path / name / "ir" for name in ("one", "two"))
    assert tree(one) == tree(two)
    lines = [(out / "manifest.jsonl").read_text().splitlines()[1:] for out in (one, two)]
    assert lines[0] == lines[1]
