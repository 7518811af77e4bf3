from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ir_transfer import create_model
from ir_transfer.errors import MissingFileError, WeightsError
from ir_transfer.models import polarity as module
from ir_transfer.models import weight_files
from ir_transfer.models.encoder_files import shipped_encoder
from ir_transfer.models.polarity import (
    Polarity,
    PolarityDetector,
    blended_metadata,
    polarity_of_exemplar,
    shipped_detector,
)
from ir_transfer.nn.polarity import PolarityClassifier, statistics_count
from ir_transfer.resources import resource
from ir_transfer.synthetic.images import render
from tests.conftest import thermal
from tests.judged_polarity import judge_by_mean
from tests.models.small_thermal import small_thermal

GOLDEN = 8.75229
"""Score of a rendered street by the bundled weights; changes only with them."""


def exemplar(seed: int = 1) -> Tensor:
    return torch.from_numpy(thermal(96, 128, seed) / 255.0)[None, None].float()


@pytest.fixture
def judged_by_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    judge_by_mean(monkeypatch)


def write(path: Path, **metadata: str) -> Path:
    torch.manual_seed(0)
    weight_files.write(
        path,
        PolarityClassifier(statistics_count(shipped_encoder())).state_dict(),
        {"kind": "weights", "model": "polarity", **metadata},
    )
    return path


def test_black_hot_requires_a_score_beyond_the_margin(tmp_path: Path) -> None:
    score = PolarityDetector(write(tmp_path / "a.safetensors", margin="0")).score(exemplar())
    image = exemplar() if score < 0 else 1 - exemplar()
    below, above = (
        PolarityDetector(write(tmp_path / "b.safetensors", margin=str(abs(score) * share))) for share in (0.9, 1.1)
    )
    assert not below(image).white_hot
    assert above(image).white_hot
    assert below(1 - image).white_hot
    assert below(image).score == pytest.approx(-abs(score), abs=1e-6)


def test_detector_is_deterministic_and_works_in_inference_mode(tmp_path: Path) -> None:
    path = write(tmp_path / "a.safetensors", margin="0.5")
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    with torch.inference_mode():
        inside = PolarityDetector(path).score(exemplar())
    assert torch.equal(torch.rand(1), expected)
    assert PolarityDetector(path).score(exemplar().double()) == pytest.approx(inside, abs=1e-5)


def test_colour_exemplars_are_classified_by_their_luma(tmp_path: Path) -> None:
    judge = PolarityDetector(write(tmp_path / "a.safetensors", margin="0.5"))
    assert judge.score(exemplar().expand(-1, 3, -1, -1)) == pytest.approx(judge.score(exemplar()), abs=1e-4)


def test_weights_without_a_margin_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"a\.safetensors to hold the margin .*None.*train_polarity"):
        PolarityDetector(write(tmp_path / "a.safetensors"))
    with pytest.raises(WeightsError, match="'wide'"):
        PolarityDetector(write(tmp_path / "a.safetensors", margin="wide"))
    with pytest.raises(MissingFileError):
        PolarityDetector(tmp_path / "none.safetensors")


def test_sources_of_the_polarity(judged_by_mean: None) -> None:
    dark = torch.zeros(1, 1, 32, 32)
    assert polarity_of_exemplar(dark) == Polarity(False, "auto", -0.5)
    assert polarity_of_exemplar(dark, white_hot=True) == Polarity(True, "given")
    assert polarity_of_exemplar(1 - dark, white_hot=False, band="nir") == Polarity(False, "given")
    assert polarity_of_exemplar(dark, band="nir") == Polarity(True, "near-infrared")
    assert polarity_of_exemplar(dark, band="lwir").source == "auto"


def test_polarity_metadata_and_warning() -> None:
    black = Polarity(False, "auto", -3.14159)
    assert black.metadata() == {"polarity": "black-hot", "polarity_source": "auto", "polarity_score": "-3.14"}
    assert Polarity(True, "option").metadata() == {"polarity": "white-hot", "polarity_source": "option"}
    assert black.inverted_by_auto
    assert not Polarity(False, "given").inverted_by_auto
    assert not Polarity(True, "auto", 1.0).inverted_by_auto
    assert black.warning("a.png") == (
        "exemplar a.png classified as black-hot (score -3.14): pass --exemplar-polarity white-hot if it is not"
    )


def test_blend_has_the_polarity_of_the_larger_weight() -> None:
    white, black = Polarity(True, "auto", 2.0).metadata(), Polarity(False, "given").metadata()
    assert blended_metadata([white, black], [0.3, 0.7]) == {
        "polarity": "black-hot",
        "polarity_source": "auto, given",
        "polarity_score": "+2.00, -",
    }
    assert blended_metadata([white, white], [1, 1])["polarity_source"] == "auto"
    assert blended_metadata([white, {}], [1, 1]) == {}


@pytest.mark.parametrize("name", ["histogram", "adain"])
def test_prepare_classifies_each_exemplar(judged_by_mean: None, name: str) -> None:
    model = small_thermal(name) if name == "adain" else create_model(name, weights=None)
    dark, bright = 0.2 * torch.rand(1, 1, 40, 40), 0.8 + 0.2 * torch.rand(1, 1, 40, 40)
    code = model.prepare([dark])
    assert code.metadata["polarity"] == "black-hot"
    assert code.metadata["polarity_source"] == "auto"
    assert not code.white_hot
    assert model.prepare([bright]).white_hot
    blend = model.prepare([dark, bright], [0.4, 0.6])
    assert blend.white_hot
    assert blend.metadata["polarity_score"].startswith("-0.4")
    assert model.prepare([dark], white_hot=True).metadata["polarity_source"] == "given"
    model.metadata["band"] = "nir"
    assert model.prepare([dark]).metadata["polarity_source"] == "near-infrared"


def test_files_of_earlier_versions_load_without_a_score(tmp_path: Path) -> None:
    model = small_thermal("adain")
    model.save(tmp_path / "new.safetensors")
    tensors, metadata = weight_files.read(tmp_path / "new.safetensors", kind="weights")
    assert not [name for name in tensors if name.startswith("polarity")]
    weight_files.write(tmp_path / "old.safetensors", {**tensors, "polarity.head.bias": torch.zeros(1)}, metadata)
    loaded = create_model("adain", weights=tmp_path / "old.safetensors")
    assert [*loaded.state_dict()] == [*model.state_dict()]


def test_bundled_margin_inverts_at_most_1_percent_of_white_hot_images() -> None:
    _, metadata = weight_files.read(resource(module.WEIGHTS), kind="weights", model="polarity")
    rates, card = json.loads(metadata["rates"]), resource("weights/polarity.md").read_text()
    assert rates["gate"]["false"] <= 0.01
    assert set(json.loads(metadata["recipe"])["gate"]) <= rates.keys()
    for name, rate in rates.items():
        label = "all of the gate" if name == "gate" else name
        assert f"| {label} | {rate['images']} | {rate['false']:.1%} | {rate['recognised']:.1%} |" in card
    assert shipped_detector().margin == float(metadata["margin"]) > 0


def test_bundled_classifier_score_of_a_rendered_scene() -> None:
    image = torch.from_numpy(render(5, size=(160, 128), night=False).ir)[None, None].float()
    score = shipped_detector().score(image)
    assert score == pytest.approx(GOLDEN, abs=1e-4)
    assert shipped_detector().score(1 - image) == pytest.approx(-score, abs=1e-4)
