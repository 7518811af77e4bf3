"""Several validation sets: scores and rank."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torch import Tensor

from ir_transfer import create_model
from ir_transfer.models.baselines.model import Baseline
from ir_transfer.models.info import ModelInfo
from ir_transfer.nn.perceptual import PerceptualEncoder
from ir_transfer.training.recipe import DataSection, Source, ValidationSet
from ir_transfer.training.validation import PAIRED, UNPAIRED, Validation, ValidationReport, rank_of
from tests.evaluation.street_scene import PEOPLE, render
from tests.evaluation.street_scene import write_pairs as write_streets
from tests.training.pair_set import render_pairs

GOOD = {
    "cell_correlation": 0.6, "gradient_agreement": 0.4, "people_hot": 0.7, "exemplar_distance": 0.05, "psnr": 15.0,
    "patch_mmd": 2.0,
}  # fmt: skip
ALONE = {"style": 0.3, "exemplar_distance": 0.1, "gradient_input": 0.2, "people_heat": 0.5}


class Local(Baseline):
    """Translates with any function of luma and exemplar."""

    function: Callable[[Tensor, Tensor], Tensor]

    def encode(self, exemplars: Tensor, white_hot: Tensor | None = None) -> Mapping[str, Tensor]:
        assert white_hot is not None and bool(white_hot.all())
        return {"image": exemplars}

    def stylise(self, gray: Tensor, style: Mapping[str, Tensor]) -> Tensor:
        return self.function(gray, style["image"])


def local(function: Callable[[Tensor, Tensor], Tensor]) -> Local:
    model = Local(ModelInfo("local", "", "", f"{__name__}:Local", needs_weights=False))
    model.function = function
    return model.eval()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Streets with soft labels of their people, and other pairs."""
    write_streets(tmp_path / "day", 3)
    render_pairs(tmp_path / "night", 3)
    label = np.zeros((28, 36, 4), np.uint8)
    label[..., 0], label[..., 1] = 7, 255
    for left, top, right, bottom in PEOPLE:
        label[top // 4 : bottom // 4, -(-left // 4) : right // 4] = (1, 230, 7, 20)
    (tmp_path / "labels" / "day").mkdir(parents=True)
    for index in range(3):
        Image.fromarray(label).save(tmp_path / "labels" / "day" / f"scene{index}.png")
    return tmp_path


def section(**options: str) -> DataSection:
    day = ValidationSet("day", "day", ["day/exemplar.png"], **options)  # type: ignore[arg-type]
    return DataSection("lwir", [Source("night")], validations=[day, ValidationSet("night", "night")])


@pytest.mark.parametrize(
    ("column", "worse"),
    [("cell_correlation", -0.1), ("gradient_agreement", -0.1), ("people_hot", -0.1), ("exemplar_distance", 0.1),
     ("psnr", -1.0), ("patch_mmd", 1.0)],
)  # fmt: skip
def test_every_metric_affects_the_rank_with_its_sign(column: str, worse: float) -> None:
    assert rank_of({**GOOD, column: GOOD[column] + worse}) > rank_of(GOOD)
    assert rank_of({**GOOD, column: GOOD[column] - worse}) < rank_of(GOOD)


@pytest.mark.parametrize(
    ("column", "worse"),
    [("style", 0.1), ("exemplar_distance", 0.1), ("gradient_input", -0.05), ("people_heat", -0.1)],
)
def test_every_unpaired_metric_affects_the_rank_with_its_sign(column: str, worse: float) -> None:
    assert rank_of({**ALONE, column: ALONE[column] + worse}) > rank_of(ALONE)
    assert rank_of({**ALONE, column: ALONE[column] - worse}) < rank_of(ALONE)


def test_rank_ignores_embossing_and_uses_psnr_only_as_a_tie_breaker() -> None:
    assert rank_of({**ALONE, "gradient_input": 0.9}) == rank_of({**ALONE, "gradient_input": 0.3})
    assert rank_of({**GOOD, "psnr": 25.0, "cell_correlation": 0.59}) > rank_of(GOOD)
    fog = {**GOOD, "psnr": 18.0, "exemplar_distance": 0.1}
    assert rank_of(fog) > rank_of(GOOD)


def test_rank_is_the_mean_over_sets() -> None:
    report = ValidationReport({"a": GOOD, "b": {**GOOD, "cell_correlation": 0.2}})
    assert report.rank == pytest.approx(rank_of(GOOD) + 0.2)
    assert report.figures()["b/cell_correlation"] == 0.2


def test_sets_and_exemplars_are_scored_separately(root: Path) -> None:
    vgg = PerceptualEncoder((4, 8, 8, 8, 8))
    validation = Validation(section(), root, vgg)
    assert [len(one.exemplars) for one in validation.sets] == [1, 2]
    report = validation(local(lambda gray, _: 0.3 * gray + 0.3))
    assert report.scores["day"].keys() >= {*PAIRED, "patch_mmd"} - {"vehicles_hot"}
    assert not {"people_hot", "people_heat"} & report.scores["night"].keys()
    assert report.scores["day"]["people_hot"] == 0  # people are dark in these RGB images
    assert [*report.sheets] == ["day", "night"]
    inverted = validation(local(lambda gray, _: 1 - gray))
    assert inverted.scores["day"]["people_hot"] == inverted.scores["day"]["people_heat"] == 1


def test_scores_are_means_over_exemplars(root: Path) -> None:
    files = [f"night/ir/scene_{index}.png" for index in range(2)]
    both, first, second = (
        Validation(replace(section(), validations=[ValidationSet("n", "night", chosen)]), root, None)(
            local(lambda gray, exemplar: gray * exemplar.mean())
        ).scores["n"]
        for chosen in (files, files[:1], files[1:])
    )
    for key in ("psnr", "exemplar_distance"):
        assert both[key] == pytest.approx((first[key] + second[key]) / 2)
        assert first[key] != second[key]


def test_ground_truth_is_never_its_own_exemplar(root: Path) -> None:
    oracle = local(lambda gray, exemplar: exemplar.expand_as(gray) if exemplar.shape == gray.shape else gray)
    data = replace(section(), validations=[ValidationSet("n", "night", ["night/ir/scene_0.png"])])
    validation = Validation(data, root, None)
    assert validation(oracle).scores["n"]["psnr"] < 30
    assert len([*validation.sets[0].scenes(validation.exemplar)]) == 2
    alone = replace(data, validations=[ValidationSet("n", "night", ["night/ir/scene_0.png"], every=3)])
    assert Validation(alone, root, None)(oracle).scores["n"]["psnr"] > 100


def test_validation_without_ground_truth(root: Path) -> None:
    data = replace(section(), validations=[ValidationSet("p", "day/rgb", ["day/exemplar.png"], pairing="unpaired")])
    report = Validation(data, root, PerceptualEncoder((4, 8, 8, 8, 8)))(create_model("histogram").eval())
    assert report.scores["p"].keys() == {*UNPAIRED} - {"people_heat"}
    assert report.scores["p"]["exemplar_distance"] < 0.02


def test_nir_validation_has_no_heat_and_no_embossing_metrics(root: Path) -> None:
    data = replace(section(), band="nir")
    report = Validation(data, root, None)(local(lambda gray, _: gray))
    assert not {"people_hot", "luma_highpass"} & report.scores["day"].keys()
    assert not [gate for gate in report.gates if "luma" in gate.name]


def test_shortened_validation_has_no_gates(root: Path) -> None:
    validation, model = Validation(section(), root, None), local(lambda gray, _: gray)
    assert validation(model, limit=1).gates == []
    names = [gate.name for gate in validation(model).gates]
    assert names[0] == "dead_layers"
    assert {"day/luma_highpass", "day/truth_highpass", "night/truth_highpass"} <= {*names}


def test_given_labels_must_match(root: Path) -> None:
    with pytest.raises(Exception, match="quarter of the scene's"):
        Image.fromarray(np.zeros((9, 9, 4), np.uint8)).save(root / "labels" / "day" / "scene0.png")
        Validation(section(labels="labels/day"), root, None)


def test_people_are_dark_in_rgb_and_warm_in_infrared() -> None:
    rgb, ir = render(0)
    left, top, right, bottom = PEOPLE[0]
    assert rgb[top:bottom, left:right].mean() < rgb.mean() and ir[top:bottom, left:right].mean() > ir.mean()
