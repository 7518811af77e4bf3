"""Pairs by card, split and subset, and their comparison."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ir_transfer.data.cards import load_card
from ir_transfer.data.pairs import list_pairs
from ir_transfer.data.splits import make_split, scenes_by_runs, write_split
from ir_transfer.errors import InputError, MissingFileError
from ir_transfer.evaluation.comparison import compare
from ir_transfer.evaluation.data_set import find_pairs
from ir_transfer.evaluation.protocol import NONE, Protocol, load_protocol
from ir_transfer.evaluation.scenes import load_scene
from ir_transfer.resources import resource
from ir_transfer.synthetic.layouts import write_layout
from tests.evaluation.street_scene import write_pairs

SIZE = (64, 48)
LWIR = Protocol("short", 1, band="lwir", split="val", leave_out=["shift", "hot_region_share"])


def write_card(path: Path, polarity: str) -> str:
    """Write the generic card under another file name and return it."""
    text = (resource("datasets") / "generic-paired.yaml").read_text()
    renamed = text.replace("name: generic-paired", f"name: {path.stem}")
    path.write_text(renamed.replace("polarity: white-hot", f"polarity: {polarity}"))
    return str(path)


def test_subsets_of_a_card_and_of_a_split(tmp_path: Path) -> None:
    card = load_card("generic-ab")
    write_layout(tmp_path / "ab", card, 6, SIZE)
    pairs = list_pairs(tmp_path / "ab", card)
    published = {str(pair.part) for pair in pairs}
    everything = find_pairs(tmp_path / "ab", NONE, "generic-ab")
    assert everything.pairs == pairs
    test = find_pairs(tmp_path / "ab", NONE, "generic-ab", part="test")
    assert {pair.part for pair in test.pairs} == {"test"}
    assert test.title.endswith("/ab (card generic-ab, part test)")
    named = find_pairs(tmp_path / "ab", Protocol("p", 1, split="test"), "generic-ab")
    assert (named.pairs, named.part) == (test.pairs, "test")
    split = make_split(scenes_by_runs(pairs, 2), 0.4, 0)
    write_split(tmp_path / "split.json", split)
    held_out = find_pairs(tmp_path / "ab", NONE, "generic-ab", tmp_path / "split.json")
    assert len(held_out.pairs) == split.count("val")
    with pytest.raises(InputError, match=f"--part to be a subset of .*it has {', '.join(sorted(published))}"):
        find_pairs(tmp_path / "ab", NONE, "generic-ab", part="vall")
    with pytest.raises(MissingFileError, match=r"none\.json"):
        find_pairs(tmp_path / "ab", NONE, "generic-ab", tmp_path / "none.json")


def test_side_by_side_and_multi_band_sets_use_neighbours_of_another_subset(tmp_path: Path) -> None:
    write_layout(tmp_path / "ab", load_card("generic-ab"), 4, SIZE)
    nearest = [f"nearest:{tmp_path / 'ab'}"]
    compared = compare(
        tmp_path / "ab", nearest, ["gray"], {}, card="generic-ab", part="test", protocol=LWIR, device="cpu"
    )
    assert all("/test/" not in name for names in compared.results.exemplars.values() for name in names)
    assert compared.results.scores["gray"]["psnr"].mean > 5
    assert compared.settings["card"] == "generic-ab"
    write_layout(tmp_path / "s2", load_card("sentinel2"), 1, SIZE)
    nir = load_protocol("paired-nir")
    (pair,) = find_pairs(tmp_path / "s2", nir, "sentinel2").pairs
    assert len(torch.unique(load_scene(pair).ground_truth)) > 300  # more than 8 bits
    with pytest.raises(InputError, match="card of band lwir for the protocol short, got sentinel2"):
        find_pairs(tmp_path / "s2", LWIR, "sentinel2")


def test_polarity_is_applied_once(tmp_path: Path) -> None:
    root = write_pairs(tmp_path / "set", 1)
    white = load_scene(list_pairs(root)[0]).ground_truth
    path = root / "ir" / "scene0.png"
    Image.fromarray(255 - np.asarray(Image.open(path))).save(path)
    black, vague = (write_card(tmp_path / f"{name}.yaml", name) for name in ("black-hot", "varies"))
    inverting = Protocol("black", 1, polarity="black-hot")
    for card, protocol in ((black, NONE), (black, inverting), (None, inverting), (vague, inverting)):
        found = find_pairs(root, protocol, card)
        assert found.black_hot
        torch.testing.assert_close(load_scene(found.pairs[0], black_hot=found.black_hot).ground_truth, white)
    with pytest.raises(InputError, match="card generic-paired, which is white-hot, to be that of the protocol black"):
        find_pairs(root, inverting, "generic-paired")
