from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir_transfer.conversion.inputs import MANIFEST_START
from ir_transfer.conversion.manifest import Entry, Header, Manifest
from ir_transfer.errors import EncodeError, InputError

HEADER = Header("ir-transfer convert x", {"model": "gray", "strength": 1.0}, {"torch": "2"})


def filled(out: Path, count: int = 3) -> Manifest:
    manifest = Manifest.create(out, HEADER)
    for number in range(count):
        manifest.append(Entry(f"in/ü{number}.jpg", f"ü{number}.png", "converted", "aa", "bb", 20, 30, 8))
    manifest.close()
    return manifest


def test_header_is_followed_by_one_line_per_input(tmp_path: Path) -> None:
    filled(tmp_path)
    lines = (tmp_path / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    assert lines[0].encode().startswith(MANIFEST_START)
    assert json.loads(lines[1])["output"] == "ü0.png"
    assert len(lines) == 4


def test_entries_round_trip(tmp_path: Path) -> None:
    written = filled(tmp_path)
    read = Manifest.load(tmp_path)
    assert read is not None
    assert read.header == HEADER
    assert read.entries == written.entries
    assert Manifest.load(tmp_path / "nowhere") is None


@given(st.integers(1, 400))
def test_truncated_last_line_is_dropped(cut: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        filled(out)
        path = out / "manifest.jsonl"
        whole = path.read_bytes()
        start_of_lines = whole.index(b"\n") + 1
        path.write_bytes(whole[: max(len(whole) - cut, start_of_lines)])
        complete = path.read_bytes().count(b"\n")
        manifest = Manifest.load(out)
        assert manifest is not None
        assert len(manifest.entries) == complete - 1
        manifest.reopen()
        manifest.append(Entry("in/new.jpg", "new.png", "failed", error="x"))
        manifest.close()
        assert all(json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())


def test_damage_before_the_last_line_is_an_error(tmp_path: Path) -> None:
    filled(tmp_path)
    path = tmp_path / "manifest.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join([lines[0], "{broken\n", *lines[2:]]), encoding="utf-8")
    with pytest.raises(InputError, match="line 2"):
        Manifest.load(tmp_path)
    path.write_text(lines[0] + '{"who": "knows"}\n', encoding="utf-8")
    with pytest.raises(InputError, match="--overwrite"):
        Manifest.load(tmp_path)


@pytest.mark.parametrize("text", ["", '{"some": "log"}\n', "[1]\n", "text\n"])
def test_other_files_named_manifest_are_rejected(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.jsonl").write_text(text)
    with pytest.raises(InputError, match="manifest"):
        Manifest.load(tmp_path)


def test_latest_entry_of_an_output_is_used_in_plan_order(tmp_path: Path) -> None:
    manifest = filled(tmp_path)
    manifest.append(Entry("in/other.jpg", None, "failed", error="taken"))
    manifest.append(Entry("in/ü1.jpg", "ü1.png", "failed", error="now bad"))
    manifest.finish(["ü2.png", "ü1.png", "ü0.png", "input:in/other.jpg", "never-run.png"])
    read = Manifest.load(tmp_path)
    assert read is not None
    assert list(read.entries) == ["ü2.png", "ü1.png", "ü0.png", "input:in/other.jpg"]
    assert read.entries["ü1.png"].error == "now bad"


def test_changed_setting_is_rejected_by_name(tmp_path: Path) -> None:
    HEADER.refuse_other_settings({"model": "gray", "strength": 1.0}, tmp_path)
    with pytest.raises(InputError, match=r"strength=1\.0 .*got 0\.5"):
        HEADER.refuse_other_settings({"model": "gray", "strength": 0.5}, tmp_path)
    with pytest.raises(InputError, match="seed"):
        HEADER.refuse_other_settings({"model": "gray", "strength": 1.0, "seed": 1}, tmp_path)


def test_deleted_manifest_is_an_error(tmp_path: Path) -> None:
    manifest = filled(tmp_path)
    manifest.path.unlink()
    with pytest.raises(EncodeError, match="--resume"):
        manifest.append(Entry("a", "b", "failed"))


def test_a_full_disk_leaves_whole_lines(tmp_path: Path) -> None:
    script = (
        "import resource, sys; from pathlib import Path;"
        "from ir_transfer.conversion.manifest import Entry, Header, Manifest;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000));"
        "manifest = Manifest.create(Path(sys.argv[1]), Header('x', {}, {}));"
        "[manifest.append(Entry(str(n), str(n), 'converted')) for n in range(99)]"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False)
    assert "EncodeError" in done.stderr
    assert "free some space" in done.stderr
    manifest = Manifest.load(tmp_path)
    assert manifest is not None
    assert 2 < len(manifest.entries) < 10
    assert (tmp_path / "manifest.jsonl").read_bytes().endswith(b"}\n")


def test_names_that_are_not_utf8_round_trip(tmp_path: Path) -> None:
    manifest = Manifest.create(tmp_path, HEADER)
    manifest.append(Entry("in/\udcff.jpg", "\udcff.png", "failed", error="x"))
    manifest.close()
    read = Manifest.load(tmp_path)
    assert read is not None
    assert read.entries == manifest.entries
    text = (tmp_path / "manifest.jsonl").read_bytes().decode()  # which other readers of JSON need
    assert json.loads(text.splitlines()[1])["output"] == "\udcff.png"
