"""Arrangement of images on contact sheets."""

from __future__ import annotations

import numpy as np

from ir_transfer.evaluation.contact_sheet import GAP, HEADING, contact_sheet


def test_images_are_arranged_in_rows_and_columns() -> None:
    def flat(level: float) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        return np.full((20, 40), level, dtype=np.float32)

    colour = np.zeros((40, 40, 3), dtype=np.float32)
    colour[..., 0] = 1
    sheet = np.asarray(contact_sheet([[flat(0.2), flat(0.8)], [colour, flat(0.4)]], ["a", "b"], cell_width=80))
    assert sheet.shape == (HEADING + 40 + GAP + 80 + GAP, 160 + GAP, 3)
    assert sheet[HEADING + 20, 40].tolist() == [51] * 3
    assert sheet[HEADING + 20, 80 + GAP + 40].tolist() == [204] * 3
    assert sheet[HEADING + 40 + GAP + 40, 40].tolist() == [255, 0, 0]
    # A wide image in a square cell keeps its aspect, centred.
    assert sheet[HEADING + 40 + GAP + 10, 80 + GAP + 40].tolist() == [255] * 3
    assert sheet[HEADING + 40 + GAP + 40, 80 + GAP + 40].tolist() == [102] * 3
