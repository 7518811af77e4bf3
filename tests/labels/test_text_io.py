import json
from pathlib import Path, PurePosixPath

import pytest
import yaml

from ir_transfer.errors import DecodeError, InputError
from ir_transfer.labels.json_text import members, replace_values, with_key
from ir_transfer.labels.paths import find_by_suffix, inside, renamed, split_from_names
from ir_transfer.labels.text_io import read_limited, rewrite_lines, split_lines, to_bytes, to_text
from ir_transfer.labels.yolo_yaml import load_mapping, with_values


def test_only_the_named_values_of_an_object_are_replaced() -> None:
    text = '{ "id" :1.0,\n"x": {"id": 2, "n": [1e5, 0.10]} , "i\\u0064": 7 , "name":"é"}'
    assert (
        replace_values(text, {"id": 9}) == '{ "id" :9,\n"x": {"id": 2, "n": [1e5, 0.10]} , "i\\u0064": 9 , "name":"é"}'
    )
    assert replace_values(text, {}) == text
    assert with_key(text, "new", ["é"]) == text[:-1] + ', "new": ["\\u00e9"]}'
    assert with_key(text, "name", 3) == text.replace('"é"', "3")
    assert json.loads(with_key("{ }", "a", 1)) == {"a": 1}
    assert [key for key, _ in members(text)] == ["id", "x", "id", "name"]


def test_lines_are_split_only_at_newlines() -> None:
    text = "a\r\n\nb\u2028c\x0bd\r"
    assert split_lines(text) == [("a", "\r\n"), ("", "\n"), ("b\u2028c\x0bd", "\r")]
    assert rewrite_lines(text, lambda line: [line, line + "2"]) == "a\r\na2\r\n\nb\u2028c\x0bd\r\nb\u2028c\x0bd2\r"
    assert rewrite_lines("a\nb\nc", lambda line: [] if line == "b" else [line, "x"]) == "a\nx\nc\nx"
    assert rewrite_lines("a", lambda _: ["1", "2"]) == "1\n2"
    assert rewrite_lines("", lambda line: [line]) == ""


@pytest.mark.parametrize(
    ("folder", "text", "expected"),
    [
        ("a/b", "../c.jpg", "a/c.jpg"),
        ("a", "./x//y.jpg", "a/x/y.jpg"),
        ("a", "../../c.jpg", None),
        ("a", "b/../../../c", None),
        ("a", "/c.jpg", None),
        ("a", "C:\\c.jpg", None),
        ("a", "", None),
        ("a", "b\0", None),
        (".", ".", "."),
        (".", "..", None),
        (".", "..a/b", "..a/b"),
    ],
)
def test_paths_cannot_escape_the_folder(folder: str, text: str, expected: str | None) -> None:
    assert inside(PurePosixPath(folder), text) == (None if expected is None else PurePosixPath(expected))


def test_absolute_paths_of_other_machines_are_resolved() -> None:
    known = {one: one for one in (PurePosixPath("images/a.jpg"), PurePosixPath("a.jpg"))}.get
    assert find_by_suffix("/home/x/set/images/a.jpg", known) == PurePosixPath("images/a.jpg")
    assert find_by_suffix("D:\\set\\a.jpg", known) == PurePosixPath("a.jpg")
    assert find_by_suffix("/set/../a.jpg", known) is None
    assert find_by_suffix("/b.jpg", known) is None


@pytest.mark.parametrize(
    ("label", "image", "result", "expected"),
    [
        ("labels/a.txt", "images/a.jpg", "images/a__v1.png", "labels/a__v1.txt"),
        ("masks/a_mask.png", "images/a.jpg", "images/a__v1.png", "masks/a__v1_mask.png"),
        ("images/a.jpg.json", "images/a.jpg", "images/a__v1.png", "images/a__v1.png.json"),
        ("xml/7.xml", "images/a.jpg", "images/a__v1.png", "xml/7__v1.xml"),
        ("xml/7.xml", "images/a.jpg", "images/new.png", "xml/7__new.xml"),
    ],
)
def test_label_names_follow_result_names(label: str, image: str, result: str, expected: str) -> None:
    rel_paths = (PurePosixPath(rel_path) for rel_path in (label, image, result))
    assert renamed(*rel_paths) == PurePosixPath(expected)


def test_split_aliases_have_one_name() -> None:
    names = ["images", "Train2017", "valid", "validation", "testing", "trainer"]
    assert [split_from_names([name]) for name in names] == [None, "train", "val", "val", "test", None]


def test_bytes_that_are_not_utf8_are_kept() -> None:
    data = bytes(range(256))
    assert to_bytes(to_text(data)) == data


def test_file_size_limit(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    assert read_limited(tmp_path / "a", 5) == b"12345"
    with pytest.raises(InputError, match=r"a: expected at most 4 bytes, got 5"):
        read_limited(tmp_path / "a", 4)
    with pytest.raises(DecodeError, match=r"b: expected a readable file"):
        read_limited(tmp_path / "b", 4)


def test_yaml_comments_are_kept() -> None:
    text = "# top\npath: /x # here\ntrain: a\nval:\n- b\n- c\n# names\nnames: ['é', no]"
    made = with_values(text, {"path": "", "train": "no", "val": ["x y", "1"], "new": {"a": "ü"}, "none": None})
    assert made == (
        '# top\npath: "" # here\ntrain: "no"\nval:\n- "x y"\n- "1"\n# names\n'
        'names: [\'é\', no]\nnew: {"a": "ü"}\nnone: null\n'
    )
    assert load_mapping(made) == {
        "path": "", "train": "no", "val": ["x y", "1"], "names": ["é", False], "new": {"a": "ü"}, "none": None,
    }  # fmt: skip
    assert with_values(text, {}) == text
    shared = with_values("train: &a x\nval: *a\n", {"train": "y"})
    assert yaml.safe_load(shared) == {"train": "y", "val": "x"}
    assert load_mapping(with_values(text, {"val": []}))["val"] == []
    assert with_values("a:\n  - b\n  - c # d\n", {"a": ["x", "y", "z"]}) == "a:\n  - x\n  - y\n  - z # d\n"
