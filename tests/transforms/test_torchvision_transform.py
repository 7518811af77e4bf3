from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader
from torchvision import tv_tensors
from torchvision.transforms import v2

from ir_transfer.cli import main
from ir_transfer.errors import InputError
from ir_transfer.transforms import ToInfrared
from tests.conftest import photograph
from tests.transforms.samples import TorchvisionImages, rgb


@pytest.fixture
def histogram(exemplar: Path) -> ToInfrared:
    return ToInfrared(str(exemplar), model="histogram", exemplar_polarity="white-hot")


def test_only_the_image_is_changed(histogram: ToInfrared) -> None:
    image = tv_tensors.Image(torch.from_numpy(rgb()))
    target = {
        "boxes": tv_tensors.BoundingBoxes([[1, 2, 30, 20]], format="XYXY", canvas_size=(40, 56)),
        "masks": tv_tensors.Mask(torch.ones(1, 40, 56, dtype=torch.uint8)),
        "keypoints": tv_tensors.KeyPoints([[3.0, 4.0]], canvas_size=(40, 56)),
        "labels": torch.tensor([7]),
        "name": "scene",
    }
    made, labelled = v2.Compose([histogram])(image, target)
    assert isinstance(made, tv_tensors.Image)
    assert (made.shape, made.dtype) == (image.shape, torch.uint8)
    assert not torch.equal(made, image)
    assert torch.equal(made[0], made[1])
    assert torch.equal(made[0], made[2])
    assert labelled is not target
    for name, value in target.items():
        assert labelled[name] is value


@pytest.mark.parametrize("polarity", ["white-hot", "black-hot"])
def test_equals_the_convert_command(tmp_path: Path, polarity: str) -> None:
    Image.fromarray(photograph(45, 63)).save(tmp_path / "a.png")
    command = ["convert", str(tmp_path / "a.png"), "--style", "preset:lwir-road-day", "--polarity", polarity]
    assert main([*command, "-o", str(tmp_path / "out"), "-q", "--device", "cpu", "--strength", "0.7"]) == 0
    converted = np.asarray(Image.open(tmp_path / "out" / "a.png"))
    transform = ToInfrared(
        "preset:lwir-road-day", strength=0.7, channels=1, flip_probability=float(polarity == "black-hot")
    )
    np.testing.assert_array_equal(np.asarray(transform(Image.open(tmp_path / "a.png"))), converted)
    tensor = torch.from_numpy(photograph(45, 63)).permute(2, 0, 1)
    np.testing.assert_array_equal(transform(tensor).numpy()[0], converted)


@pytest.mark.parametrize("dtype", [torch.uint16, torch.float32, torch.float16, torch.float64])
def test_other_dtypes_agree_with_uint8(histogram: ToInfrared, dtype: torch.dtype) -> None:
    levels = torch.from_numpy(rgb())
    expected = histogram(levels).double() / 255
    given = levels.to(torch.int32).mul(257).to(dtype) if dtype == torch.uint16 else (levels.float() / 255).to(dtype)
    made = histogram(given)
    assert made.dtype == dtype
    scale = 65535 if dtype == torch.uint16 else 1
    assert float((made.double() / scale - expected).abs().mean()) < 2e-3


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("channels", [1, 3])
def test_pil_images_stay_pil_images(exemplar: Path, mode: str, channels: Any) -> None:
    transform = ToInfrared(str(exemplar), model="histogram", channels=channels)
    made = transform(Image.fromarray(photograph(40, 56)).convert(mode))
    assert (made.mode, made.size) == ("L" if channels == 1 else "RGB", (56, 40))


def test_batches_and_videos_share_one_draw(exemplar: Path) -> None:
    transform = ToInfrared(str(exemplar), model="histogram", strength=(0, 1), channels=1)
    frames = torch.from_numpy(np.stack([rgb(seed) for seed in range(3)]))
    torch.manual_seed(5)
    video = transform(tv_tensors.Video(frames))
    assert isinstance(video, tv_tensors.Video)
    assert video.shape == (3, 1, 40, 56)
    for index, frame in enumerate(frames):
        torch.manual_seed(5)
        assert torch.equal(transform(frame), video[index].as_subclass(torch.Tensor))


def test_gray_is_the_luma(exemplar: Path) -> None:
    made = ToInfrared(str(exemplar), model="histogram", gray_probability=1)(torch.from_numpy(rgb())).float()
    luma = (torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1) * torch.from_numpy(rgb()).float()).sum(0)
    assert float((made[0] - luma).abs().max()) <= 0.51


