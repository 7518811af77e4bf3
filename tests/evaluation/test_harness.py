"""The harness finds what is known about rendered scenes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ir_transfer import create_model
from ir_transfer.data.pairs import list_pairs
from ir_transfer.errors import InputError
from ir_transfer.evaluation.boxes import read_boxes
from ir_transfer.evaluation.harness import BASELINES, METRICS, TRUTH, Method, Results, evaluate, with_baselines
from ir_transfer.evaluation.scenes import Scene, load_exemplar, load_scene
from ir_transfer.nn.perceptual import PerceptualEncoder
from tests.evaluation.street_scene import write_pairs


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pairs(tmp_path_factory.mktemp("pairs") / "set")


@pytest.fixture(scope="module")
def scenes(root: Path) -> list[Scene]:
    return [load_scene(pair) for pair in list_pairs(root)]


@pytest.fixture(scope="module")
def results(root: Path, scenes: list[Scene]) -> Results:
    return evaluate(
        with_baselines([Method("fda", create_model("fda"))], create_model),
        scenes,
        [load_exemplar(root / "exemplar.png"), scenes[0].truth],
        PerceptualEncoder.load(root / "vgg.safetensors"),
        boxes_of=lambda scene: read_boxes(root / "boxes.json", scene.stem),
        keep={"scene1"},
    )


def test_every_row_has_every_metric(results: Results) -> None:
    assert [*results.scores] == [*BASELINES, "fda", TRUTH]
    for label in (*BASELINES, "fda"):
        assert [*results.scores[label]] == [*METRICS]
    assert [*results.scores[TRUTH]] == ["gradient_input", "hot_region_share", "object_heat"]


def test_people_are_hot_in_the_truth_and_the_negative_only(results: Results) -> None:
    for metric in ("object_heat", "hot_region_share"):
        heat = {label: scores[metric].mean for label, scores in results.scores.items()}
        assert (heat[TRUTH], heat["inverted"], heat["gray"], heat["constant"]) == (1, 1, 0, 0)


def test_known_figures_of_the_baselines(results: Results) -> None:
    scores = results.scores
    assert scores["gray"]["gradient_input"].mean == pytest.approx(1, abs=1e-5)
    assert scores["gray"]["polarity"].mean == pytest.approx(1, abs=1e-5)
    assert scores["constant"]["polarity"].mean == 0
    assert scores["histogram"]["psnr"].mean > scores["gray"]["psnr"].mean
    for label in BASELINES:
        for metric, score in scores[label].items():
            assert score.low <= score.mean + 1e-9, (label, metric)
            assert score.mean <= score.high + 1e-9, (label, metric)


def test_a_scene_counts_once_however_many_exemplars(results: Results, scenes: list[Scene]) -> None:
    psnr = results.per_scene["histogram"]["psnr"]
    assert [*psnr] == [scene.stem for scene in scenes]
    assert results.scores["histogram"]["psnr"].mean == pytest.approx(sum(psnr.values()) / len(psnr))


def test_outputs_are_kept_where_asked_for(results: Results, scenes: list[Scene]) -> None:
    assert [*results.outputs] == [*BASELINES, "fda"]
    assert all([*kept] == ["scene1"] for kept in results.outputs.values())
    assert results.outputs["gray"]["scene1"].shape == scenes[1].truth.shape[2:]


def test_without_a_judge_its_metrics_are_left_out(scenes: list[Scene]) -> None:
    gray = [Method("gray", create_model("gray"))]
    found = evaluate(gray, scenes[:1], [scenes[0].truth], None).scores["gray"]
    assert [*found] == ["psnr", "ssim", "gradient_input", "gradient_truth", "hot_region_share", "polarity"]


@pytest.mark.parametrize("labels", [["gray", "gray"], ["truth"]])
def test_labels_must_differ(scenes: list[Scene], labels: list[str]) -> None:
    with pytest.raises(InputError, match="distinct labels"):
        evaluate([Method(label, create_model("gray")) for label in labels], scenes, [scenes[0].truth], None)


def test_needs_exemplars_and_scenes(scenes: list[Scene]) -> None:
    gray = [Method("gray", create_model("gray"))]
    with pytest.raises(InputError, match="at least one exemplar"):
        evaluate(gray, scenes, [], None)
    with pytest.raises(InputError, match="at least one scene"):
        evaluate(gray, [], [torch.rand(1, 1, 16, 16)], None)
