from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ir_transfer import create_model
from ir_transfer.errors import InputError, MissingFileError
from ir_transfer.models.cin.model import CIN
from ir_transfer.nn.thermal.tone import tone_of
from ir_transfer.training.objective import Objective
from ir_transfer.training.recipe import Recipe
from ir_transfer.training.view_source import ViewSource
from tests.losses.scenes import random_vgg
from tests.models.small_thermal import SMALL_LOOKS, SMALL_THERMAL, small_thermal
from tests.training.runs import make_root, recipe_of, trainer_of

SIZES = ", ".join(f"{name}: {[*value] if isinstance(value, tuple) else value}" for name, value in SMALL_LOOKS.items())
MODEL = f"{{name: cin, hyper_parameters: {{{SIZES}}}}}"


def make_looks(root: Path) -> str:
    """Write an exemplar with warm ground and one with warm sky, and return the recipe's styles."""
    random = np.random.default_rng(0)
    slope = np.linspace(0, 1, 48)[:, None] + 0.05 * random.standard_normal((48, 64))
    for name, low, high, image in (("ground", 0, 80, slope), ("sky", 150, 255, slope[::-1])):
        Image.fromarray((low + (high - low) * image.clip(0, 1)).astype(np.uint8)).save(root / f"{name}.png")
    return "{ground: [ground.png], sky: [sky.png]}"


def looks_recipe(root: Path, **overrides: str) -> Recipe:
    return recipe_of(root, model=MODEL, data__looks=make_looks(root), data__validation_exemplar="null", **overrides)


