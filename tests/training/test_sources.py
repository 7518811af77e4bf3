"""Sources of a recipe with cards, splits and subsets, on synthetic copies of data sets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ir_transfer.data.cards import load_card
from ir_transfer.data.pairs import list_pairs
from ir_transfer.data.splits import make_split, scenes_by_pattern, write_split
from ir_transfer.errors import InputError, MissingFileError
from ir_transfer.resources import resource
from ir_transfer.synthetic.layouts import write_layout
from ir_transfer.training.batches import BatchSource
from ir_transfer.training.recipe import DataSection, Source
from ir_transfer.training.sources import find_sources, find_validations
from ir_transfer.training.validation import Validation
from tests.training.pair_set import render_pairs

SIZE = (64, 48)


def stems(data: DataSection, root: Path) -> tuple[set[str], set[str]]:
    """Return the names of training and validation images."""
    drawn = BatchSource(data, root, 0)
    assert drawn.draw(0, 2).content.shape == (2, 3, 32, 32)
    trained = {single.stem for images in drawn.sets for single in images.rgb}
    return trained, {single.stem for single in find_validations(data, root)[0].rgb}


def section(sources: list[Source], validation: str = "set", **keys: str) -> DataSection:
    return replace(DataSection("lwir", sources, validation, crop=32), **keys)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["msrs", "generic-ab", "flir-aligned"])
def test_published_subsets_of_any_layout(name: str, tmp_path: Path) -> None:
    write_layout(tmp_path / "set", load_card(name), 6, SIZE)
    parts = sorted({str(pair.part) for pair in list_pairs(tmp_path / "set", load_card(name))})
    keys = {"validation_card": name, "validation_part": parts[0]}
    trained, held_out = stems(section([Source("set", card=name, part=parts[1])], **keys), tmp_path)
    assert trained
    assert held_out
    assert all(stem.startswith(parts[1]) for stem in trained)
    assert all(stem.startswith(parts[0]) for stem in held_out)
    with pytest.raises(InputError, match=rf"sources\[0\]\.part .* it has .*{parts[0]}"):
        find_sources(section([Source("set", card=name, part="tran")]), tmp_path)


def test_subsets_of_a_split_file(tmp_path: Path) -> None:
    card = load_card("kaist")
    write_layout(tmp_path / "set", card, 8, SIZE)
    pairs = list_pairs(tmp_path / "set", card)
    write_split(tmp_path / "split.json", make_split(scenes_by_pattern(pairs, card.splits.scene or ""), 0.3, 0))
    keys = {"validation_card": "kaist", "validation_split": "split.json", "validation_part": "val"}
    source = Source("set", card="kaist", split="split.json", part="train")
    trained, held_out = stems(section([source], **keys), tmp_path)
    assert trained | held_out == {pair.stem for pair in pairs}
    assert not trained & held_out
    with pytest.raises(InputError, match=r"sources\[0\]\.part .*split\.json, got None: it has train, val"):
        find_sources(section([replace(source, part=None)]), tmp_path)
    with pytest.raises(MissingFileError, match=r"none\.json"):
        find_sources(section([replace(source, split="none.json")]), tmp_path)


def test_16_bit_near_infrared_bands(tmp_path: Path) -> None:
    write_layout(tmp_path / "set", load_card("sentinel2"), 4, SIZE)
    data = section([Source("set", card="sentinel2")], validation_card="sentinel2", band="nir")
    with pytest.raises(InputError, match=r"not used for validation, got none"):
        BatchSource(data, tmp_path, 0)
    render_pairs(tmp_path / "other", 2)
    batch = BatchSource(replace(data, validation="other", validation_card=None, tone_spread=0.0), tmp_path, 0).draw(
        0, 2
    )
    assert batch.truth.std() > 0.01
    with pytest.raises(InputError, match=r"expected a card of band lwir as data\.sources\[0\]\.card.*data\.band=nir"):
        find_sources(replace(data, band="lwir"), tmp_path)


def write_card(path: Path, **changes: str) -> None:
    """Write the generic card under another file name, with changed values of some keys."""
    lines = (resource("datasets") / "generic-paired.yaml").read_text().splitlines()
    changed = {"name": path.stem, **changes}
    path.write_text("\n".join(f"{k}: {changed[k]}" if (k := s.split(":")[0]) in changed else s for s in lines))


def test_black_hot_cards_are_inverted(tmp_path: Path) -> None:
    render_pairs(tmp_path / "white", 3)
    render_pairs(tmp_path / "black", 3)
    for path in (tmp_path / "black" / "ir").iterdir():
        Image.fromarray(255 - np.asarray(Image.open(path))).save(path)
    write_card(tmp_path / "mine.yaml", polarity="black-hot")
    render_pairs(tmp_path / "val", 2, seed=9)
    white = section([Source("white")], "val", validation_exemplar="white/ir/scene_1.png")
    black = section([Source("black", card="mine.yaml")], "val", validation_exemplar="black/ir/scene_1.png")
    ours, theirs = (BatchSource(data, tmp_path, 0).draw(0, 3) for data in (white, black))
    for name, value in ours.tensors().items():
        assert torch.equal(value, theirs.tensors()[name]), name
    exemplars = [Validation(data, tmp_path, None).sets[0].exemplars[0].image for data in (white, black)]
    assert torch.equal(*exemplars)
    flipped = section([Source("white")], "black", validation_card="mine.yaml")
    truth = Validation(flipped, tmp_path, None).sets[0].images[0][1]
    assert truth is not None
    np.testing.assert_array_equal(truth, np.asarray(Image.open(tmp_path / "white" / "ir" / "scene_0.png")))


def test_cards_of_unknown_polarity_are_rejected(tmp_path: Path) -> None:
    write_card(tmp_path / "mine.yaml", polarity="varies")
    with pytest.raises(InputError, match=r"sources\[0\]\.card, got mine\.yaml, .*'varies'.*'polarity: white-hot'"):
        find_sources(section([Source("set", card="mine.yaml")]), tmp_path)


def test_unpaired_cards_are_unpaired_sources(tmp_path: Path) -> None:
    write_layout(tmp_path / "flir", load_card("flir-adas-v2"), 4, SIZE)
    write_layout(tmp_path / "hit", load_card("hit-uav"), 4, SIZE)
    render_pairs(tmp_path / "val", 2)
    both = Source("flir", pairing="unpaired", card="flir-adas-v2", part="train")
    infrared = Source("val/rgb", pairing="unpaired", infrared="hit", infrared_card="hit-uav")
    data = section([both], "val")
    batches = BatchSource(data, tmp_path, 0)
    assert not batches.draw(0, 2).registered.any()
    assert all(single.path.match("images_rgb_train/data/*.jpg") for single in batches.sets[0].rgb)
    assert all(single.path.match("images_thermal_train/data/*.jpg") for single in batches.sets[0].infrared)
    found = find_sources(section([infrared], "val"), tmp_path)[0]
    assert [len(found.rgb), len(found.infrared)] == [2, 4]
    with pytest.raises(InputError, match=r"got flir-adas-v2.*'pairing: unpaired'"):
        find_sources(section([replace(both, pairing="paired")], "val"), tmp_path)
    with pytest.raises(InputError, match=r"RGB images in data\.sources\[0\].*'infrared_card: hit-uav'"):
        find_sources(section([Source("hit", pairing="unpaired", card="hit-uav")], "val"), tmp_path)


def test_paired_cards_can_be_used_unpaired(tmp_path: Path) -> None:
    write_layout(tmp_path / "set", load_card("generic-ab"), 4, SIZE)
    source = Source("set", pairing="unpaired", card="generic-ab", part="train")
    data = section([source], validation_pairing="unpaired", validation_card="generic-ab", validation_part="test")
    trained, held_out = stems(data, tmp_path)
    assert trained
    assert held_out
    assert Validation(data, tmp_path, None).sets[0].exemplars[0].image.shape[-2:] == SIZE[::-1]
