"""The picture of frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from ir_transfer.evaluation.contact_sheet import GAP, HEADING
from ir_transfer.evaluation.detection.experiment import Outcome
from ir_transfer.evaluation.detection.sheet import detection_sheet


def test_true_frames_first_and_unsure_ones_not_at_all(outcome: Outcome) -> None:
    box = torch.tensor([[20.0, 20, 40, 40]])
    sure = {"boxes": box, "labels": torch.tensor([0]), "scores": torch.tensor([0.9])}
    unsure = {**sure, "scores": torch.tensor([0.1])}
    rows = [replace(outcome.rows[0], found=[sure] * 2), replace(outcome.rows[1], found=[unsure] * 2)]
    sheet = np.asarray(detection_sheet(replace(outcome, rows=rows), cell_width=80)).astype(int)
    assert sheet.shape == (HEADING + 2 * (64 + GAP), 3 * (80 + GAP) - GAP, 3)
    coloured = np.ptp(sheet, axis=2) > 60
    true, first, second = (coloured[:, left : left + 80].sum() for left in (0, 84, 168))
    assert first == 2 * 80  # two scenes, a frame of 21 x 21 pixels each
    assert second == 0
    assert true > 0
