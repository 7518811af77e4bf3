from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from ir_transfer.evaluation.masked_metrics import ValidPixels, largest_rectangle, whole_windows


@pytest.mark.parametrize("seed", range(6))
def test_largest_rectangle_equals_exhaustive_search(seed: int) -> None:
    valid = np.random.default_rng(seed).random((9, 12)) < 0.75
    top, left, bottom, right = largest_rectangle(valid)
    assert valid[top:bottom, left:right].all()
    rows, columns = itertools.combinations(range(10), 2), list(itertools.combinations(range(13), 2))
    areas = [(b - a) * (d - c) for a, b in rows for c, d in columns if valid[a:b, c:d].all()]
    assert (bottom - top) * (right - left) == max(areas)


def test_large_images_are_searched_in_cells() -> None:
    valid = np.ones((40, 1500), np.bool_)
    valid[:, :301] = False
    assert largest_rectangle(valid) == (0, 303, 39, 1500)
    assert largest_rectangle(np.zeros((5, 7), np.bool_)) == (0, 0, 0, 0)


def test_views_of_valid_pixels() -> None:
    mask = torch.tensor([[1, 1, 0], [1, 1, 0]], dtype=torch.bool)[None, None]
    valid, image = ValidPixels(mask), torch.arange(6.0).reshape(1, 1, 2, 3)
    assert valid.share == pytest.approx(4 / 6)
    assert valid.counted(image).tolist() == [[[[0, 1, 3, 4]]]]
    assert valid.extended(image).tolist() == [[[[0, 1, 1], [3, 4, 4]]]]
    assert torch.equal(valid.hidden(image).isnan(), ~mask)
    rectangle = valid.rectangle(image, 2)
    assert rectangle is not None
    assert rectangle.tolist() == [[[[0, 1], [3, 4]]]]
    assert valid.rectangle(image, 3) is None
    assert whole_windows(mask, 2).tolist() == [[[[True, False]]]]
