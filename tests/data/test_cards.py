from pathlib import Path

import pytest

from ir_transfer.data.cards import list_cards, load_card
from ir_transfer.errors import InputError, MissingFileError, UnknownNameError
from ir_transfer.resources import resource

WANTED = [
    "roadscene",
    "msrs",
    "llvip",
    "kaist",
    "flir-adas-v2",
    "flir-aligned",
    "m3fd",
    "fmb",
    "aviid",
    "dronevehicle",
    "vedai",
    "epfl-nir",
    "ranus",
    "idd-aw",
    "naip",
    "sentinel2",
    "hit-uav",
    "generic-paired",
    "generic-trainab",
    "generic-ab",
    "generic-list",
]


def test_every_card_is_bundled() -> None:
    assert sorted(WANTED) == list_cards()


@pytest.mark.parametrize("name", WANTED)
def test_cards_are_valid_and_complete(name: str) -> None:
    card = load_card(name)
    assert card.licence
    assert card.summary.endswith((".", ")."))
    assert card.layout.example
    assert "\n" not in card.summary


@pytest.mark.parametrize(
    ("name", "stem", "scene"),
    [
        ("llvip", "train_010001", "01"),
        ("kaist", "set00_V001_I00020", "set00_V001"),
        ("naip", "m_4709963_se_14_1_20090818", "m_4709963_se"),
        ("sentinel2", "T31TCJ_20240607", "T31TCJ"),
        ("ranus", "01_0002", "01"),
        ("idd-aw", "train_FOG_12_000150", "FOG_12"),
        ("msrs", "train_00004N", None),
    ],
)
def test_scenes_are_derived_from_names(name: str, stem: str, scene: str | None) -> None:
    assert load_card(name).scene_of(stem) == scene


def test_unknown_card_and_missing_file_are_errors(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="'kaist'"):
        load_card("kaits")
    with pytest.raises(MissingFileError, match=r"no\.yaml"):
        load_card(tmp_path / "no.yaml")


@pytest.mark.parametrize(
    ("old", "new", "error", "message"),
    [
        ("polarity:", "polarty:", UnknownNameError, "'polarity'"),
        ("kind: two-files", "kind: two-fils", InputError, "two-files"),
        ("kind: two-files", "kind: bands", InputError, "'files'"),
        ("layout:\n", "layout:\n  ir_band: 4\n", InputError, "no key 'ir_band'"),
        ('ir: "ir/{id}.*"', 'ir: "ir/{name}.*"', InputError, "same fields"),
        ("scene: null", "scene: '('", InputError, "regular expression"),
        ("name: generic-paired", "name: other", InputError, "that of the file"),
        ("pixels: 2", "pixels: two", InputError, "alignment: pixels to be"),
    ],
)
def test_errors_name_file_and_key(tmp_path: Path, old: str, new: str, error: type[Exception], message: str) -> None:
    text = (resource("datasets") / "generic-paired.yaml").read_text()
    assert old in text
    path = tmp_path / "generic-paired.yaml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(error, match=message) as caught:
        load_card(path)
    assert "generic-paired.yaml" in str(caught.value)
