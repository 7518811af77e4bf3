from __future__ import annotations

import errno
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from ir_transfer.errors import EncodeError
from ir_transfer.imaging.raster.store import WindowStore, remove, work_folder

LEVELS = np.arange(24, dtype=np.uint8).reshape(4, 6)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Limit the size of files, to simulate a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def store(folder: Path, name: str = "a", *, masked: bool = True) -> WindowStore:
    return WindowStore(folder / "work", {"name": name}, 10, 12, 8, masked=masked)


def test_stored_windows_survive_the_process_but_a_truncated_record_does_not(tmp_path: Path) -> None:
    first = store(tmp_path)
    first.write(0, 0, LEVELS, None)
    first.write(4, 6, LEVELS, LEVELS > 3)
    first.close()
    with (tmp_path / "work" / "windows").open("ab") as journal:
        journal.write(b"torn")
    again = store(tmp_path)
    assert again.done == {(0, 0, 4, 6), (4, 6, 4, 6)}
    np.testing.assert_array_equal(again.levels(4, 8)[:, 6:], LEVELS)
    valid = again.valid(4, 8)
    assert valid is not None
    np.testing.assert_array_equal(valid[:, 6:], LEVELS > 3)
    again.write(0, 6, LEVELS, None)
    again.close()
    third = store(tmp_path)
    assert (0, 6, 4, 6) in third.done
    third.close()


def test_record_with_a_wrong_checksum_is_ignored(tmp_path: Path) -> None:
    first = store(tmp_path)
    first.write(0, 0, LEVELS, None)
    first.close()
    path = tmp_path / "work" / "windows"
    path.write_bytes(b"\x01" + path.read_bytes()[1:])
    again = store(tmp_path)
    assert again.done == set()
    again.close()


def test_windows_stored_under_another_key_are_removed(tmp_path: Path) -> None:
    first = store(tmp_path)
    first.write(0, 0, LEVELS, None)
    first.close()
    other = store(tmp_path, "b", masked=False)
    assert other.done == set()
    assert not other.levels(0, 10).any()
    assert other.valid(0, 10) is None
    other.close()
    remove(tmp_path / "work")
    assert not (tmp_path / "work").exists()


def test_insufficient_disk_space_is_reported_before_translation(tmp_path: Path) -> None:
    with largest_file(2**16), pytest.raises(EncodeError, match="levels: expected to write it") as caught:
        WindowStore(tmp_path / "work", {}, 1000, 1000, 16, masked=False)
    assert caught.value.errno == errno.EFBIG


def test_work_folder_of_a_maximum_length_name(tmp_path: Path) -> None:
    folder = work_folder(tmp_path / ("a" * 251 + ".tif"))
    folder.mkdir()
    assert folder.name.startswith(".")
    assert folder != work_folder(tmp_path / "b.tif")
