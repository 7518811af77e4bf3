from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
import torch
import yaml
from mlflow.exceptions import MlflowException
from mlflow.pyfunc.model import PythonModelContext
from mlflow.pyfunc.scoring_server import predictions_to_json
from PIL import Image

from ir_transfer import create_model
from ir_transfer.conversion.devices import pick_device
from ir_transfer.conversion.styles.choose import choose_styles
from ir_transfer.conversion.translate import Translator
from ir_transfer.errors import DecodeError, InputError
from ir_transfer.imaging.image_io import decode_image
from ir_transfer.models.cin.model import CIN
from ir_transfer.tracking import packaged_model
from ir_transfer.tracking.store import connect
from tests.conftest import photograph
from tests.models.small_thermal import SMALL_LOOKS
from tests.tracking.registered import register, write_exemplar


def png(image: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def objects(*items: Any) -> Any:
    found = np.empty(len(items), object)
    for index, item in enumerate(items):
        found[index] = item
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Path:
    """A logged model in the store, which contains no other model."""
    root = tmp_path_factory.mktemp("packaged")
    (root / "mlflow.db").write_bytes(empty_database.read_bytes())
    register(connect(f"sqlite:///{root / 'mlflow.db'}"), root)
    return next((root / "mlartifacts" / "models").glob("*/artifacts"))


@pytest.fixture(scope="module")
def model(folder: Path) -> Any:
    return mlflow.pyfunc.load_model(str(folder))


def test_folder_contains_no_pickled_objects(folder: Path) -> None:
    names = {path.name for path in folder.rglob("*") if path.is_file()}
    assert not [name for name in names if name.endswith((".pkl", ".pt", ".pth"))]
    assert {"seed0.safetensors", "thermal.png", "packaged_entry.py", "README.md", "input_example.json"} <= names
    described = yaml.safe_load((folder / "MLmodel").read_text())
    flavour = described["flavors"]["python_function"]
    assert flavour["loader_module"] == "mlflow.pyfunc.loaders.code_model"
    assert flavour["code"] is None
    assert {entry["name"] for entry in json.loads(described["signature"]["params"])} == {"strength", "polarity"}
    requirements = (folder / "requirements.txt").read_text()
    assert requirements.startswith("ir-transfer==")
    assert "+cpu" not in requirements


def test_equals_the_package_for_any_size(model: Any, folder: Path) -> None:
    image = photograph(41, 57)
    files = folder / "artifacts"
    choice = choose_styles([str(files / "thermal.png")], weights=str(files / "seed0.safetensors"))
    expected = Translator.load(choice, pick_device())([decode_image(png(image), "")])[0]
    found = model.predict(image)
    assert found.shape == (41, 57)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(model.predict((image / 255).astype(np.float64)), expected, atol=1e-6)
    batch = model.predict(np.stack([image, image[::-1]]))
    assert batch.shape == (2, 41, 57)
    np.testing.assert_allclose(batch[0], expected, atol=1e-6)


def test_images_of_all_sizes_and_types_in_one_call(model: Any, tmp_path: Path) -> None:
    image = photograph(32, 44)
    (tmp_path / "a.png").write_bytes(png(image))
    text = base64.b64encode(png(image)).decode()
    found = model.predict(objects(image, png(image), text, tmp_path / "a.png", photograph(20, 17)))
    assert [one.shape for one in found] == [(32, 44)] * 4 + [(20, 17)]
    for one in found[1:4]:
        np.testing.assert_array_equal(one, found[0])


def test_strength_and_polarity(model: Any) -> None:
    image = photograph()
    white, black = (model.predict(image, params={"polarity": f"{side}-hot"}) for side in ("white", "black"))
    np.testing.assert_allclose(white + black, 1, atol=1e-6)
    own = model.predict(image, params={"polarity": "exemplar", "strength": 0.0})
    assert np.abs(own - model.predict(image)).max() > 1e-4


def test_example_is_served_as_json(model: Any, folder: Path) -> None:
    sent = json.loads((folder / "serving_input_example.json").read_text())
    found = model.predict(np.array(sent["inputs"], dtype=object))
    written = io.StringIO()
    predictions_to_json(found, written)  # type: ignore[no-untyped-call]
    rows = json.loads(written.getvalue())["predictions"][0]
    assert np.array(rows).shape == (24, 32)
    assert model.metadata.get_params_schema().to_dict()[0]["default"] == 1.0


@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        (objects("photos/a.png"), InputError, "pathlib.Path"),
        (objects(b"no image"), DecodeError, "image 0"),
        (np.zeros((4, 40, 40), np.uint8), InputError, r"expected \(H, W, 3\)"),
        (objects(photograph(), photograph()[:8]), InputError, "at least 16"),
        (np.full((20, 20, 3), 3.0), InputError, r"\[0, 1\]"),
    ],
)
def test_invalid_images_are_reported(model: Any, images: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        model.predict(images)


def test_rejects_unknown_polarity_and_plain_lists(model: Any) -> None:
    with pytest.raises(InputError, match="white-hot, black-hot"):
        model.predict(photograph(), params={"polarity": "hot"})
    with pytest.raises(MlflowException, match="numpy array"):
        model.predict(["a.png"])


def test_a_saved_style_keeps_its_polarity(tmp_path: Path, folder: Path) -> None:
    weights = folder / "artifacts" / "seed0.safetensors"
    made = create_model("adain", weights=weights)
    code = choose_styles([str(folder / "artifacts" / "thermal.png")], weights=str(weights))
    style = Translator.load(code, pick_device()).style
    tensors = {**style.tensors, "polarity": -style.tensors["polarity"]}
    black_hot = type(style)(style.model, tensors, {**style.metadata, "polarity": "black-hot"})
    black_hot.save(tmp_path / "black.safetensors")
    packaged = packaged_model.PackagedModel()
    files = {packaged_model.WEIGHTS: str(weights), packaged_model.EXEMPLAR: str(tmp_path / "black.safetensors")}
    packaged.load_context(mlflow.pyfunc.PythonModelContext(files, {}))
    own = packaged.predict(None, photograph())
    np.testing.assert_array_equal(packaged.predict(None, photograph(), {"polarity": "black-hot"}), own)
    np.testing.assert_allclose(packaged.predict(None, photograph(), {"polarity": "white-hot"}), 1 - own)
    assert made.weights_hash == style.metadata["weights_hash"]


def test_fixed_style_model_serves_its_first_style(tmp_path: Path) -> None:
    torch.manual_seed(0)
    cin = create_model("cin", weights=None, looks=("day", "night"), **SMALL_LOOKS)
    assert isinstance(cin, CIN)
    for parameter in cin.parameters():
        torch.nn.init.uniform_(parameter, -0.3, 0.3)
    cin.save(tmp_path / "cin.safetensors", {"band": "lwir"})
    served = packaged_model.PackagedModel()
    artifacts = {"weights": str(tmp_path / "cin.safetensors"), "exemplar": str(write_exemplar(tmp_path))}
    served.load_context(PythonModelContext(artifacts, {}))  # type: ignore[no-untyped-call]
    content = np.random.default_rng(0).random((20, 24, 3), np.float32)
    with torch.inference_mode():
        day, night = (
            cin(torch.from_numpy(content.transpose(2, 0, 1).copy())[None], cin.style(name))[0, 0].numpy()
            for name in ("day", "night")
        )
    np.testing.assert_allclose(served.predict(None, content), day, atol=1e-5)
    assert np.abs(day - night).max() > 1e-3
