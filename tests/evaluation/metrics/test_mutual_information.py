"""Normalised mutual information against scikit-image."""

from __future__ import annotations

import pytest
import torch
from skimage import data
from skimage.metrics import normalized_mutual_information

from ir_transfer.evaluation.metrics.mutual_information import BINS, normalised_mutual_information


def test_agrees_with_scikit_image() -> None:
    both = torch.from_numpy(data.camera()[:100, 100:300].copy()).double() / 255
    a, b = both[:, :100].contiguous(), both[:, 100:].contiguous()
    for picture in (a, b):  # its bins span what occurs, ours the whole range
        picture[0, 0], picture[0, 1] = 0, 1
    expected = normalized_mutual_information(a.numpy(), b.numpy(), bins=BINS)
    assert normalised_mutual_information(a[None, None], b[None, None]).item() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("other", [0.5, 1.0])
def test_a_flat_picture_tells_nothing(other: float) -> None:
    picture = torch.rand(1, 1, 30, 30)
    flat = torch.full_like(picture, other)
    assert normalised_mutual_information(flat, picture).item() == pytest.approx(1)
    assert normalised_mutual_information(flat, flat).item() == 1


def test_blind_to_polarity() -> None:
    levels = torch.randint(0, BINS, (1, 1, 40, 40)).double()
    picture = (levels + 0.5) / BINS
    assert normalised_mutual_information(1 - picture, picture).item() == pytest.approx(2)
