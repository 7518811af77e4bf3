from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ir_transfer import create_model
from ir_transfer.conversion.devices import pick_device
from ir_transfer.conversion.styles.choose import choose_styles
from ir_transfer.conversion.translate import Translator
from ir_transfer.errors import InputError
from ir_transfer.imaging.image_io import DecodedImage
from tests.conftest import photograph
from tests.models.small_thermal import small_thermal

CPU = torch.device("cpu")


class InBatches(Translator):
    """Translates in batches, as on CUDA."""

    takes_batches = True


def images(count: int, height: int = 33, width: int = 47) -> list[DecodedImage]:
    return [DecodedImage(photograph(height, width, seed).transpose(2, 0, 1), 255.0, "") for seed in range(count)]


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "cpu:1", "mps", "cuda:99", ""])
def test_unavailable_devices_are_rejected(name: str) -> None:
    with pytest.raises(InputError, match="device"):
        pick_device(name)


def test_device_names() -> None:
    assert pick_device("cpu") == CPU
    assert pick_device("auto").type in {"cpu", "cuda"}


@pytest.mark.parametrize("count", [1, 4, 7])
def test_batched_results_equal_single_results(exemplar: Path, count: int) -> None:
    choice = choose_styles([str(exemplar)], model="histogram")
    single = Translator.load(choice, CPU)
    batched = InBatches(single.model, single.style, CPU)
    given = images(count)
    results = batched(given)
    assert len(results) == count
    for one, many in zip((single([image])[0] for image in given), results, strict=True):
        assert many.shape == (33, 47)
        np.testing.assert_allclose(one, many, atol=1e-6)


def test_cuda_batches_are_buckets_that_fit_memory(exemplar: Path) -> None:
    translator = Translator.load(choose_styles([str(exemplar)], model="gray"), CPU)
    assert translator.batch_for(512, 640) == 1
    cuda = replace(translator, device=torch.device("cuda"))
    assert cuda.batch_for(512, 640) == 8
    assert cuda.batch_for(512, 512) == 16
    assert cuda.batch_for(16, 16) == 16
    assert cuda.batch_for(3000, 4000) == 1
    assert replace(cuda, batch_size=3).batch_for(3000, 4000) == 3


def test_bfloat16_is_close_to_float32(exemplar: Path, tmp_path: Path) -> None:
    weights = tmp_path / "w.safetensors"
    small_thermal("adain").save(weights)
    translator = Translator.load(choose_styles([str(exemplar)], model="adain", weights=str(weights)), CPU)
    exact = translator(images(1))[0]
    half = replace(translator, precision="bfloat16")(images(1))[0]
    assert half.dtype == np.float32
    assert 0 < np.abs(exact - half).mean() < 0.05


def test_a_colour_checkpoint_becomes_one_channel(tmp_path: Path) -> None:
    weights = tmp_path / "w.safetensors"
    create_model("adain", None, size="vgg19", widths=(4, 8), depths=(1, 1), out_channels=3).save(weights)
    exemplar = tmp_path / "colour.png"
    Image.fromarray(photograph(40, 40, 9)).save(exemplar)
    translator = Translator.load(choose_styles([str(exemplar)], model="adain", weights=str(weights)), CPU)
    (result,) = translator(images(1))
    assert result.shape == (33, 47)
    assert 0 <= result.min() <= result.max() <= 1