def test_flips_polarity(histogram: ToInfrared, exemplar: Path) -> None:
    flipped = ToInfrared(str(exemplar), model="histogram", exemplar_polarity="white-hot", flip_probability=1)
    image = torch.from_numpy(rgb())
    assert torch.equal(255 - flipped(image), histogram(image))
    unit = image.float() / 255
    torch.testing.assert_close(1 - flipped(unit), histogram(unit))


def test_sensor_sees_hot_as_bright_and_draws_its_noise(exemplar: Path, histogram: ToInfrared) -> None:
    image = torch.from_numpy(rgb(0, 96, 128)).float() / 255
    noisy = ToInfrared(str(exemplar), model="histogram", exemplar_polarity="white-hot", sensors="tau2-640")
    first, second = noisy(image), noisy(image)
    assert not torch.equal(first, second)
    assert float((first - histogram(image)).abs().mean()) < 0.1
    torch.manual_seed(1)
    once = noisy(image)
    torch.manual_seed(1)
    assert torch.equal(noisy(image), once)
    frames = noisy(torch.stack([image, image]))
    assert not torch.equal(frames[0], frames[1])


def test_follows_the_torch_seed_and_keeps_its_state(exemplar: Path) -> None:
    transform = ToInfrared(str(exemplar), model="histogram", strength=(0, 1))
    image = torch.from_numpy(rgb())
    torch.manual_seed(3)
    first, after = [transform(image) for _ in range(2)], torch.rand(1)
    torch.manual_seed(3)
    again, after_again = [transform(image) for _ in range(2)], torch.rand(1)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], first[1])
    assert torch.equal(after, after_again)
    torch.manual_seed(3)
    for _ in range(2):
        torch.randint(2**62, ())  # what the two draws take, and no more
    assert torch.equal(torch.rand(1), after)


def test_image_seed_depends_only_on_the_image(exemplar: Path) -> None:
    transform = ToInfrared(str(exemplar), model="histogram", strength=(0, 1), image_seed=4)
    first, second = torch.from_numpy(rgb(0)), torch.from_numpy(rgb(1))
    made = [transform(first), transform(second)]
    assert torch.equal(transform(second), made[1])
    assert torch.equal(transform(first), made[0])
    strengths = {transform.make_params([torch.from_numpy(rgb(seed))])["draw"].strength for seed in range(5)}
    assert len(strengths) == 5
    other = ToInfrared(str(exemplar), model="histogram", strength=(0, 1), image_seed=5)
    assert not torch.equal(other(first), made[0])


@pytest.mark.parametrize(("method", "workers"), [("fork", 2), ("spawn", 1)])
def test_workers_share_the_styles_and_agree_with_one_process(exemplar: Path, method: str, workers: int) -> None:
    transform = ToInfrared(
        str(exemplar), model="histogram", strength=(0, 1), sensors="boson-640", agc="camera", image_seed=1
    )
    transform(torch.from_numpy(rgb()))  # what has run before a fork must not stop the workers
    images = TorchvisionImages(transform, 4, 4)
    expected = [images[index][0] for index in range(4)]
    loader = DataLoader(images, batch_size=None, num_workers=workers, multiprocessing_context=method)
    found = list(loader)
    assert all(torch.equal(made, wanted) for (made, _, _), wanted in zip(found, expected, strict=True))
    assert {worker for _, _, worker in found} == set(range(workers))
    if method == "spawn":  # a fork shares all memory anyway
        assert all(shared for _, shared, _ in found)


def test_workers_and_epochs_draw_differently(exemplar: Path) -> None:
    images = TorchvisionImages(ToInfrared(str(exemplar), model="histogram", strength=(0, 1)), 4, 1)
    loader = DataLoader(images, batch_size=None, num_workers=2)
    torch.manual_seed(0)
    epochs = [made.numpy().tobytes() for _ in range(2) for made, _, _ in loader]
    assert len(set(epochs)) == 8
    torch.manual_seed(0)
    assert [made.numpy().tobytes() for _ in range(2) for made, _, _ in loader] == epochs


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (torch.full((3, 40, 56), 2.0), "before Normalize"),
        (torch.full((3, 40, 56), float("nan")), "before Normalize"),
        (torch.zeros(4, 40, 56), "3 or 1 channels"),
        (torch.zeros(3, 40, 56, dtype=torch.int64), "uint8, uint16 or float32"),
        (torch.zeros(3, 8, 56), "16"),
        (torch.zeros(40, 56), "H, W"),
        (Image.new("RGBA", (56, 40)), "mode RGB or L"),
    ],
)
def test_rejects_inputs_that_are_not_images(histogram: ToInfrared, image: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        histogram(image)


def test_prints_its_configuration(histogram: ToInfrared) -> None:
    assert "model='histogram'" in repr(histogram)
    assert not list(histogram.parameters()), "an optimizer must not find the weights of the transform"
