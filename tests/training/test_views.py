from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from ir_transfer.training.degrade import Degradation
from ir_transfer.training.views import (
    Crop,
    View,
    canonical,
    draw_crop,
    draw_exemplar,
    draw_view,
    mean_luma,
    neighbours,
    read_labels,
)
from tests.training.views_of import painted

SIZE = (64, 96)


def interior(classes: Tensor) -> Tensor:
    """Return where a position has the class of all its neighbours (h, w)."""
    found = torch.ones_like(classes, dtype=torch.bool)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            found &= classes.roll((dy, dx), (0, 1)) == classes
    found[0], found[-1], found[:, 0], found[:, -1] = False, False, False, False
    return found


def test_labels_and_target_stay_aligned() -> None:
    """The red level determines the class, after any crop, resizing and mirroring."""
    photograph, infrared, labels = painted()
    checked = mirrored = 0
    for seed in range(24):
        view = draw_view(photograph, infrared, labels, SIZE, np.random.default_rng(seed), None, Degradation(0.0))
        assert view.classes is not None
        assert view.truth is not None
        assert (view.content.shape, view.truth.shape, view.classes.shape) == ((3, 64, 96), (1, 64, 96), (11, 16, 24))
        classes = view.classes.argmax(0)
        middle = interior(classes)
        red = view.content[0].float().unfold(0, 4, 4).unfold(1, 4, 4).mean((2, 3))
        assert (red / 20 - classes).abs()[middle].max() < 0.5
        checked += int(middle.sum())
        truth = view.truth[0].float()
        low, high = truth.unfold(0, 4, 4).unfold(1, 4, 4).mean((2, 3))[middle].aminmax()
        order = np.corrcoef(truth.flatten().numpy(), view.content[0].float().flatten().numpy())[0, 1]
        assert order > 0.98, "the truth is cropped and mirrored as the RGB image is"
        assert high > low
        crop = draw_crop(96, 128, labels, np.random.default_rng(seed))
        part = crop.of(photograph, SIZE)
        straight = (view.content[0].float() / 255 - part[0]).abs().mean()
        turned = (view.content[0].float() / 255 - part[0].flip(-1)).abs().mean()
        mirrored += int(turned < straight)
    assert checked > 1000
    assert 4 < mirrored < 20


def test_view_depends_only_on_the_random_state() -> None:
    photograph, infrared, labels = painted()
    one, two, other = (draw_view(photograph, infrared, labels, SIZE, np.random.default_rng(s)) for s in (3, 3, 4))
    for name in ("content", "truth", "classes"):
        assert torch.equal(getattr(one, name), getattr(two, name))
        assert not torch.equal(getattr(one, name), getattr(other, name))


def test_darkening_applies_to_a_share_of_rgb_images_but_not_to_targets() -> None:
    rgb, infrared, labels = painted()

    def drawn(darkened: float) -> list[View]:
        degradation = Degradation(1.0, darkened)
        return [draw_view(rgb, infrared, labels, SIZE, np.random.default_rng(s), None, degradation) for s in range(12)]

    light, dark = drawn(0.0), drawn(1.0)
    mean_light, mean_dark = (float(np.mean([view.content.float().mean() for view in found])) for found in (light, dark))
    assert mean_dark < 0.85 * mean_light
    for one, other in zip(light, dark, strict=True):
        assert one.truth is not None
        assert other.truth is not None
        assert torch.equal(one.truth, other.truth)


@pytest.mark.parametrize("seed", range(6))
def test_squares_of_all_planes_move_together(seed: int) -> None:
    rows, columns = torch.meshgrid(torch.arange(128), torch.arange(192), indexing="ij")
    content = torch.stack([rows, columns, rows % 7]).byte()
    view = View(content, rows[None].half(), columns[None, ::4, ::4].half(), columns[None] % 3 == 0)
    found = view.shuffled(np.random.default_rng(seed))
    assert found.truth is not None
    assert found.classes is not None
    assert found.valid is not None
    assert not torch.equal(found.content, content)
    assert torch.equal(found.truth, found.content[:1].half())
    assert torch.equal(found.classes, found.content[1:2, ::4, ::4].half())
    assert torch.equal(found.valid, found.content[1:2] % 3 == 0)
    places = found.content[0].long() * 192 + found.content[1]
    assert torch.equal(places.flatten().sort().values, torch.arange(128 * 192))  # each pixel is there once
    for square in places.unfold(0, 32, 32).unfold(1, 32, 32).reshape(-1, 32, 32):
        assert (square.diff(dim=0) == 192).all()
        assert (square.diff(dim=1) == 1).all()


def test_missing_inputs_are_none_and_do_not_change_the_rest() -> None:
    photograph, infrared, labels = painted()
    whole = draw_view(photograph, infrared, labels, SIZE, np.random.default_rng(1))
    alone = draw_view(photograph, None, labels, SIZE, np.random.default_rng(1))
    assert alone.truth is None
    assert torch.equal(alone.content, whole.content)
    assert draw_view(photograph, infrared, None, SIZE, np.random.default_rng(1)).classes is None


