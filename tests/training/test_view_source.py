from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ir_transfer.errors import InputError, MissingFileError
from ir_transfer.models.registry import create_model
from ir_transfer.training.batches import Batch
from ir_transfer.training.processes import Processes
from ir_transfer.training.recipe import DataSection, ModelSection, Recipe, Source
from ir_transfer.training.view_source import ViewSource, make_source
from tests.training.views_of import painted

CHANGED: dict[str, Any] = {
    **{"degraded": 0.1, "darkened": 0.1, "glare": 0.1, "shuffled": 0.1, "starts": {"glare": 2}},
    **{"view_size": [64, 64], "views": 2},
    **{"crop": 64, "tone_spread": 0.1, "flips": 0.1},
}


def write(root: Path, count: int = 6) -> Path:
    """Write painted pairs and their labels; brightness increases with the scene number."""
    for side in ("rgb", "ir", "labels"):
        (root / side).mkdir(parents=True)
    for index in range(count):
        photograph, infrared, labels = painted(seed=index)
        dimmed = (photograph * ((index + 1) / count)).astype(np.uint8)
        Image.fromarray(dimmed).save(root / "rgb" / f"scene_{index}.png")
        Image.fromarray(infrared).save(root / "ir" / f"scene_{index}.png")
        Image.fromarray(labels, "RGBA").save(root / "labels" / f"scene_{index}.png")
    return root


@pytest.fixture
def section(tmp_path: Path) -> DataSection:
    write(tmp_path / "pairs")
    source = Source("pairs", labels="pairs/labels")
    return DataSection("lwir", [source], "pairs", validation_every=6, view_size=[64, 96], views=3)


def same(one: Batch, other: Batch) -> bool:
    return all(torch.equal(value, other.tensors()[name]) for name, value in one.tensors().items())


def test_batch_depends_only_on_seed_and_step(section: DataSection, tmp_path: Path) -> None:
    first, second = ViewSource(section, tmp_path, 3), ViewSource(section, tmp_path, 3)
    second.draw(0, 2)
    assert same(first.draw(7, 4), second.draw(7, 4))
    assert not same(first.draw(7, 4), first.draw(8, 4))
    assert not same(first.draw(7, 4), ViewSource(section, tmp_path, 4).draw(7, 4))


def test_shuffled_views_have_the_requested_share(section: DataSection, tmp_path: Path) -> None:
    plain = ViewSource(replace(section, views=0), tmp_path, 0).draw(0, 40)
    mixed = ViewSource(replace(section, views=0, shuffled=0.5), tmp_path, 0).draw(0, 40)
    changed = [not torch.equal(one, other) for one, other in zip(plain.content, mixed.content, strict=True)]
    assert 10 < sum(changed) < 30
    torch.testing.assert_close(mixed.content.sum((2, 3)), plain.content.sum((2, 3)))  # the same pixels


def test_share_is_zero_before_its_first_step(section: DataSection, tmp_path: Path) -> None:
    never = replace(section, views=0, degraded=0.0)
    plain = ViewSource(never, tmp_path, 0)
    late = ViewSource(replace(never, glare=1.0, starts={"glare": 5}), tmp_path, 0)
    always = ViewSource(replace(never, glare=1.0), tmp_path, 0)
    assert same(late.draw(4, 6), plain.draw(4, 6))
    assert same(late.draw(5, 6), always.draw(5, 6))
    assert not same(late.draw(5, 6), plain.draw(5, 6))


@pytest.mark.parametrize("key", ["degraded", "darkened", "glare", "shuffled", "starts", "view_size", "views"])
def test_keys_of_views_are_refused_for_crops(section: DataSection, tmp_path: Path, key: str) -> None:
    data = replace(DataSection("lwir", section.sources, "pairs", validation_every=6), **{key: CHANGED[key]})
    recipe = Recipe(ModelSection("gray"), data, {})
    with pytest.raises(InputError, match=rf"without data\.{key}, since model 'gray'.*trained on crops.*omit"):
        make_source(recipe, tmp_path, create_model("gray"), Processes())


