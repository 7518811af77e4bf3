"""A generated set does not depend on the paths of the set, its source and the working directory."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from ir_transfer.cli import main
from tests.conftest import photograph, thermal

STYLE = ["--style", "e.png", "--model", "histogram", "--threads", "1", "-q"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with an exemplar and a YOLO set of six images."""
    folder = tmp_path / "project"
    for number in range(6):
        split = "train" if number % 2 else "val"
        for kind in ("images", "labels"):
            (folder / "set" / kind / split).mkdir(parents=True, exist_ok=True)
        Image.fromarray(photograph(40, 48, number)).save(folder / f"set/images/{split}/{number}.png")
        (folder / f"set/labels/{split}/{number}.txt").write_text(f"0 0.5 0.5 0.25 {0.1 + number / 100}\n")
    (folder / "set/data.yaml").write_text("path: .\ntrain: images/train\nval: images/val\nnames: {0: person}\n")
    Image.fromarray(thermal(96, 128)).save(folder / "e.png")
    monkeypatch.chdir(folder)
    return folder


def inputs(out: str | Path) -> set[str]:
    return {json.loads(line)["input"] for line in (Path(out) / "manifest.jsonl").read_text().splitlines()[1:]}


def results(out: str | Path) -> dict[str, bytes]:
    return {str(p.relative_to(out)): p.read_bytes() for p in sorted(Path(out).rglob("*.*")) if p.suffix != ".md"}


def test_shards_of_relative_paths_are_merged(project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for number in (1, 2):
        assert main(["dataset", "set/", *STYLE, "--shard", f"{number}/2", "-o", f"part{number}/"]) == 0
    assert main(["dataset", "merge", "part1/", "part2/", "-o", "set_ir/", "-q"]) == 0
    assert main(["dataset", "verify", "set_ir/"]) == 0
    assert len(inputs("set_ir")) == 6
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    parts = [os.path.relpath(project / f"part{number}") for number in (2, 1)]
    assert main(["dataset", "merge", *parts, "-o", "whole", "-q"]) == 0
    assert main(["dataset", "verify", "whole"]) == 0
    assert inputs("whole") == inputs(project / "set_ir")


def test_set_is_verified_from_any_working_directory(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["dataset", "set", *STYLE, "-o", "ir"]) == 0
    assert inputs("ir") == {f"images/{'train' if n % 2 else 'val'}/{n}.png" for n in range(6)}
    monkeypatch.chdir("/")
    assert main(["dataset", "verify", str(project / "ir"), "-q"]) == 0


@pytest.mark.usefixtures("project")
def test_moved_set_is_verified_against_its_source() -> None:
    assert main(["dataset", "set", *STYLE, "-o", "ir"]) == 0
    shutil.move("ir", "away/ir")
    assert main(["dataset", "verify", "away/ir", "-q"]) == 0
    label = Path("set/labels/val/0.txt")
    before = label.read_text()
    label.write_text("0 0.5 0.5 0.9 0.9\n")  # shows that the labels are compared with those of the source
    assert main(["dataset", "verify", "away/ir", "-q"]) == 1
    label.write_text(before)
    shutil.move("set", "away/set")
    assert main(["dataset", "verify", "away/ir", "--source", "away/set", "-q"]) == 0
    assert main(["dataset", "away/set", *STYLE, "-o", "away/ir", "--resume"]) == 0


def test_set_moved_together_with_its_source_is_verified_against_it(project: Path, tmp_path: Path) -> None:
    assert main(["dataset", "set", *STYLE, "-o", "ir"]) == 0
    moved = project.rename(tmp_path / "moved")
    (moved / "set/labels/val/0.txt").write_text("0 0.5 0.5 0.9 0.9\n")
    assert main(["dataset", "verify", str(moved / "ir"), "-q"]) == 1


def test_shards_are_merged_after_the_source_moved(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dataset", "set", *STYLE, "--shard", "1/1", "-o", "part"]) == 0
    (project / "set").rename("moved")
    assert main(["dataset", "merge", "part", "-o", "ir", "-q"]) == 2
    assert "--source" in capsys.readouterr().err
    assert main(["dataset", "merge", "part", "-o", "ir", "-q", "--source", "moved"]) == 0
    assert main(["dataset", "verify", "ir", "-q"]) == 0


def test_resume_accepts_other_paths_to_the_same_source(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("link").symlink_to("set")
    assert main(["dataset", "link", *STYLE, "-o", "ir"]) == 0
    whole = results("ir")
    for name in ("set", "./set/", str(project / "link"), "../project/set"):
        Path("ir/images/val/0.png").unlink()
        arguments = ["dataset", name, "--style", "e.png", "--model", "histogram", "-o", "ir", "--resume"]
        assert main(arguments) == 0
        assert "converted 1, skipped 5, failed 0" in capsys.readouterr().out
    assert main(["dataset", "verify", "ir", "-q"]) == 0
    assert main(["dataset", "verify", "ir", "--source", "link", "-q"]) == 0
    after = results("ir")
    assert {name for name in whole if whole[name] != after[name]} <= {"manifest.jsonl", "_card/manifest.parquet"}


@pytest.mark.usefixtures("project")
def test_images_removed_from_the_source_are_removed_from_the_set(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dataset", "set", *STYLE, "-o", "ir"]) == 0
    Path("set/images/train/1.png").unlink()
    Path("set/labels/train/1.txt").unlink()
    assert main(["dataset", "verify", "ir"]) == 1
    assert "images/train/1.png: expected its image images/train/1.png in the source" in capsys.readouterr().out
    assert main(["dataset", "set", "--style", "e.png", "--model", "histogram", "-o", "ir", "--resume"]) == 0
    assert "removed 1 results" in capsys.readouterr().err
    assert not Path("ir/images/train/1.png").exists()
    assert not Path("ir/labels/train/1.txt").exists()
    assert "images/train/1.png" not in inputs("ir")
    assert main(["dataset", "verify", "ir", "-q"]) == 0
    assert main(["dataset", "set", *STYLE, "-o", "fresh"]) == 0
    fresh, resumed = results("fresh"), results("ir")
    assert fresh.keys() == resumed.keys()
    assert {name for name in fresh if fresh[name] != resumed[name]} <= {"manifest.jsonl", "_card/manifest.parquet"}


@pytest.mark.usefixtures("project")
def test_a_merge_does_not_modify_its_inputs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dataset", "set", *STYLE, "--shard", "1/1", "-o", "part"]) == 0
    kept = results("set"), results("part")
    Path("link").symlink_to("set")
    for out in ("set", "link", "set/images", "part", "."):
        assert main(["dataset", "merge", "part", "-o", out, "--overwrite", "-q"]) == 2
        assert "expected -o outside" in capsys.readouterr().err
    assert (results("set"), results("part")) == kept