def test_degraded_images_are_not_darkened(monkeypatch: pytest.MonkeyPatch) -> None:
    """A daytime infrared image does not become a night-time one."""

    def refuse(*_: object) -> Tensor:
        raise AssertionError("darkened")

    monkeypatch.setattr("ir_transfer.training.degrade.darken", refuse)
    bright = np.full((96, 128, 3), 150, np.uint8)
    drawn = [draw_view(bright, None, None, SIZE, np.random.default_rng(seed)) for seed in range(40)]
    assert len({round(view.content.float().mean().item()) for view in drawn}) > 10, "they are degraded in other ways"


def test_half_of_the_crops_are_centred_on_people_and_vehicles() -> None:
    labels = np.zeros((24, 32, 4), np.uint8)
    labels[..., 0], labels[..., 1] = 7, 255
    labels[3:5, 28:30, 0] = 1
    labels[20:22, 2:4, 0] = 3
    found: Counter[str] = Counter()
    for seed in range(400):
        crop = draw_crop(960, 1280, labels, np.random.default_rng(seed))
        middle = crop.top + crop.height / 2, crop.left + crop.width / 2
        # Towards the border, for a crop does not reach beyond it.
        corner = {(True, False): "person", (False, True): "vehicle"}.get(
            (
                crop.top < 1e-9 and crop.left + crop.width > 1 - 1e-9,
                crop.top + crop.height > 1 - 1e-9 and crop.left < 1e-9,
            ),
            "elsewhere",
        )
        found[corner] += 1
        assert 0 <= middle[0] <= 1
    chance = Counter(
        "person" if crop.top < 1e-9 and crop.left + crop.width > 1 - 1e-9 else "other"
        for crop in (draw_crop(960, 1280, None, np.random.default_rng(seed)) for seed in range(400))
    )["person"]
    assert found["person"] == pytest.approx(400 * 0.5 * 0.65 + 0.5 * chance, abs=45)
    assert found["vehicle"] == pytest.approx(400 * 0.5 * 0.35 + 0.5 * chance, abs=40)


@pytest.mark.parametrize("size", [(480, 640), (512, 512), (640, 300), (100, 700)])
def test_crops_are_inside_the_image_and_keep_their_aspect(size: tuple[int, int]) -> None:
    for seed in range(50):
        crop = draw_crop(*size, None, np.random.default_rng(seed))
        assert crop.top >= 0
        assert crop.left >= 0
        assert crop.top + crop.height <= 1 + 1e-9
        assert crop.left + crop.width <= 1 + 1e-9
        aspect = crop.width * size[1] / (crop.height * size[0])
        assert 1.04 < aspect < 1.46
        assert crop.width * size[1] >= 0.5 * min(size[1], 1.05 * size[0]) - 1


def test_crop_keeps_its_range_when_resized() -> None:
    levels = np.arange(100 * 120, dtype=np.uint16).reshape(100, 120) * 5
    found = Crop(0.25, 0.5, 0.5, 0.25).of(levels, (50, 30))
    torch.testing.assert_close(found[0], torch.from_numpy(levels[25:75, 60:90] / 65535).float())


def test_canonical_tone() -> None:
    images = torch.rand(2, 1, 30, 40) * torch.tensor([3.0, 0.01])[:, None, None, None]
    found = canonical(images)
    torch.testing.assert_close(found.mean((1, 2, 3)), torch.full((2,), 0.5))
    torch.testing.assert_close(found.std((1, 2, 3), correction=0), torch.full((2,), 0.2), atol=1e-4, rtol=0)
    view = draw_view(*painted(), SIZE, np.random.default_rng(0))
    assert view.truth is not None
    assert view.truth.float().mean().item() == pytest.approx(0.5, abs=1e-3)
    assert view.truth.float().std().item() == pytest.approx(0.2, abs=1e-3)


@pytest.mark.parametrize("size", [(96, 128), (200, 90), (64, 300)])
def test_exemplars_are_crops_in_canonical_tone(size: tuple[int, int]) -> None:
    infrared = np.random.default_rng(0).integers(0, 256, size).astype(np.uint8)
    exemplars = [draw_exemplar(infrared, np.random.default_rng(seed)) for seed in range(8)]
    for exemplar in exemplars:
        assert exemplar.shape == (1, 128, 160)
        assert exemplar.mean().item() == pytest.approx(0.5, abs=1e-3)
    assert not torch.equal(exemplars[0], exemplars[1])
    assert torch.equal(exemplars[3], draw_exemplar(infrared, np.random.default_rng(3)))


def test_neighbours_have_similar_brightness() -> None:
    lumas = np.array([0.1, 0.9, 0.12, 0.5, 0.11, 0.8, 0.55, 0.2])
    assert {*neighbours(lumas, 0)} == {0, 4, 2, 7}
    assert {*neighbours(lumas, 1)} == {1, 5, 6, 3}
    assert len(neighbours(np.linspace(0, 1, 40), 20)) == 10
    assert {*neighbours(np.linspace(0, 1, 40), 20)} <= set(range(15, 26))


def test_mean_luma_is_that_of_the_image() -> None:
    levels = np.zeros((64, 64, 3), np.uint8)
    levels[..., 1] = 255
    assert mean_luma(levels) == pytest.approx(0.587, abs=1e-4)


def test_labels_are_found_by_stem(tmp_path: Path) -> None:
    labels = painted()[2]
    Image.fromarray(labels, "RGBA").save(tmp_path / "a.png")
    found = read_labels(tmp_path, "a")
    assert found is not None
    assert np.array_equal(found, labels)
    assert read_labels(tmp_path, "b") is None
    assert read_labels(None, "a") is None
