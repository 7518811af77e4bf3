from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ir_transfer import create_model
from ir_transfer.errors import InputError, MissingFileError
from ir_transfer.training.batches import BatchSource
from ir_transfer.training.objective import Objective
from ir_transfer.training.recipe import Recipe
from tests.losses.scenes import random_judge
from tests.models.small_thermal import SMALL_THERMAL
from tests.training.runs import make_root, recipe_of, trainer_of

MODEL = "{name: cin, hyper_parameters: {widths: [4, 8, 8], blocks: 1}}"


def make_looks(root: Path) -> str:
    """Write a dark and a bright exemplar of another tone than the pairs' and return the recipe's looks."""
    random = np.random.default_rng(0)
    for name, low, high in (("dark", 0, 80), ("bright", 150, 255)):
        Image.fromarray(random.integers(low, high, (48, 64)).astype(np.uint8)).save(root / f"{name}.png")
    return "{dark: [dark.png], bright: [bright.png]}"


def looks_recipe(root: Path, **overrides: str) -> Recipe:
    tones = {"data__tone_spread": "0", "data__flips": "0"}
    return recipe_of(
        root, model=MODEL, data__looks=make_looks(root), data__validation_exemplar="null", **tones, **overrides
    )


def test_truths_and_exemplars_have_the_tone_of_the_look_they_are_drawn_with(tmp_path: Path) -> None:
    recipe = looks_recipe(make_root(tmp_path))
    batches = BatchSource(recipe.data, tmp_path, seed=0)
    batch = batches.draw(0, 16)
    assert set(batch.look.tolist()) == {0, 1}
    for look, low, high in ((0, 0.0, 80 / 255), (1, 150 / 255, 1.0)):
        mine = batch.look == look
        for pictures in (batch.truth[mine], batch.exemplar[mine]):
            assert pictures.min() >= low - 0.02
            assert pictures.max() <= high + 0.02
    assert batches.looks is not None
    curve = batches.looks.toned(np.linspace(0, 1, 101, dtype=np.float32), 0, 0)
    assert (np.diff(curve) >= 0).all(), "what is hotter stays hotter"
    assert curve[-1] > curve[0]


def test_a_run_of_looks_knows_their_intensities_and_ends_as_weights_that_translate(tmp_path: Path) -> None:
    recipe = looks_recipe(make_root(tmp_path), training__steps="2", training__validate_every="2")
    trainer = trainer_of(tmp_path, "run", recipe)
    trainer.run()
    model = create_model("cin", weights=tmp_path / "run" / "best.safetensors")
    assert model.looks == ("dark", "bright")
    exemplar = torch.from_numpy(np.asarray(Image.open(tmp_path / "bright.png")) / np.float32(255))[None, None]
    assert model.style_for(exemplar).metadata["look"] == "bright"


def test_a_new_look_leaves_the_network_and_the_other_looks_alone(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    trainer_of(root, "old", looks_recipe(root, training__steps="2", training__validate_every="2")).run()
    model = "{name: cin, hyper_parameters: {widths: [4, 8, 8], blocks: 1, looks: [dark, bright, mine]}}"
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


def test_refuses_what_cannot_be_learned(tmp_path: Path) -> None:
    root = make_root(tmp_path)
    with pytest.raises(InputError, match=r"data\.looks in the recipe of model 'cin'"):
        trainer_of(root, "a", recipe_of(root, model=MODEL))
    with pytest.raises(InputError, match=r"training\.only to fit a parameter"):
        trainer_of(root, "b", looks_recipe(root, training__only="[tabel.dark]"))
    with pytest.raises(InputError, match=r"hyper_parameters\.looks to name all of data\.looks, got none of bright"):
        trainer_of(root, "c", looks_recipe(root, model__hyper_parameters__looks="[dark]"))
    with pytest.raises(MissingFileError, match=r"picture of data\.looks\.dark at"):
        BatchSource(recipe_of(root, data__looks="{dark: [none.png]}").data, root, seed=0)
    recipe = recipe_of(root, losses="{layered: 1}")
    with pytest.raises(InputError, match="model with layer weights"):
        Objective(recipe, create_model("adain", weights=None, **SMALL_THERMAL), random_judge())
