import unicodedata
from pathlib import Path

import pytest

from ir_transfer.data.name_patterns import NamePattern
from ir_transfer.errors import InputError


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_finds_by_fields_and_back_references(tmp_path: Path) -> None:
    touch(tmp_path, "train/trainimg/1.jpg", "train/testimg/2.jpg", "test/testimg/3.JPG", "dev/devimg/4.jpg")
    found = NamePattern("{part:train|test}/{part}img/{id}.*").find(tmp_path)
    assert [*found] == [("test", "3"), ("train", "1")]


def test_hidden_files_and_folders_are_skipped(tmp_path: Path) -> None:
    touch(tmp_path, "rgb/.a.png", "rgb/b.png/c.png", "rgb/d.txt", "rgb/e.tif")
    assert [*NamePattern("rgb/{id}.*").find(tmp_path)] == [("e",)]


def test_unicode_normalisation_forms_match(tmp_path: Path) -> None:
    one, other = (unicodedata.normalize(form, "é") for form in ("NFC", "NFD"))
    touch(tmp_path, f"rgb/{one}.png", f"ir/{other}.png", f"{other}/{one}_a.png")
    assert [*NamePattern("rgb/{id}.*").find(tmp_path)] == [*NamePattern("ir/{id}.*").find(tmp_path)] == [(one,)]
    assert NamePattern("ir/{id}.*").find(tmp_path)[one,].is_file()
    assert [*NamePattern("{id:.}/{id}_{kind}.*").find(tmp_path)] == [(one, "a")]
    assert NamePattern("ir/{id}.png").match(f"ir/{other}.png") == {"id": one}


def test_stars_match_anything_and_are_omitted_when_filling(tmp_path: Path) -> None:
    pattern = NamePattern(r"{id:\d+}*.*")
    touch(tmp_path, "0150_rgb.png", "0151.jpg", "x.png")
    assert [*pattern.find(tmp_path)] == [("0150",), ("0151",)]
    assert pattern.fill({"id": "7"}) == "7.png"


def test_fill_is_the_inverse_of_match() -> None:
    pattern = NamePattern("{set:set\\d+}/{video}/lwir/{frame}.jpg")
    values = {"set": "set00", "video": "V000", "frame": "I00000"}
    path = pattern.fill(values)
    assert path == "set00/V000/lwir/I00000.jpg"
    assert pattern.match(path) == values
    assert pattern.match("set00/V000/visible/I00000.jpg") is None
    assert pattern.match("I00000.jpg") is None
    assert (pattern.folder, NamePattern("a/b/{id}.png").folder) == ("", "a/b")


@pytest.mark.parametrize("text", ["", "/abs/{id}.png", "../{id}.png", "{id.png", "{id:(}.png"])
def test_bad_patterns_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        NamePattern(text)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(InputError, match="'id'"):
        NamePattern("rgb/{id}.png").fill({})
