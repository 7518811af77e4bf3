from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import albumentations
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from ir_transfer.errors import InputError
from ir_transfer.transforms import AlbumentationsToInfrared, ToInfrared
from tests.conftest import photograph
from tests.transforms.samples import AlbumentationsImages, rgb


def make(exemplar: Path, **given: Any) -> AlbumentationsToInfrared:
    return AlbumentationsToInfrared(str(exemplar), model="histogram", **given)


def fine_photograph() -> NDArray[np.float32]:
    """Return a photograph of float32, in which close strengths give different results; 8 bits would round them."""
    return np.divide(photograph(40, 56), 255, dtype=np.float32)


def test_only_the_image_is_changed(exemplar: Path) -> None:
    image, mask = photograph(40, 56), np.arange(40 * 56, dtype=np.uint8).reshape(40, 56)
    pipeline = albumentations.Compose(
        [make(exemplar)],
        bbox_params=albumentations.BboxParams("pascal_voc", label_fields=["labels"]),
        keypoint_params=albumentations.KeypointParams("xy"),
        strict=True,
    )
    made = pipeline(image=image, mask=mask, bboxes=[(1, 2, 30, 20)], labels=[7], keypoints=[(3, 4)])
    assert (made["image"].shape, made["image"].dtype) == (image.shape, np.uint8)
    assert not np.array_equal(made["image"], image)
    np.testing.assert_array_equal(made["mask"], mask)
    np.testing.assert_allclose(made["bboxes"], [(1, 2, 30, 20)], atol=1e-4)
    np.testing.assert_allclose(made["keypoints"], [(3, 4)], atol=1e-4)
    assert list(made["labels"]) == [7]


def test_agrees_with_the_torchvision_transform(exemplar: Path) -> None:
    made = make(exemplar, channels=1)(image=rgb().transpose(1, 2, 0))["image"]
    expected = ToInfrared(str(exemplar), model="histogram", channels=1)(torch.from_numpy(rgb()))
    assert made.shape == (40, 56, 1)
    np.testing.assert_array_equal(made[..., 0], expected.numpy()[0])


@pytest.mark.parametrize("shape", [(40, 56), (40, 56, 1)])
def test_accepts_gray_images(exemplar: Path, shape: tuple[int, ...]) -> None:
    assert make(exemplar)(image=photograph(40, 56)[..., 0].reshape(shape))["image"].shape == (40, 56, 3)


def test_round_trips_through_serialisation(exemplar: Path, tmp_path: Path) -> None:
    transform = albumentations.Compose(
        [make(exemplar, strength=(0.2, 0.9), sensors=["boson-640"], flip_probability=0.5, image_seed=2, p=0.5)]
    )
    saved = json.loads(json.dumps(albumentations.to_dict(transform)))
    assert albumentations.to_dict(albumentations.from_dict(saved)) == saved
    albumentations.save(transform, tmp_path / "transform.json")
    read = albumentations.load(tmp_path / "transform.json")
    (inner,) = read.transforms
    assert inner.p == 0.5
    assert inner.renderer.options == transform.transforms[0].renderer.options
    forced = [one(image=photograph(40, 56), force_apply=True)["image"] for one in (inner, transform.transforms[0])]
    np.testing.assert_array_equal(*forced)


def test_supports_replay(exemplar: Path) -> None:
    pipeline = albumentations.ReplayCompose(
        [make(exemplar, strength=(0, 1), sensors="boson-640", flip_probability=0.5)]
    )
    image = fine_photograph()
    results = [pipeline(image=image) for _ in range(3)]
    assert len({result["image"].tobytes() for result in results}) == 3
    for result in results:
        replay = json.loads(json.dumps(result["replay"]))
        again = albumentations.ReplayCompose.replay(replay, image=image)["image"]
        np.testing.assert_array_equal(again, result["image"])


def test_compose_seed_repeats_the_draws(exemplar: Path) -> None:
    def results(seed: int) -> list[bytes]:
        pipeline = albumentations.Compose([make(exemplar, strength=(0, 1))], seed=seed)
        return [pipeline(image=fine_photograph())["image"].tobytes() for _ in range(3)]

    assert results(1) == results(1)
    assert len({*results(1), *results(2)}) == 6


def test_sensor_frames_are_consecutive(exemplar: Path) -> None:
    transform = make(exemplar, sensors="tau2-640", image_seed=0)
    image = photograph(40, 56)
    made = transform(images=np.stack([image, image]))["images"]
    assert made.shape == (2, 40, 56, 3)
    assert not np.array_equal(made[0], made[1])


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_works_in_dataloader_workers(exemplar: Path, method: str) -> None:
    transform = make(exemplar, strength=(0, 1), sensors="boson-640", image_seed=1)
    transform(image=photograph(40, 56))
    images = AlbumentationsImages(transform, 4, 4)
    loader = DataLoader(images, batch_size=None, num_workers=1, multiprocessing_context=method)
    for made, expected in zip(loader, [images[index] for index in range(4)], strict=True):
        np.testing.assert_array_equal(made.numpy(), expected)


def test_workers_and_epochs_draw_differently(exemplar: Path) -> None:
    loader = DataLoader(AlbumentationsImages(make(exemplar, strength=(0, 1)), 4, 1), batch_size=None, num_workers=2)
    epochs = [made.numpy().tobytes() for _ in range(2) for made in loader]
    assert len(set(epochs)) == 8


def test_rejects_inputs_that_are_not_images(exemplar: Path) -> None:
    with pytest.raises(InputError, match="3 or 1 channels"):
        make(exemplar)(image=np.zeros((40, 56, 4), np.uint8))
    with pytest.raises(InputError, match="before Normalize"):
        make(exemplar)(image=np.full((40, 56, 3), 3, np.float32))
