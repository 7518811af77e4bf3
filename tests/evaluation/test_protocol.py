"""Reading and validation of protocols."""

from __future__ import annotations

from pathlib import Path

import pytest

from ir_transfer.errors import InputError, MissingFileError, UnknownNameError
from ir_transfer.evaluation.columns import COLUMNS, GROUPS
from ir_transfer.evaluation.protocol import NONE, list_protocols, load_protocol

TEXT = "name: mine\nversion: 3\n"


def written(folder: Path, text: str) -> str:
    path = folder / "mine.yaml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("name", list_protocols())
def test_bundled_protocols_are_complete(name: str) -> None:
    protocol = load_protocol(name)
    assert protocol.name == name
    assert protocol.exemplar != "any"
    assert protocol.band != "any"
    assert protocol.title == f"protocol {name} version {protocol.version}"


def test_nir_protocol_has_no_heat_columns() -> None:
    left_out = COLUMNS.keys() - set(load_protocol("paired-nir").columns)
    assert left_out == {
        *("hot_region_share", "object_heat", "people_heat", "vehicle_heat", "people_hot", "vehicles_hot"),
        "luma_highpass",
    }
    assert load_protocol("paired-lwir").columns == list(COLUMNS)


def test_protocol_file_with_defaults(tmp_path: Path) -> None:
    protocol = load_protocol(written(tmp_path, TEXT))
    assert (protocol.version, protocol.max_side, protocol.exemplar) == (3, None, "any")
    assert NONE.title == "no protocol"


def test_split_folder_is_used_if_present(tmp_path: Path) -> None:
    protocol = load_protocol(written(tmp_path, TEXT + "split: val"))
    assert protocol.root(tmp_path) == tmp_path
    (tmp_path / "val").mkdir()
    assert protocol.root(tmp_path) == tmp_path / "val"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max_sid: 320", "unknown key in .*mine.yaml 'max_sid': did you mean 'max_side'"),
        ("leave_out: [psn]", "unknown column in .*leave_out 'psn': did you mean 'psnr'"),
        ("max_side: big", "max_side"),
        ("max_side: 10", "max_side to be at least 64, got 10"),
        ("border: -1", "border to be at least 0"),
        ("exemplar: random", "exemplar"),
        ("[", "to be YAML"),
    ],
)
def test_errors_name_the_key(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises((InputError, UnknownNameError), match=message):
        load_protocol(written(tmp_path, TEXT + text))


def test_unknown_names_and_missing_files_are_errors(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'paired-lwir'"):
        load_protocol("paired-lwr")
    with pytest.raises(MissingFileError, match="expected a protocol at"):
        load_protocol(str(tmp_path / "none.yaml"))


def test_every_column_belongs_to_a_table_group() -> None:
    assert {column.group for column in COLUMNS.values()} == set(GROUPS)
