"""Randomly damaged label files raise only errors of this package and write no files elsewhere."""

import random
from pathlib import Path

import pytest

from ir_transfer.errors import IrTransferError
from ir_transfer.labels.comparison import compare_labels
from ir_transfer.labels.open import open_labelled
from tests.labels.sets import SETS, translate

TOKENS = (
    b"NaN", b"-Infinity", b"1e999", b"9" * 400, b"-1", b"0", b"null", b"[]", b"{}", b"../../x", b"/etc/passwd", b"\0",
    b"\xff\xfe", b"\xef\xbb\xbf", b'"', b"\n", b"\r\n", b"]", b"<", b"&a;", b"<!DOCTYPE a>", b"*a", b"true", b"images",
    b"0.0", b"\xed\xa0\x80", b"{" * 40,
)  # fmt: skip


def mutated(data: bytes, dice: random.Random) -> bytes:
    """Damage a file in one of several typical ways."""
    changed = bytearray(data)
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(len(changed) + 1)
        match dice.randrange(6):
            case 0 if changed:
                changed[at % len(changed)] ^= 1 << dice.randrange(8)
            case 1:
                del changed[at:]
            case 2:
                del changed[at : at + dice.randint(1, 30)]
            case 3:
                changed[at:at] = changed[at : at + dice.randint(1, 60)]
            case _:
                changed[at : at + dice.choice((0, 1, 4))] = dice.choice(TOKENS)
    return bytes(changed)


def damage(root: Path, dice: random.Random) -> None:
    labels = sorted(path for path in root.rglob("*") if path.is_file() and path.suffix not in {".jpg"})
    for path in dice.sample(labels, min(len(labels), dice.randint(1, 2))):
        if dice.random() < 0.1:
            path.unlink()
        elif dice.random() < 0.05:
            path.rename(path.with_name(f"x\n {'ü' * 100}{path.suffix}"))
        else:
            path.write_bytes(mutated(path.read_bytes(), dice))


def survives(folder: Path, kind: str, seed: int) -> None:
    dice = random.Random(seed)
    root, out = folder / "in", folder / "out"
    SETS[kind](root)
    damage(root, dice)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    try:
        labelled = open_labelled(root, dice.choice((kind, "auto")))
        reported = labelled.problems
        assert all(str(folder) not in one.message for one in reported)
        results = translate(labelled, out, dice.choice((1, 2)))
        written = labelled.write(out, results, {"seed": str(seed)})
        assert all((out / rel_path).is_file() for rel_path in written)
    except IrTransferError as error:
        assert "expected" in str(error)
    else:
        if any(results.values()):
            after = open_labelled(out, labelled.kind)
            moved = compare_labels(labelled, after, results)
            assert moved == [] or reported, moved
    made = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and out not in path.parents}
    assert made == before


@pytest.mark.parametrize("kind", ["coco", "yolo", "voc", "masks", "kitti"])
@pytest.mark.parametrize("block", range(2))
def test_mutated_label_files_never_crash(tmp_path: Path, kind: str, block: int) -> None:
    for seed in range(10 * block, 10 * block + 10):
        survives(tmp_path / str(seed), kind, seed)
