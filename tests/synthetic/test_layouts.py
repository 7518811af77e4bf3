"""Every card is tested on a synthetic copy of the data set's layout."""

from pathlib import Path

import numpy as np
import pytest

from ir_transfer.data.cards import list_cards, load_card
from ir_transfer.data.checks.check import check_dataset
from ir_transfer.data.pair_files import load_pair, read_pair, to_unit
from ir_transfer.data.pairs import list_pairs, list_side
from ir_transfer.imaging.image_io import read_image
from ir_transfer.synthetic.layouts import write_layout

SIZE = (128, 96)
# Problems that the real layout has by nature: parts whose names do not keep scenes apart.
BY_NATURE = {"scene-in-two-parts", "alike-across-parts"}


@pytest.mark.parametrize("name", list_cards())
def test_every_layout_can_be_listed_loaded_and_checked(name: str, tmp_path: Path) -> None:
    card, root = load_card(name), tmp_path / name
    write_layout(root, card, 4, SIZE)
    if card.is_paired:
        pairs = list_pairs(root, card)
        assert len(pairs) == 4
        rgb, ir, _ = read_pair(pairs[0])
        assert (rgb.shape, ir.shape) == ((3, *SIZE[::-1]), (1, *SIZE[::-1]))
        assert 0.02 < float(ir.mean()) < 0.98
        assert np.ptp(ir) > 0.3
        rgb_camera, infrared, _ = load_pair(pairs[0], max_width=64)
        assert (rgb_camera.shape, infrared.shape) == ((48, 64, 3), (48, 64))
        np.testing.assert_allclose(to_unit(infrared).mean(), ir.mean(), atol=0.02)
        if card.splits.scene is not None:
            assert all(pair.scene for pair in pairs)
    else:
        assert [len(list_side(root, card, "ir")), len(list_side(root, card, "rgb"))] == [4, 4 if card.layout.rgb else 0]
        assert read_image(list_side(root, card, "ir")[0].path).width == SIZE[0]
    report = check_dataset(root, card)
    assert report.count == (8 if not card.is_paired and card.layout.rgb else 4)
    assert {f.kind for f in report.findings if f.level == "problem"} <= BY_NATURE


def test_names_continue_beyond_the_examples(tmp_path: Path) -> None:
    card = load_card("roadscene")
    write_layout(tmp_path / "set", card, 11, (64, 64))
    assert len(list_pairs(tmp_path / "set", card)) == 11
