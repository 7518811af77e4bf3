"""Composites record their settings and are not compared across different settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ir_transfer.errors import InputError
from ir_transfer.evaluation.bootstrap import Estimate
from ir_transfer.evaluation.composite import MEASURED, CompositeSettings, refuse_changed
from ir_transfer.evaluation.protocol import list_protocols, load_protocol
from ir_transfer.evaluation.ranking import aspects, composites
from ir_transfer.evaluation.results import GROUND_TRUTH, Results

ROW = {"ssim": 0.5, "gradient_truth_3px": 0.5, "histogram_emd": 0.1, "spectrum": 5.0, "patch_frechet": 1.0}
HEAT = {"object_heat": 0.5, "hot_region_share": 0.9}


def results(settings: CompositeSettings) -> Results:
    rows = {"a": {**ROW, **HEAT}, GROUND_TRUTH: dict.fromkeys(HEAT, 1.0)}
    estimates = {
        label: {key: Estimate(value, np.full(3, value)) for key, value in row.items()} for label, row in rows.items()
    }
    return Results(estimates, composite=settings)


@pytest.mark.parametrize("name", list_protocols())
def test_every_protocol_defines_network_heat_and_constants(name: str) -> None:
    made = load_protocol(name).composite
    assert made.feature_network == "vgg19-16x"
    assert made.heat == ("none" if "object_heat" in load_protocol(name).leave_out else "object_heat")


def test_composite_uses_constants_network_and_heat() -> None:
    found = {key: share.value for key, share in aspects(results(MEASURED), "a").items()}
    look = (np.exp(-1) + np.exp(-0.5) + 0.5) / 3
    assert found == pytest.approx({"fidelity": 0.5, "structure": 0.5, "look": look, "heat": 0.5})
    own = CompositeSettings("none", "hot_region_share", emd_scale=0.2, spectrum_scale=5, floor=0.6)
    found = {key: share.value for key, share in aspects(results(own), "a").items()}
    look = (np.exp(-0.5) + np.exp(-1)) / 2
    assert look < 0.6
    assert found == pytest.approx({"fidelity": 0.6, "structure": 0.5, "look": 0.6, "heat": 0.9})
    without = composites(results(replace(own, heat="none", floor=0.0)))["a"].value
    assert without == pytest.approx((0.5 * 0.5 * look) ** (1 / 3))


def test_results_with_changed_settings_are_named_and_rejected() -> None:
    asked = CompositeSettings("vgg19-16x", "object_heat")
    measured = {*ROW, *HEAT}
    applied = asked.resolved("vgg19-16x", measured)
    assert applied == asked
    assert asked.changes(applied) == []
    refuse_changed(["max_side 100 instead of 320"])
    other = asked.resolved("vgg19-torchvision", measured - {"object_heat"})
    changes = asked.changes(other)
    assert changes == [
        "composite feature_network vgg19-torchvision instead of vgg19-16x",
        "composite heat hot_region_share instead of object_heat",
    ]
    assert other.text != applied.text
    with pytest.raises(InputError, match=r"vgg19-torchvision instead of vgg19-16x.*--vgg"):
        refuse_changed(changes)
    assert asked.resolved(None, measured).feature_network == "none"
    assert MEASURED.changes(MEASURED.resolved("x", measured)) == []


def test_constants_out_of_range_are_rejected(tmp_path: Path) -> None:
    for line, message in (("emd_scale: 0", "emd_scale above 0"), ("floor: 1", "floor in")):
        path = tmp_path / "own.yaml"
        path.write_text(f"name: own\nversion: 1\ncomposite: {{{line}}}\n")
        with pytest.raises(InputError, match=message):
            load_protocol(str(path))
