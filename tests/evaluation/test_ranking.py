"""Rankings."""

from __future__ import annotations

import numpy as np
import pytest

from ir_transfer.errors import InputError
from ir_transfer.evaluation.bootstrap import Estimate, SceneBootstrap
from ir_transfer.evaluation.comparison import Comparison
from ir_transfer.evaluation.methods import BASELINES
from ir_transfer.evaluation.ranking import (
    WorseThanBaseline,
    aspects,
    composite_lead,
    composites,
    pairwise_comparisons,
    worse_than_baselines,
)
from ir_transfer.evaluation.results import GROUND_TRUTH, Results
from tests.evaluation.compared_street import BLURRED


def test_blurred_ground_truth_ranks_above_constant_and_gray(street: Comparison) -> None:
    ranked = composites(street.results)
    assert next(iter(ranked)) == BLURRED
    assert set(ranked) == {*BASELINES, BLURRED}
    assert ranked["constant"].value == 0
    assert ranked["gray"].value < 0.5 < ranked[BLURRED].value
    assert ranked[BLURRED].score.low > ranked["gray"].score.high


def test_ranking_without_a_feature_extractor_and_boxes(street: Comparison) -> None:
    kept = {"ssim", "ms_ssim", "gradient_truth_3px", "histogram_emd", "spectrum"}
    short = Results(
        {label: {k: e for k, e in row.items() if k in kept} for label, row in street.results.estimates.items()}
    )
    ranked = composites(short)
    assert next(iter(ranked)) == BLURRED
    assert ranked["constant"].value == 0
    assert set(aspects(short, BLURRED)) == {"fidelity", "structure", "look"}


def test_composite_is_the_geometric_mean_of_its_aspects(street: Comparison) -> None:
    shares = [share.value for share in aspects(street.results, "histogram").values()]
    assert len(shares) == 4
    assert composites(street.results)["histogram"].value == pytest.approx(np.prod(shares) ** 0.25)


def test_composite_requires_structure_metrics() -> None:
    assert composites(Results({"a": {"ssim": estimate([0.5, 0.6])}})) == {}


def test_composite_lead_is_the_difference_with_its_interval(street: Comparison) -> None:
    lead, back = (composite_lead(street.results, *pair) for pair in ((BLURRED, "gray"), ("gray", BLURRED)))
    ranked = composites(street.results)
    assert lead.mean == pytest.approx(ranked[BLURRED].value - ranked["gray"].value)
    assert 0 < lead.low < lead.mean < lead.high
    assert (back.low, back.high) == (-lead.high, -lead.low)
    assert composite_lead(street.results, "gray", "gray").high == 0
    with pytest.raises(InputError, match="gradient_truth_3px"):
        composite_lead(Results({"a": {"ssim": estimate([0.5, 0.6])}}), "a", "a")


def estimate(values: list[float]) -> Estimate:
    found = SceneBootstrap(len(values)).mean(values)
    assert found is not None
    return found


def results() -> Results:
    """``mine`` is significantly worse in PSNR, insignificantly in SSIM, and closer in noise and heat."""
    rows = {
        "constant": {"psnr": [15.0, 15, 15, 15], "ssim": [0.5, 0.7, 0.3, 0.5], "line_noise": [0.0] * 4},
        "gray": {"psnr": [11.0, 11, 11, 11], "ssim": [0.1, 0.1, 0.1, 0.1], "line_noise": [0.09] * 4},
        "mine": {"psnr": [12.0, 13, 14, 14.5], "ssim": [0.6, 0.6, 0.4, 0.3], "line_noise": [0.02] * 4},
        GROUND_TRUTH: {"line_noise": [0.03] * 4},
    }
    return Results(
        {label: {k: estimate(v) for k, v in row.items()} for label, row in rows.items()},
        {label: {k: {f"s{i}": x for i, x in enumerate(v)} for k, v in row.items()} for label, row in rows.items()},
    )


def test_worse_than_baselines_names_the_best_baseline_and_significance() -> None:
    assert worse_than_baselines(results()) == {
        "mine": {"psnr": WorseThanBaseline("constant", True), "ssim": WorseThanBaseline("constant", False)}
    }


def test_pairwise_comparisons_share_the_scenes() -> None:
    found = pairwise_comparisons(results())
    pair = found["psnr"]["constant", "mine"]
    assert pair.difference.mean == pytest.approx(1.625)
    assert (pair.better, pair.worse, pair.clear) == (4, 0, True)
    pair = found["ssim"]["constant", "mine"]
    assert (pair.better, pair.worse, pair.clear) == (2, 2, False)
    noise = found["line_noise"]["gray", "mine"]
    assert noise.difference.mean == pytest.approx(-0.05)
    assert noise.worse == 4
    assert "gradient_input" not in found
