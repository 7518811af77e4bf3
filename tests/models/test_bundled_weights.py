"""The weights and presets that ship: complete, small enough, and they do what they are for."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open

from ir_transfer import create_model, list_models, model_info
from ir_transfer.conversion.styles import SavedStyle, list_presets
from ir_transfer.models.base import TranslationModel
from ir_transfer.models.style_code import StyleCode
from ir_transfer.resources import resource
from tests.training.pair_set import render_pairs

BUNDLED = [(name, weights) for name in list_models() for weights in model_info(name).weights]
LWIR = [(name, weights) for name, weights in BUNDLED if weights.endswith("lwir")]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> tuple[torch.Tensor, torch.Tensor]:
    root = render_pairs(tmp_path_factory.mktemp("scene"), 1, size=(160, 208), seed=3)
    rgb = np.asarray(Image.open(root / "rgb" / "scene_0.png"), dtype=np.float32) / 255
    ir = np.asarray(Image.open(root / "ir" / "scene_0.png"), dtype=np.float32) / 255
    return torch.from_numpy(rgb.transpose(2, 0, 1))[None], torch.from_numpy(ir)[None, None]


def translate(model: TranslationModel, content: torch.Tensor, style: StyleCode) -> torch.Tensor:
    with torch.inference_mode():
        output: torch.Tensor = model(content, style)
    return output


@pytest.mark.parametrize(("name", "weights"), BUNDLED)
def test_file_is_small_and_tells_its_story(name: str, weights: str) -> None:
    path = resource(f"weights/{weights}.safetensors")
    assert path.stat().st_size <= 4_000_000
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    assert metadata["model"] == name
    assert {"hyper_parameters", "recipe", "scores", "commit", "training_data", "band", "licence"} <= metadata.keys()
    assert json.loads(metadata["recipe"])["data"]["band"] == metadata["band"]
    card = resource(f"weights/{weights}.md").read_text()
    for heading in ("Trained on", "Recipe", "Scores", "Not good for"):
        assert heading in card


@pytest.mark.parametrize(("name", "weights"), BUNDLED)
def test_recipe_that_made_it_is_shipped(name: str, weights: str) -> None:
    assert resource(f"configs/train/{weights}.yaml").is_file()
    assert create_model(name, weights).weights_hash != "none"


@pytest.mark.parametrize(("name", "weights"), BUNDLED)
def test_inverted_exemplar_inverts_the_picture(
    name: str, weights: str, scene: tuple[torch.Tensor, torch.Tensor]
) -> None:
    content, exemplar = scene
    model = create_model(name, weights)
    upright = translate(model, content, model.prepare([exemplar]))
    inverted = translate(model, content, model.prepare([1 - exemplar]))
    pair = torch.stack([upright.flatten(), inverted.flatten()])
    assert torch.corrcoef(pair)[0, 1] < -0.8


@pytest.mark.parametrize(("name", "weights"), LWIR)
def test_exemplar_decides_the_tone(name: str, weights: str, scene: tuple[torch.Tensor, torch.Tensor]) -> None:
    content, exemplar = scene
    model = create_model(name, weights)
    plain, bright, flat = (
        translate(model, content, model.prepare([e], white_hot=True))
        for e in (exemplar, exemplar**0.4, 0.35 + 0.3 * exemplar)
    )
    assert bright.mean() > plain.mean() + 0.03
    assert flat.std() < 0.9 * plain.std()


@pytest.mark.parametrize("preset", list_presets(), ids=lambda p: f"{p.weights}/{p.name}")
def test_preset_belongs_to_its_weights(preset: SavedStyle, scene: tuple[torch.Tensor, torch.Tensor]) -> None:
    model = create_model(preset.model, preset.weights)
    code = StyleCode.load(preset.path)
    output = translate(model, scene[0], code)
    assert output.shape == (1, 1, 160, 208)
    assert output.std() > 0.02
    assert preset.metadata["band"] in model.info.bands


def test_every_band_has_presets_and_black_hot_ones_are_the_negatives(
    scene: tuple[torch.Tensor, torch.Tensor],
) -> None:
    presets = {(p.weights, p.name): p for p in list_presets()}
    for _, weights in BUNDLED:
        assert any(key[0] == weights for key in presets), weights
    for (weights, name), preset in presets.items():
        if name.endswith("-black-hot"):
            white = presets[weights, name.removesuffix("-black-hot")]
            model = create_model(preset.model, weights)
            black, upright = (translate(model, scene[0], StyleCode.load(p.path)) for p in (preset, white))
            torch.testing.assert_close(black, 1 - upright, atol=1e-4, rtol=0)