@pytest.mark.parametrize("key", ["crop", "tone_spread", "flips"])
def test_keys_of_crops_are_refused_for_views(section: DataSection, tmp_path: Path, key: str) -> None:
    recipe = Recipe(ModelSection("adain"), replace(section, **{key: CHANGED[key]}), {})
    with pytest.raises(InputError, match=rf"without data\.{key}, .*trained on views in canonical tone"):
        make_source(recipe, tmp_path, create_model("adain"), Processes())


def test_shapes_ranges_and_tone(section: DataSection, tmp_path: Path) -> None:
    batch = ViewSource(section, tmp_path, 0).draw(0, 5)
    assert batch.content.shape == (5, 3, 64, 96)
    assert batch.truth.shape == (5, 1, 64, 96)
    assert batch.exemplar.shape == (5, 1, 128, 160)
    assert batch.classes is not None
    assert batch.classes.shape == (5, 11, 16, 24)
    torch.testing.assert_close(batch.classes.sum(1), torch.ones(5, 16, 24), atol=5e-3, rtol=0)
    assert batch.content.min() >= 0
    assert batch.content.max() <= 1
    for images in (batch.truth, batch.exemplar):
        torch.testing.assert_close(images.mean((1, 2, 3)), torch.full((5,), 0.5), atol=1e-3, rtol=0)
        torch.testing.assert_close(images.std((1, 2, 3)), torch.full((5,), 0.2), atol=1e-3, rtol=0)
    assert bool(batch.white_hot.all())
    assert bool(batch.registered.all())
    assert not batch.mirrored.any()


def test_equal_keys_give_equal_views(section: DataSection, tmp_path: Path) -> None:
    source = ViewSource(section, tmp_path, 0)
    seen: dict[tuple[int, ...], tuple[torch.Tensor, torch.Tensor]] = {}
    returned = 0
    for step in range(12):
        batch = source.draw(step, 4)
        assert batch.keys is not None
        for index, key in enumerate(map(tuple, batch.keys.tolist())):
            assert key[0] == 0
            assert key[1] < 5
            assert key[2] < 3
            content, truth = seen.setdefault(key, (batch.content[index], batch.truth[index]))
            returned += content is not batch.content[index]
            assert torch.equal(content, batch.content[index])
            assert torch.equal(truth, batch.truth[index])
    assert returned > 20
    assert len({tuple(content.flatten()[:50].tolist()) for content, _ in seen.values()}) == len(seen) > 10


def test_unlimited_views_have_no_keys(section: DataSection, tmp_path: Path) -> None:
    source = ViewSource(replace(section, views=0), tmp_path, 0)
    assert source.draw(0, 4).keys is None
    assert not torch.equal(source.draw(0, 4).content, source.draw(1, 4).content)
    assert same(source.draw(2, 4), ViewSource(replace(section, views=0), tmp_path, 0).draw(2, 4))


def test_rank_batches_form_the_whole_batch(section: DataSection, tmp_path: Path) -> None:
    whole = ViewSource(section, tmp_path, 3).draw(4, 6)
    for rank in range(3):
        part = ViewSource(section, tmp_path, 3, rank, 3).draw(4, 6)
        for name, tensor in whole.tensors().items():
            assert torch.equal(part.tensors()[name], tensor[rank::3]), name
    with pytest.raises(InputError, match=r"training\.batch_size.*=6"):
        ViewSource(section, tmp_path, 0, world_size=2).draw(0, 5)


@pytest.fixture
def told(section: DataSection, tmp_path: Path) -> DataSection:
    """Infrared images identifiable by their number of bright columns in any crop and tone."""
    for index in range(6):
        image = np.zeros((96, 128), np.uint8)
        image[:: index + 2] = 255
        Image.fromarray(image).save(tmp_path / "pairs" / "ir" / f"scene_{index}.png")
    return section


