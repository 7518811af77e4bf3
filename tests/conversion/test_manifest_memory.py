"""Memory per line of a large manifest is small, and its text is never held as a whole."""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ir_transfer.conversion.inputs import MANIFEST_NAME
from ir_transfer.conversion.manifest import Entry, Header, Manifest
from ir_transfer.dataset.card import _parquet
from ir_transfer.errors import EncodeError, InputError
from ir_transfer.imaging.image_io import write_parts

LINES = 4_000
READING = {"profile": "Adobe RGB", "orientation": 6, "notes": ["its end marker is missing"]}


def entry(number: int) -> Entry:
    digest = hashlib.sha256(b"%d" % number).hexdigest()
    name = f"images/train/camera_front_{number:07d}"
    variant = {"number": 0, "style": 0, "strength": 1.0, "inverted": False}
    return Entry(f"{name}.jpg", f"{name}.png", "converted", digest, digest[::-1], 64, 48, 8, None, None, None, variant)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("large")
    manifest = Manifest.create(
        out, Header("ir-transfer convert rgb", {"styles": [{"style": "a.png", "hash": "0"}]}, {})
    )
    manifest.entries.update({one.key: one for one in map(entry, range(LINES))})
    manifest.reopen()
    return out


def peak_and_kept(function: Callable[[], object]) -> tuple[float, float]:
    """Return the peak memory of a call and the memory of its result, in bytes per line."""
    tracemalloc.start()
    try:
        kept = function()
        now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    del kept
    return peak / LINES, now / LINES


def load(folder: Path) -> Manifest:
    manifest = Manifest.load(folder)
    assert manifest is not None
    return manifest


def test_memory_per_loaded_line_is_its_key_and_position(folder: Path) -> None:
    # The second time, no module is imported; what a thread of an earlier test allocates counts once at most.
    peak, kept = min(peak_and_kept(lambda: load(folder)) for _ in range(2))
    assert kept < 250  # 200; entries that are held take 600
    assert peak < kept + 100


def test_memory_per_appended_line_is_its_key_and_position(tmp_path: Path) -> None:
    manifest = Manifest.create(tmp_path, Header("", {}, {}))

    def run() -> None:
        for number in range(LINES):
            manifest.append(entry(number))

    _, kept = peak_and_kept(run)
    assert kept < 250
    manifest.close()


def test_entries_are_read_from_the_file(folder: Path) -> None:
    manifest = load(folder)
    wanted = entry(LINES // 2)
    assert manifest.entries[wanted.key] == wanted
    assert list(manifest.entries.items()) == [(one.key, one) for one in map(entry, range(LINES))]
    assert "nowhere.png" not in manifest.entries
    assert len(manifest.entries) == LINES


def test_entries_follow_the_file_when_it_is_rewritten(tmp_path: Path) -> None:
    manifest = Manifest.create(tmp_path, Header("", {}, {}))
    for number in range(5):
        manifest.append(entry(number))
    manifest.append(replace(entry(1), status="failed", error="gone"))
    manifest.entries[entry(3).key] = replace(entry(3), input="renamed.jpg")
    del manifest.entries[entry(4).key]
    manifest.finish([entry(number).key for number in (0, 1, 3)])
    failed, renamed = replace(entry(1), status="failed", error="gone"), replace(entry(3), input="renamed.jpg")
    for held in (manifest, load(tmp_path)):
        assert list(held.entries.values()) == [entry(2), entry(0), failed, renamed]
    manifest.append(replace(entry(0), width=1))
    for held in (manifest, load(tmp_path)):
        assert list(held.entries.values()) == [entry(2), replace(entry(0), width=1), failed, renamed]
    manifest.close()


def test_a_manifest_that_another_program_changed_is_reported(folder: Path, tmp_path: Path) -> None:
    (tmp_path / MANIFEST_NAME).write_bytes((folder / MANIFEST_NAME).read_bytes())
    manifest = load(tmp_path)
    (tmp_path / MANIFEST_NAME).write_bytes(b"x" * 100_000)
    with pytest.raises(InputError, match=r"expected a JSON object in the line at byte \d+ of .*manifest.jsonl"):
        manifest.entries[entry(3).key]


def test_the_text_of_a_manifest_is_not_held(folder: Path) -> None:
    manifest = load(folder)
    before = manifest.path.read_bytes()
    peak, _ = peak_and_kept(manifest.reopen)
    assert peak < 150 < len(before) / LINES / 3  # keys and positions of the new file
    assert manifest.path.read_bytes() == before


def test_table_is_built_in_chunks(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    manifest = load(folder)
    whole = pq.read_table(pa.BufferReader(_parquet(manifest)))
    monkeypatch.setattr("ir_transfer.dataset.card._ROWS", LINES // 8)
    by_parts = pq.read_table(pa.BufferReader(_parquet(manifest)))
    assert by_parts.equals(whole, check_metadata=True)
    assert by_parts.schema.metadata[b"command"] == b"ir-transfer convert rgb"
    assert by_parts["output"].to_pylist() == list(manifest.entries)
    peak, _ = peak_and_kept(lambda: _parquet(manifest))
    assert peak < 200  # with all rows at once: 590


def test_equal_values_of_appended_entries_are_shared(tmp_path: Path) -> None:
    manifest = Manifest.create(tmp_path, Header("", {}, {}))
    for number in range(3):
        made = Entry(f"{number}.jpg", f"{number}.png", "converted", variant={"number": 0}, reading={**READING})
        manifest.append(made)
    manifest.close()
    for held in (manifest, load(tmp_path)):
        first, second, _ = held.entries.values()
        assert first.reading is second.reading
        assert first.reading == READING
        assert first.variant is second.variant


def test_urls_are_redacted_in_every_value(tmp_path: Path) -> None:
    manifest = Manifest.create(tmp_path, Header("", {}, {}))
    secret = "https://me:hunter2@host/a.tif"
    manifest.append(Entry(secret, "a.png", "failed", error=f"got {secret}", reading={"notes": [secret]}))
    assert "hunter2" not in str(dict(manifest.entries))
    manifest.entries["b.png"] = Entry("b", "b.png", "failed", reading={"notes": [secret]})
    manifest.reopen()
    assert b"hunter2" not in manifest.path.read_bytes()
    manifest.close()


def test_file_is_not_created_if_writing_fails(tmp_path: Path) -> None:
    def parts() -> Iterator[bytes]:
        yield b"one"
        raise KeyError("two")

    with pytest.raises(KeyError):
        write_parts(tmp_path / "a.txt", parts())
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "a.txt").write_bytes(b"")
    with pytest.raises(EncodeError, match="expected to write it"):
        write_parts(tmp_path / "a.txt/b.txt", [b"one"])
