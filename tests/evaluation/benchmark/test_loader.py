"""Timing of a DataLoader with the transforms."""

from __future__ import annotations

import pytest

from ir_transfer.errors import UnknownNameError
from ir_transfer.evaluation.benchmark.loader import LoaderRun, measure_loaders


def test_every_transform_is_timed_for_every_number_of_workers() -> None:
    said: list[str] = []
    runs = measure_loaders(4, ["gray"], [0], said.append)
    assert [run.transform for run in runs] == ["v2.Grayscale(3)", "ToInfrared(gray)", "ToInfrared(gray, boson-640)"]
    assert all(run.seconds > 0 and run.images == 4 for run in runs)
    assert len(said) == 3


def test_fixed_style_models_use_their_first_style() -> None:
    assert measure_loaders(4, ["cin"], [0])[1].transform == "ToInfrared(cin)"


def test_images_per_second() -> None:
    assert LoaderRun("x", 0, 30, 1.5).rate == 20


def test_unknown_model_is_an_error() -> None:
    with pytest.raises(UnknownNameError, match="gray"):
        measure_loaders(4, ["grey"], [0])
