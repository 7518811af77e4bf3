"""Regression test: outputs of the bundled weights equal the stored ones."""

import json
from pathlib import Path

import pytest

from tests.models.golden import BUNDLED, cells_of

GOLDEN = json.loads((Path(__file__).parent / "golden.json").read_text())


def test_every_bundled_weights_file_has_a_golden_output() -> None:
    assert set(GOLDEN) == {weights for _, weights in BUNDLED}


@pytest.mark.parametrize(("name", "weights"), BUNDLED)
def test_output_of_bundled_weights_equals_the_golden_output(name: str, weights: str) -> None:
    assert cells_of(name, weights) == pytest.approx(GOLDEN[weights], abs=1e-4)
