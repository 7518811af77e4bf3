from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from ir_transfer.errors import InputError, MissingFileError, UnknownNameError
from ir_transfer.yaml_fields import fill, read_mapping


@dataclass(frozen=True)
class Inner:
    side: Literal["left", "right"] | None = None


@dataclass(frozen=True)
class Outer:
    count: int
    share: float = 1.0
    names: list[str] = field(default_factory=list)
    inner: Inner = field(default_factory=Inner)


def test_values_of_all_supported_types() -> None:
    raw = {"count": 2, "share": "1e-1", "names": ["a"], "inner": {"side": "left"}}
    assert fill(Outer, raw, "x.yaml") == Outer(2, 0.1, ["a"], Inner("left"))
    assert fill(Outer, {"count": 2, "inner": {"side": None}}, "x.yaml").inner.side is None


@pytest.mark.parametrize(
    ("raw", "error", "message"),
    [
        ({"count": 1, "nmes": []}, UnknownNameError, "'nmes'.*'names'"),
        ({}, InputError, "'count' in x.yaml"),
        ({"count": True}, InputError, "count to be int"),
        ({"count": 1, "names": [7]}, InputError, r"names\[0\] to be str"),
        ({"count": 1, "inner": {"side": "up"}}, InputError, "'left', 'right'"),
        ([], InputError, "mapping"),
    ],
)
def test_errors_name_the_key(raw: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        fill(Outer, raw, "x.yaml")


def test_deeply_nested_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "deep.yaml").write_text("a: " + "[" * 5000 + "]" * 5000)
    with pytest.raises(InputError, match=r"deep\.yaml to be YAML"):
        read_mapping(tmp_path / "deep.yaml", "recipe", "")


def test_missing_and_invalid_files_are_errors(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"thing at .*see there"):
        read_mapping(tmp_path / "no.yaml", "thing", "see there")
    path = tmp_path / "x.yaml"
    for text, message in (("{a: [", "YAML"), ("- a", "mapping")):
        path.write_text(text)
        with pytest.raises(InputError, match=message):
            read_mapping(path, "thing", "see there")