def exemplars_of(section: DataSection, root: Path, share: float) -> list[tuple[int, int]]:
    """Return the indices of the translated image and of its exemplar among the sources."""
    source = ViewSource(replace(section, own_exemplar=share), root, 0)
    asked: list[int] = []
    (images,) = source.sets
    load = type(images).infrared_image
    found = []
    for step in range(30):
        asked.clear()

        class Noted(type(images)):  # type: ignore[misc]
            def infrared_image(self, index: int) -> object:
                asked.append(index)
                return load(images, index)

        noted = Noted(**vars(images))
        source.sets = [noted]
        batch = source.draw(step, 4)
        assert batch.keys is not None
        pairs = [asked[place : place + 2] for place in range(0, 8, 2)]  # the truth's, then the exemplar's
        assert [first for first, _ in pairs] == batch.keys[:, 1].tolist()
        found += [(first, second) for first, second in pairs]
    return found


def test_exemplars_are_own_images_with_a_given_share_or_of_similar_brightness(
    told: DataSection, tmp_path: Path
) -> None:
    assert all(own == other for own, other in exemplars_of(told, tmp_path, 1.0))
    pairs = exemplars_of(told, tmp_path, 0.0)
    # Five images whose light grows with their number: the four nearest leave out the one at the other end.
    assert {other for own, other in pairs if own == 0} == {0, 1, 2, 3}
    assert {other for own, other in pairs if own == 4} == {1, 2, 3, 4}
    half = exemplars_of(told, tmp_path, 0.5)
    assert np.mean([own == other for own, other in half]) == pytest.approx(0.5 + 0.5 / 4, abs=0.12)


def test_unpaired_images_use_the_exemplar_as_target(section: DataSection, tmp_path: Path) -> None:
    unpaired = Source("pairs/rgb", pairing="unpaired", infrared="pairs/ir")
    data = replace(section, sources=[unpaired], validation="pairs/rgb", validation_pairing="unpaired")
    batch = ViewSource(data, tmp_path, 0).draw(0, 6)
    assert not batch.registered.any()
    resized = torch.nn.functional.interpolate(batch.exemplar, (64, 96), mode="bilinear")
    correlations = [np.corrcoef(a.flatten(), b.flatten())[0, 1] for a, b in zip(resized, batch.truth, strict=True)]
    assert min(correlations) > 0.999
    assert batch.classes is not None
    assert not batch.classes.any(), "no labels were named"


def test_paired_samples_are_weighted_over_all_ranks(section: DataSection, tmp_path: Path) -> None:
    unpaired = Source("pairs/rgb", pairing="unpaired", infrared="pairs/ir")
    data = replace(section, sources=[*section.sources, unpaired])
    parts = [ViewSource(data, tmp_path, 1, rank, 2).draw(0, 8) for rank in range(2)]
    registered = sum(int(part.registered.sum()) for part in parts)
    assert 0 < registered < 8
    for part in parts:
        assert part.truth_weight == pytest.approx(2 * int(part.registered.sum()) / registered)
    assert ViewSource(data, tmp_path, 1).draw(0, 8).truth_weight == 1


def test_validation_pairs_are_not_drawn(section: DataSection, tmp_path: Path) -> None:
    source = ViewSource(section, tmp_path, 0)
    assert source.count == 5
    assert "scene_0" not in {single.path.stem for single in source.sets[0].rgb}


def test_registration_is_applied_to_drawn_pairs(section: DataSection, tmp_path: Path) -> None:
    from tests.data.test_registration import moved, pair

    for index in range(6):
        photograph, infrared = pair(seed=index)
        off = moved(infrared, np.array([[1, 0, 5], [0, 1, 0]], np.float32))
        Image.fromarray(photograph).save(tmp_path / "pairs" / "rgb" / f"scene_{index}.png")
        Image.fromarray(off).save(tmp_path / "pairs" / "ir" / f"scene_{index}.png")
    raw, refined = (ViewSource(replace(section, register=r), tmp_path, 0).sets[0] for r in (False, True))
    for index in range(3):
        wanted = pair(seed=index + 1)[1].astype(float)[20:-20, 20:-20]
        errors = [np.abs(one.infrared_image(index)[20:-20, 20:-20] - wanted).mean() for one in (raw, refined)]
        assert errors[1] < 0.3 * errors[0]


def test_wrong_folders_name_the_key(section: DataSection, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"data\.sources\[0\]\.path.*--data has pairs"):
        ViewSource(replace(section, sources=[Source("pears")]), tmp_path, 0)
