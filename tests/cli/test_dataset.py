from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from PIL import Image

from ir_transfer.cli import main
from tests.conftest import photograph


@pytest.fixture
def yolo(tmp_path: Path) -> Path:
    """A YOLO set of two splits with data.yaml, one invalid label line and one label file without an image."""
    root = tmp_path / "yolo set"
    for number, split in enumerate(("train", "train", "val")):
        (root / "images" / split).mkdir(parents=True, exist_ok=True)
        (root / "labels" / split).mkdir(parents=True, exist_ok=True)
        Image.fromarray(photograph(48, 64, number)).save(root / f"images/{split}/p {number}.jpg")
        (root / f"labels/{split}/p {number}.txt").write_text(f"1 0.5 0.5 0.{number + 1} 0.25\r\n")
    (root / "labels/val/gone.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    (root / "data.yaml").write_text("path: .\ntrain: images/train\nval: images/val\nnames:\n  0: car\n  1: person\n")
    return root


def test_yolo_set_end_to_end(yolo: Path, exemplar: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "ir"
    arguments = ["dataset", str(yolo), "--style", str(exemplar), "--model", "histogram", "--variants", "2"]
    assert main([*arguments, "--heat", "person=+0.1", "--dry-run", "-o", str(out)]) == 0
    assert "would write 6 images for 3 of a yolo data set" in capsys.readouterr().out
    assert not out.exists()
    assert main([*arguments, "--heat", "person=+0.1", "-o", str(out)]) == 0
    told = capsys.readouterr()
    assert "yolo: converted 6, skipped 0, failed 0" in told.out
    assert "gone.txt" in told.err
    for split, stems in (("train", ("p 0", "p 1")), ("val", ("p 2",))):
        for stem in stems:
            for end in ("", "__v1"):
                with Image.open(out / f"images/{split}/{stem}{end}.png") as image:
                    assert (image.size, image.mode) == ((64, 48), "L")
                copied = (out / f"labels/{split}/{stem}{end}.txt").read_bytes()
                assert copied == (yolo / f"labels/{split}/{stem}.txt").read_bytes()
    described = yaml.safe_load((out / "data.yaml").read_text())
    assert described["names"] == {0: "car", 1: "person"}
    base = out / described.get("path", ".")
    assert (base / described["train"]).resolve() == (out / "images/train").resolve()
    assert main(["dataset", "verify", str(out)]) == 0
    assert "files are unchanged, and supported labels match the images" in capsys.readouterr().out
    (out / "labels/val/p 2.txt").write_text("0 0.5 0.5 0.3 0.25\n")
    assert main(["dataset", "verify", str(out)]) == 1
    assert "labels/val/p 2.txt" in capsys.readouterr().out


def test_merged_shards_equal_the_whole_set(yolo: Path, exemplar: Path, tmp_path: Path) -> None:
    arguments = ["dataset", str(yolo), "--style", str(exemplar), "--model", "histogram", "--variants", "2", "-q"]
    assert main([*arguments, "-o", str(tmp_path / "one/ir")]) == 0
    shards = [str(tmp_path / f"part{number}") for number in (1, 2)]
    for number, shard in enumerate(shards, start=1):
        assert main([*arguments, "-o", shard, "--shard", f"{number}/2"]) == 0
    assert main(["dataset", "merge", shards[1], shards[0], "-o", str(tmp_path / "two/ir"), "-q"]) == 0
    whole, merged = (
        {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}
        for root in (tmp_path / "one/ir", tmp_path / "two/ir")
    )
    assert whole.keys() == merged.keys()
    told_by_command = {"manifest.jsonl", "README.md", "_card/manifest.parquet"}
    assert {name for name in whole if whole[name] != merged[name]} <= told_by_command
    lines = [
        (root / "manifest.jsonl").read_text().splitlines()[1:] for root in (tmp_path / "one/ir", tmp_path / "two/ir")
    ]
    assert lines[0] == lines[1]
    assert main(["dataset", "verify", str(tmp_path / "two/ir"), "-q"]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--strength", "much"], "0.6..1"),
        (["--strength", "0.9..0.2"], "LOW..HIGH in 0..1, got 0.9..0.2"),
        (["--shard", "5/4"], "I in 1..N"),
        (["--heat", "person"], "CLASS=SHIFT"),
        (["--heat", "person=2"], "shift in -1..1"),
        (["--heat", "person.foot=0.1"], "unknown part of an object 'foot'"),
        (["--rule", "night"], "CONDITION=STYLE"),
        (["--labels", "cocoa"], "did you mean 'coco'"),
        (["--labels", "voc"], "expected Pascal VOC annotations"),
        (["--sensor", "boson"], "boson-640"),
        (["--assign", "nearest", "--style", "preset:lwir-drone", "--model", "adain"], "exemplar images"),
    ],
)
def test_option_errors_are_reported_before_the_run(
    yolo: Path,
    exemplar: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    given = ["dataset", str(yolo), "--style", str(exemplar), "-o", str(tmp_path / "ir"), *arguments]
    assert main([*given, *([] if "--model" in arguments else ["--model", "histogram"])]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("ir/**/*.png"))


def test_incompatible_shards_are_rejected(
    yolo: Path, exemplar: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, seed in ((1, "0"), (2, "1")):
        out = tmp_path / f"part{number}"
        arguments = ["dataset", str(yolo), "--style", str(exemplar), "--model", "histogram", "--seed", seed, "-q"]
        assert main([*arguments, "--shard", f"{number}/2", "-o", str(out)]) == 0
    parts = [str(tmp_path / f"part{number}") for number in (1, 2)]
    merged = str(tmp_path / "ir")
    for shards, message in (
        (parts, "expected seed=0"),
        (parts[:1], "got none with number 2"),
        ([parts[0], parts[0]], "each shard once"),
        ([str(yolo)], "expected a shard"),
    ):
        assert main(["dataset", "merge", *shards, "-o", merged]) == 2
        assert message in capsys.readouterr().err


def test_generate_is_the_default_subcommand() -> None:
    command = [sys.executable, "-m", "ir_transfer", "dataset"]
    helped = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True).stdout
    assert "verify" in helped
    assert (
        "--variants"
        in subprocess.run([*command, "generate", "--help"], capture_output=True, text=True, check=True).stdout
    )
    failed = subprocess.run([*command, "nowhere", "--style", "x.png"], capture_output=True, text=True, check=False)
    assert failed.returncode == 2
    assert "nowhere" in failed.stderr or "x.png" in failed.stderr
