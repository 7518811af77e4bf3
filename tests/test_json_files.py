from __future__ import annotations

import json
from pathlib import Path

import pytest

from ir_transfer.errors import InputError, MissingFileError
from ir_transfer.json_files import json_text, read_json


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 200_000 + b"]" * 200_000,
        b'{"a": ' * 200_000 + b"1" + b"}" * 200_000,
        b'{"a": NaN}',
        b"[-Infinity]",
        b'{"a": 1,}',
        b"",
        b"\xff\xfe",
        b"9" * 10_000,
    ],
    ids=["lists", "objects", "nan", "infinity", "comma", "empty", "utf16", "digits"],
)
def test_invalid_json_is_an_error_that_names_the_file(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(data)
    with pytest.raises(InputError, match=r"a\.json: expected"):
        read_json(tmp_path / "a.json")


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"a\.json"):
        read_json(tmp_path / "a.json")


def test_written_json_is_standard_and_round_trips(tmp_path: Path) -> None:
    value = {"a": [float("nan"), float("inf"), 0.1], "b": {"c": (1, -float("inf"))}, "d": "ü"}
    text = json_text(value, indent=1)
    assert json.loads(text, parse_constant=pytest.fail) == {"a": [None, None, 0.1], "b": {"c": [1, None]}, "d": "ü"}
    (tmp_path / "a.json").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert read_json(tmp_path / "a.json")["a"][2] == 0.1