def test_every_style_is_trained_on_similar_pairs(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    warm_below = [1, 2, 5]  # of those that do not validate: 1, 2, 3, 5, 6, 7
    slope = np.linspace(20, 200, 64)[:, None] + np.random.default_rng(1).integers(0, 40, (64, 96))
    for index in range(8):
        image = slope if index in warm_below else slope[::-1]
        Image.fromarray(image.astype(np.uint8)).resize(_size(root)).save(root / "pairs" / "ir" / f"scene_{index}.png")
    source = ViewSource(looks_recipe(root).data, root, seed=0)
    seen: dict[int, set[str]] = {0: set(), 1: set()}
    for step in range(10):
        batch = source.draw(step, 8)
        assert batch.keys is not None
        for look, (_, index, _) in zip(batch.style_index.tolist(), batch.keys.tolist(), strict=True):
            seen[look].add(source.sets[0].rgb[index].path.stem)
    assert seen[0] == {f"scene_{index}" for index in warm_below}
    assert seen[1] == {"scene_3", "scene_6", "scene_7"}


def _size(root: Path) -> tuple[int, int]:
    with Image.open(root / "pairs" / "rgb" / "scene_0.png") as image:
        return image.size


def test_unpaired_images_train_every_style_with_their_shares(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    sources = "[{path: pairs/rgb, pairing: unpaired, share: 3}, {path: pairs}]"
    source = ViewSource(looks_recipe(root, data__sources=sources).data, root, seed=0)
    looks, unpaired = [], []
    for step in range(40):
        batch = source.draw(step, 8)
        looks += batch.style_index.tolist()
        unpaired += (~batch.registered).tolist()
        assert batch.keys is not None
    assert np.mean(looks) == pytest.approx(0.5, abs=0.1)
    # Six RGB images of share 3 against three pairs of share 1.
    assert np.mean(unpaired) == pytest.approx(18 / 21, abs=0.06)


def test_training_learned_styles_saves_tones_and_usable_weights(tmp_path: Path) -> None:
    recipe = looks_recipe(make_root(tmp_path), training__steps="2", training__validate_every="2")
    trainer_of(tmp_path, "run", recipe).run()
    model = create_model("cin", weights=tmp_path / "run" / "best.safetensors")
    assert model.styles == ("ground", "sky")
    for name in model.styles:
        exemplar = torch.from_numpy(np.asarray(Image.open(tmp_path / f"{name}.png")) / np.float32(255))[None, None]
        style = model.style_for(exemplar, white_hot=True)
        assert style.metadata["look"] == name
        torch.testing.assert_close(style.tensors["tone.quantiles"], tone_of(exemplar).quantiles)


def test_run_initialised_from_adain_starts_with_its_styles(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    adain = small_thermal("adain")
    adain.save(root / "adain.safetensors")
    trainer = trainer_of(root, "run", looks_recipe(root))
    trainer.learner.initialise(str(root / "adain.safetensors"))
    exemplar = torch.from_numpy(np.asarray(Image.open(root / "sky.png")) / np.float32(255))[None, None]
    content = torch.rand(1, 3, 48, 64)
    with torch.inference_mode():
        style = adain.prepare([exemplar], white_hot=True)
        contrast = {"detail.contrast": 1.2 * style.tensors["detail.contrast"]}
        wanted = adain(content, replace(style, tensors={**style.tensors, **contrast}))
        for model in (trainer.learner.model.eval(), trainer.learner.average):
            assert isinstance(model, CIN)
            torch.testing.assert_close(model(content, model.style("sky")), wanted, atol=1e-5, rtol=0)


def test_adding_a_style_keeps_the_network_and_the_other_styles(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    trainer_of(root, "old", looks_recipe(root, training__steps="2", training__validate_every="2")).run()
    model = f"{{name: cin, hyper_parameters: {{{SIZES}, looks: [ground, sky, mine]}}}}"
    sources = "[{path: pairs/rgb, pairing: unpaired}]"
    recipe = recipe_of(
        root, model=model, data__looks="{mine: [pairs/ir/scene_1.png]}", data__sources=sources, losses="{histogram: 1}",
        data__validation="pairs/rgb", data__validation_pairing="unpaired", data__validation_exemplar="null",
        training__only="[table.mine]", training__reconstruction="0", training__steps="3", training__validate_every="3",
    )  # fmt: skip
    trainer = trainer_of(root, "new", recipe)
    trainer.learner.initialise(str(root / "old" / "best.safetensors"))
    before = {name: value.clone() for name, value in trainer.learner.model.state_dict().items()}
    trainer.run()
    after = trainer.learner.model.state_dict()
    assert {name for name, value in after.items() if not torch.equal(value, before[name])} == {"table.mine"}
    old = create_model("cin", weights=root / "old" / "best.safetensors").state_dict()
    for name in ("quantiles", "means", "deviations"):
        torch.testing.assert_close(after[name][:2], old[name])
    assert not torch.allclose(after["quantiles"][2], after["quantiles"][0])


def test_rejects_invalid_style_settings(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    with pytest.raises(InputError, match=r"data\.looks in the recipe of model 'cin'"):
        trainer_of(root, "a", recipe_of(root, model=MODEL))
    with pytest.raises(InputError, match=r"training\.only to match a parameter"):
        trainer_of(root, "b", looks_recipe(root, training__only="[tabel.sky]"))
    with pytest.raises(InputError, match=r"hyper_parameters\.looks to list all of data\.looks, got none of sky"):
        trainer_of(root, "c", looks_recipe(root, model__hyper_parameters__looks="[ground]"))
    with pytest.raises(MissingFileError, match=r"image of data\.looks\.dark at"):
        ViewSource(recipe_of(root, data__looks="{dark: [none.png]}").data, root, seed=0)
    with pytest.raises(InputError, match=r"no data\.looks in the recipe of model 'adain', which takes exemplars"):
        trainer_of(root, "d", replace(looks_recipe(root), model=recipe_of(root).model))
    recipe = recipe_of(root, losses="{layered: 1}")
    with pytest.raises(InputError, match="model with layer weights"):
        Objective(recipe, create_model("adain", weights=None, **SMALL_THERMAL), random_vgg())
