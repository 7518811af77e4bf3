import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ir_transfer.data.cards import load_card
from ir_transfer.data.checks.check import check_dataset
from ir_transfer.data.checks.measure import find_similar_pairs
from ir_transfer.data.checks.report import HEADINGS, CheckReport, worst_pairs
from ir_transfer.data.pairs import list_pairs
from ir_transfer.errors import InputError
from ir_transfer.synthetic.write import write_scenes

CARD = load_card("generic-paired")


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("scenes") / "set"
    write_scenes(root, 5, size=(160, 128), night=False)
    return root


@pytest.fixture
def root(clean: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(clean, tmp_path / "set"))


def kinds(report: CheckReport, level: str = "problem") -> dict[str, list[str]]:
    return {f.kind: f.names for f in report.findings if f.level == level}


def edit(path: Path, change: object) -> None:
    with Image.open(path) as image:
        levels = np.asarray(image)
    Image.fromarray(change(levels)).save(path)  # type: ignore[operator]


def test_registered_scenes_are_clean(clean: Path) -> None:
    report = check_dataset(clean, CARD)
    assert report.is_clean
    assert (report.count, report.looked_at) == (5, 5)
    assert check_dataset(clean, CARD, limit=2).looked_at == 2


def test_every_fault_is_found_in_its_file(root: Path) -> None:
    rgb, ir = root / "rgb", root / "ir"
    (ir / "unpaired.png").write_bytes((ir / "s00000_f00.png").read_bytes())
    (rgb / "broken.png").write_bytes(b"no image")
    shutil.copy(ir / "s00000_f00.png", ir / "broken.png")
    edit(rgb / "s00001_f00.png", lambda a: np.repeat(a[..., :1], 3, axis=2))
    edit(ir / "s00002_f00.png", lambda a: np.stack([a, 255 - a, a // 2], axis=2))
    edit(ir / "s00003_f00.png", lambda a: a[:-8])
    edit(ir / "s00004_f00.png", lambda a: a.astype(np.uint16) * 257)
    report = check_dataset(root, CARD)
    found = kinds(report)
    assert found.pop("no-partner") == ["ir/unpaired.png"]
    assert found.pop("unreadable") == ["broken"]
    assert found.pop("gray-rgb") == ["s00001_f00"]
    assert found.pop("coloured-ir") == ["s00002_f00"]
    assert found.pop("size-differs") == ["s00003_f00"]
    assert found.pop("16-bit") == ["s00004_f00"]
    assert not found
    assert all(finding.remedy and finding.what for finding in report.findings)


def test_raw_counts_in_16_bit_files_are_reported_as_narrow_range(root: Path) -> None:
    for path in (root / "ir").iterdir():
        edit(path, lambda a: a.astype(np.uint16) + 7000)
    report = check_dataset(root, CARD)
    assert len(kinds(report)["narrow-range"]) == 5
    assert len(kinds(report, "note")["16-bit"]) == 5


def test_offsets_are_found_and_shown(root: Path) -> None:
    edit(root / "ir" / "s00000_f00.png", lambda a: np.roll(a, (0, 7), axis=(0, 1)))
    report = check_dataset(root, CARD)
    assert kinds(report) == {"misaligned": ["s00000_f00"]}
    rows = worst_pairs(report, 2)
    assert len(rows) == 2
    assert all(len(row) == len(HEADINGS) for row in rows)


def test_constant_offset_of_the_set_has_one_fix(root: Path) -> None:
    for path in (root / "ir").iterdir():
        edit(path, lambda a: np.roll(a, (5, 0), axis=(0, 1)))
    (finding,) = [f for f in check_dataset(root, CARD).findings if f.kind == "misaligned"]
    assert "whole set has one offset" in finding.remedy
    assert re.search(r"-(4\.[89]|5\.[01]) in y", finding.remedy)


def test_duplicates_and_scenes_shared_between_splits_are_found(tmp_path: Path) -> None:
    source = tmp_path / "source"
    write_scenes(source, 2, frames=2, size=(160, 128), night=False)
    for stem, part in (("s00000_f00", "train"), ("s00000_f01", "test"), ("s00001_f00", "train")):
        for side, letter in (("rgb", "A"), ("ir", "B")):
            target = tmp_path / "set" / f"{part}{letter}"
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / side / f"{stem}.png", target / f"{stem}.png")
            if stem == "s00001_f00":
                shutil.copy(source / side / f"{stem}.png", target / "again.png")
    found = kinds(check_dataset(tmp_path / "set", load_card("generic-trainab")))
    assert found["alike-across-parts"] == ["test_s00000_f01 = train_s00000_f00"]
    assert found["duplicate"] == ["train_again = train_s00001_f00"] * 2
    pairs = list_pairs(source, CARD)
    assert ("s00000_f00", "s00000_f01") in find_similar_pairs(pairs)


def test_folder_without_pairs_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "rgb").mkdir()
    (tmp_path / "ir").mkdir()
    with pytest.raises(InputError, match="got none"):
        check_dataset(tmp_path, CARD)
