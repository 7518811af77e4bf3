from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from ir_transfer.conversion.options import Options
from ir_transfer.dataset.generate import generate_dataset
from ir_transfer.dataset.merge import merge_shards
from ir_transfer.dataset.options import DatasetOptions, DatasetSummary
from ir_transfer.dataset.verify import verify_dataset
from ir_transfer.errors import InputError
from tests.conftest import photograph

Make = Callable[..., DatasetSummary]


@pytest.fixture
def yolo(tmp_path: Path) -> Path:
    """Eight RGB images with boxes in two splits; one is damaged, and two have the same result name."""
    root = tmp_path / "yolo"
    for number in range(8):
        split = "train" if number % 3 else "val"
        for kind in ("images", "labels"):
            (root / kind / split).mkdir(parents=True, exist_ok=True)
        Image.fromarray(photograph(40, 48 + number % 2, number)).save(root / "images" / split / f"{number}.png")
        (root / "labels" / split / f"{number}.txt").write_text(f"0 0.5 0.5 0.25 {0.1 + number / 100}\n")
    (root / "images/train/5.png").write_bytes(b"no image")
    Image.fromarray(photograph(40, 48, 9)).save(root / "images/train/4.jpg")
    (root / "data.yaml").write_text("path: .\ntrain: images/train\nval: images/val\nnames: {0: person}\n")
    return root


@pytest.fixture
def make(yolo: Path, exemplar: Path) -> Make:
    """Generate the set, or a shard of it."""

    def generate(out: Path, shard: tuple[int, int] | None = None, *, resume: bool = False) -> DatasetSummary:
        asked = Options((str(yolo),), (str(exemplar),), out, model="histogram", threads=1, workers=2, resume=resume)
        return generate_dataset(DatasetOptions(asked, variants=2, include_gray=True, shard=shard, flip_share=0.5))

    return generate


def tree(out: Path) -> dict[str, bytes]:
    return {str(p.relative_to(out)): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}


def test_merged_shards_equal_the_whole_set(make: Make, tmp_path: Path) -> None:
    whole = make(tmp_path / "one/ir")
    shards = [tmp_path / f"part{number}" for number in range(3)]
    for number, shard in enumerate(shards):
        make(shard, (number, 3))
    # The second was interrupted before its last images and is finished later, the third lost and spoilt some.
    lines = (shards[1] / "manifest.jsonl").read_bytes().splitlines(keepends=True)
    (shards[1] / "manifest.jsonl").write_bytes(b"".join(lines[:3]) + lines[3][:40])
    spoilt = sorted(shards[2].rglob("*__gray.png"))
    spoilt[0].unlink()
    spoilt[1].write_bytes(b"spoilt")
    for number in (1, 2):
        assert make(shards[number], (number, 3), resume=True).run.converted > 0
    merged = merge_shards([shards[2], shards[0], shards[1]], tmp_path / "two/ir")
    assert whole.run.failed == merged.run.failed > 1
    assert (whole.run.converted, whole.label_files) == (merged.run.converted, merged.label_files)
    assert tree(tmp_path / "one/ir") == tree(tmp_path / "two/ir")
    assert verify_dataset(tmp_path / "two/ir") == []


def test_unfinished_shard_is_rejected(make: Make, tmp_path: Path) -> None:
    shards = [tmp_path / f"part{number}" for number in range(2)]
    for number, shard in enumerate(shards):
        make(shard, (number, 2))
    lines = (shards[1] / "manifest.jsonl").read_bytes().splitlines(keepends=True)
    (shards[1] / "manifest.jsonl").write_bytes(b"".join(lines[:4]))
    with pytest.raises(InputError, match=r"part1 without \d of its 4 images .*--resume"):
        merge_shards(shards, tmp_path / "ir")
    (shards[1] / "manifest.jsonl").write_bytes(b"".join(lines))
    next(shards[1].rglob("*__v1.png")).unlink()
    with pytest.raises(InputError, match=r"expected the image .*__v1.png of a shard, found none"):
        merge_shards(shards, tmp_path / "ir")
    assert not (tmp_path / "ir").exists()


def test_results_of_images_that_are_no_longer_in_the_source_are_refused(make: Make, yolo: Path, tmp_path: Path) -> None:
    shards = [tmp_path / f"part{number}" for number in range(2)]
    for number, shard in enumerate(shards):
        make(shard, (number, 2))
    (yolo / "images/val/6.png").unlink()  # the last one: the other images stay in their shards
    with pytest.raises(InputError, match=r"part0, got others: images/val/6\.png: the source has changed .*--resume"):
        merge_shards(shards, tmp_path / "ir")
    assert not (tmp_path / "ir").exists()
    make(shards[0], (0, 2), resume=True)
    merge_shards(shards, tmp_path / "ir")
    assert verify_dataset(tmp_path / "ir") == []
    (tmp_path / "ir/labels.sha256").unlink()
    assert [line for line in verify_dataset(tmp_path / "ir") if "labels.sha256" in line] == [
        "labels.sha256: expected the hashes of the label files, found none: generate it with --resume"
    ]
