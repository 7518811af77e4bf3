"""The evaluator on rendered scenes with known properties."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ir_transfer import create_model
from ir_transfer.data.pairs import list_pairs
from ir_transfer.errors import InputError
from ir_transfer.evaluation.boxes import read_boxes
from ir_transfer.evaluation.columns import COLUMNS
from ir_transfer.evaluation.evaluator import EvalSettings, evaluate
from ir_transfer.evaluation.exemplars import Exemplar, Oracle, PolicyName
from ir_transfer.evaluation.methods import BASELINES, Method, with_baselines
from ir_transfer.evaluation.results import GROUND_TRUTH, Results
from ir_transfer.evaluation.scenes import Scene, load_exemplar, load_scene
from ir_transfer.metrics.object_heat import Box
from ir_transfer.nn.perceptual import PerceptualEncoder
from tests.evaluation.compared_street import BLURRED, blurred
from tests.evaluation.street_scene import PEOPLE, write_pairs

OWN = ["luma_highpass", "line_noise", "hot_region_share", "object_heat", "people_heat", "people_hot"]
OWN += ["shift", "edges_kept", "gradient_input"]


class Two:
    """The same two exemplars for every scene."""

    name: PolicyName = "fixed"
    description = "two"

    def __init__(self, *images: torch.Tensor) -> None:
        self.found = [Exemplar(str(index), image) for index, image in enumerate(images)]

    def __call__(self, scene: Scene) -> list[Exemplar]:
        return self.found


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pairs(tmp_path_factory.mktemp("pairs") / "set")


@pytest.fixture(scope="module")
def scenes(root: Path) -> list[Scene]:
    return [load_scene(pair) for pair in list_pairs(root)]


@pytest.fixture(scope="module")
def results(root: Path, scenes: list[Scene]) -> Results:
    return evaluate(
        with_baselines([blurred()]),
        scenes,
        Two(load_exemplar(root / "exemplar.png"), scenes[0].ground_truth),
        EvalSettings(PerceptualEncoder.load(root / "vgg.safetensors")),
        objects_of=lambda scene: read_boxes(root / "boxes.json", scene.stem),
        keep={"scene1"},
    )


def test_every_row_has_every_column(results: Results) -> None:
    assert [*results.scores] == [*BASELINES, BLURRED, GROUND_TRUTH]
    missing = {"lpips", "vehicle_heat", "vehicles_hot"}
    for label in (*BASELINES, BLURRED):
        # A blank image has nothing that could shift.
        gone = missing | {"shift"} if label == "constant" else missing
        assert [*results.scores[label]] == [key for key in COLUMNS if key not in gone], label
    assert [*results.scores[GROUND_TRUTH]] == OWN


def test_people_are_hot_only_in_the_ground_truth_and_the_negative(results: Results) -> None:
    for column in ("object_heat", "people_heat", "hot_region_share"):
        heat = {label: scores[column].mean for label, scores in results.scores.items()}
        assert (heat[GROUND_TRUTH], heat["inverted"], heat["gray"], heat["constant"]) == (1, 1, 0, 0)


def test_known_values_of_the_baselines(results: Results) -> None:
    scores = results.scores
    assert scores["gray"]["gradient_input"].mean == pytest.approx(1, abs=1e-5)
    assert scores["gray"]["polarity"].mean == pytest.approx(1, abs=1e-5)
    assert scores["gray"]["edges_kept"].mean == 1
    assert scores["gray"]["shift"].mean == 0
    assert scores["constant"]["polarity"].mean == 0
    assert scores["constant"]["nmi"].mean == pytest.approx(1)
    assert scores["histogram"]["psnr"].mean > scores["gray"]["psnr"].mean
    for label in BASELINES:
        for column, score in scores[label].items():
            assert score.low <= score.mean + 1e-9, (label, column)
            assert score.mean <= score.high + 1e-9, (label, column)


def test_set_distances_have_intervals_over_scenes(results: Results) -> None:
    for column in ("patch_frechet", "patch_mmd"):
        score = results.scores["histogram"][column]
        assert score.low < score.high


def test_scene_counts_once_regardless_of_the_number_of_exemplars(results: Results, scenes: list[Scene]) -> None:
    psnr = results.per_scene["histogram"]["psnr"]
    assert [*psnr] == [scene.stem for scene in scenes]
    assert results.scores["histogram"]["psnr"].mean == pytest.approx(sum(psnr.values()) / len(psnr))
    assert results.exemplars["scene0"] == ["0", "1"]


def test_outputs_are_written_to_the_requested_folder(results: Results, scenes: list[Scene]) -> None:
    assert [*results.outputs] == [*BASELINES, BLURRED]
    assert all([*kept] == ["scene1"] for kept in results.outputs.values())
    assert results.outputs["gray"]["scene1"].shape == scenes[1].ground_truth.shape[2:]
    assert [*results.cases.by_method] == [BLURRED]


def test_columns_that_need_a_feature_extractor_are_omitted_without_one(scenes: list[Scene]) -> None:
    gray = [Method("gray", create_model("gray"))]
    wanted = ["psnr", "polarity", "perceptual", "patch_frechet"]
    found = evaluate(gray, scenes[:1], Oracle(), EvalSettings(columns=wanted)).scores["gray"]
    assert [*found] == ["psnr", "polarity"]


def test_border_pixels_are_excluded(scenes: list[Scene]) -> None:
    spoilt = scenes[0].ground_truth.clone()
    spoilt[..., :8, :] = spoilt[..., -8:] = 0
    scene = Scene("s", spoilt.expand(-1, 3, -1, -1), scenes[0].ground_truth)
    gray = [Method("gray", create_model("gray"))]
    boxes = [Box(*frame, "Person") for frame in PEOPLE]
    for border, same in ((0, False), (8, True)):
        judges = EvalSettings(columns=["psnr", "object_heat"], border=border)
        scores = evaluate(gray, [scene], Oracle(), judges, objects_of=lambda _: boxes).scores
        assert (scores["gray"]["psnr"].mean > 100) == same
        assert scores[GROUND_TRUTH]["object_heat"].mean == 1


@pytest.mark.parametrize("labels", [["gray", "gray"], ["truth"], []])
def test_method_labels_must_be_unique(scenes: list[Scene], labels: list[str]) -> None:
    with pytest.raises(InputError, match="distinct labels"):
        evaluate([Method(label, create_model("gray")) for label in labels], scenes, Oracle(), EvalSettings())


def test_requires_scenes() -> None:
    with pytest.raises(InputError, match="at least one scene"):
        evaluate([Method("gray", create_model("gray"))], [], Oracle(), EvalSettings())
