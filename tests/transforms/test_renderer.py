from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ir_transfer.conversion.translate import Translator
from ir_transfer.errors import InputError, MissingFileError, UnknownNameError
from ir_transfer.transforms import renderer as module
from ir_transfer.transforms.options import Draw, InfraredOptions
from ir_transfer.transforms.renderer import Renderer
from tests.conftest import thermal
from tests.transforms.samples import rgb


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Counts the loads of a model."""
    found: list[Any] = []
    load = Translator.load.__func__  # type: ignore[attr-defined]

    def noted(cls: type[Translator], choice: Any, *args: Any, **kwargs: Any) -> Translator:
        found.append(choice)
        return load(cls, choice, *args, **kwargs)  # type: ignore[no-any-return]

    monkeypatch.setattr(Translator, "load", classmethod(noted))
    return found


def options(exemplar: Path, **given: Any) -> InfraredOptions:
    return InfraredOptions.of(str(exemplar), model="histogram", **given)


def test_styles_are_prepared_once_and_shared(exemplar: Path, loads: list[Any]) -> None:
    first = Renderer(options(exemplar))
    second = Renderer(options(exemplar, flip_probability=0.5, gray_probability=0.1))
    assert len(loads) == 1
    assert first.translator is second.translator
    Renderer(options(exemplar, keep_tone=True))
    assert len(loads) == 2


def test_changed_exemplar_is_read_again(exemplar: Path, loads: list[Any]) -> None:
    first = Renderer(options(exemplar))
    Image.fromarray(255 - thermal(96, 128, 9)).save(exemplar)
    os.utime(exemplar, ns=(1, 1))
    second = Renderer(options(exemplar))
    assert len(loads) == 2
    draw = Draw(0)
    assert not np.array_equal(first([rgb()], draw)[0], second([rgb()], draw)[0])


def test_unused_translators_are_released(exemplar: Path) -> None:
    kept = len(module._loaded)
    one = Renderer(options(exemplar))
    assert len(module._loaded) == kept + 1
    del one
    assert len(module._loaded) == kept


def test_sensor_sees_hot_as_bright_in_a_black_hot_style(exemplar: Path, tmp_path: Path) -> None:
    sensor = tmp_path / "noisy.yaml"
    sensor.write_text("temporal: {read: 0.05}\n")
    image = np.full((1, 32, 48), 0.3, np.float32)
    noise = []
    for polarity in ("white-hot", "black-hot"):
        asked = InfraredOptions.of(str(exemplar), model="gray", exemplar_polarity=polarity, sensors=str(sensor))
        noise.append(Renderer(asked)([image], Draw(0, camera=0, unit=2, frame=5))[0] - 0.3)
    assert 0.04 < noise[0].std() < 0.06
    np.testing.assert_allclose(noise[1], -noise[0], atol=1e-6)


def test_image_seed_reads_dtype_shape_and_values(exemplar: Path) -> None:
    made = Renderer(options(exemplar, image_seed=0, strength=(0, 1)))
    image = rgb()
    same = made.draw(1, [image])
    assert made.draw(2, [image.copy()]) == same
    assert made.draw(1, [image.reshape(3, 56, 40)]) != same
    assert made.draw(1, [image.astype(np.uint16)]) != same


def test_rejects_missing_files_and_unknown_names(exemplar: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"none\.png"):
        Renderer(InfraredOptions.of(str(tmp_path / "none.png"), model="histogram"))
    with pytest.raises(UnknownNameError, match="lwir-road-day"):
        Renderer(InfraredOptions.of("preset:lwir-road-dya"))
    with pytest.raises(InputError, match="device"):
        Renderer(options(exemplar, device="cuda:99"))


def test_cuda_in_a_worker_is_rejected_with_a_hint(exemplar: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Renderer(options(exemplar))
    object.__setattr__(made.translator, "device", torch.device("cuda"))
    monkeypatch.setattr(module, "get_worker_info", object)
    with pytest.raises(InputError, match="device='cpu' in a worker"):
        made([rgb()], Draw(0))
