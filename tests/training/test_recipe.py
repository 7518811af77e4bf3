from pathlib import Path

import pytest

from ir_transfer.errors import InputError, MissingFileError, UnknownNameError
from ir_transfer.resources import resource
from ir_transfer.training.distillation.recipe import load_distillation
from ir_transfer.training.recipe_files import load_recipe

TEXT = """
model: {name: adain}
data:
  band: lwir
  sources: [{path: a}, {path: b, share: 2, max_width: 320}]
  validation: v
  validation_exemplar: v/ir/x.png
losses: {l1: 1}
training: {lr: 1e-3}
"""


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(TEXT)
    return path


def test_values_and_defaults(recipe_file: Path) -> None:
    recipe = load_recipe(recipe_file)
    assert recipe.training.lr == 1e-3
    assert recipe.training.batch_size == 6
    assert recipe.data.sources[1].max_width == 320
    assert recipe.losses == {"l1": 1.0}


def test_override_by_dotted_key(recipe_file: Path) -> None:
    recipe = load_recipe(recipe_file, {"training.steps": "12", "losses.tv": "0.5"})
    assert recipe.training.steps == 12
    assert recipe.losses["tv"] == 0.5


@pytest.mark.parametrize(
    ("old", "new", "error", "message"),
    [
        ("lr:", "learning_rate:", UnknownNameError, "learning_rate"),
        ("band:", "bnd:", UnknownNameError, "'band'"),
        ("lr: 1e-3", "steps: many", InputError, r"training: steps to be int, got 'many'"),
        ("lr: 1e-3", "precision: half", InputError, "precision"),
        ("  band: lwir\n", "", InputError, "'band'"),
        ("model: {name: adain}", "model: adain", InputError, "mapping"),
        (
            "  band:",
            "  view_size: [250, 320]\n  band:",
            InputError,
            r"view_size in .* multiples of 32, got \[250, 320\]",
        ),
        ("  band:", "  view_size: [256]\n  band:", InputError, "view_size"),
        ("  band:", "  views: -1\n  band:", InputError, "data.views"),
        ("  band:", "  own_exemplar: 1.5\n  band:", InputError, "own_exemplar"),
        (
            "  band:",
            "  starts: {darkened: 5}\n  band:",
            InputError,
            r"data\.starts .* steps of degraded",
        ),
        ("  band:", "  starts: {glare: -1}\n  band:", InputError, r"data\.starts"),
        ("  band:", "  starts: {glare: 5}\n  views: 2\n  band:", InputError, r"data\.starts .* data\.views of 0"),
    ],
)
def test_errors_name_file_key_and_fix(
    recipe_file: Path, old: str, new: str, error: type[Exception], message: str
) -> None:
    recipe_file.write_text(TEXT.replace(old, new))
    with pytest.raises(error, match=message) as caught:
        load_recipe(recipe_file)
    assert recipe_file.name in str(caught.value)


def test_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"none\.yaml"):
        load_recipe(tmp_path / "none.yaml")


@pytest.mark.parametrize("path", sorted(resource("configs/train").glob("*.yaml")), ids=lambda p: p.stem)
def test_bundled_recipes_are_valid(path: Path) -> None:
    from ir_transfer.losses.registry import check_names
    from ir_transfer.models.registry import list_models

    if path.stem == "encoder":
        assert load_distillation(path).sources
        return
    recipe = load_recipe(path)
    check_names(recipe.losses)
    assert recipe.model.name in list_models()
