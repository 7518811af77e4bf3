from __future__ import annotations

import time

import numpy as np
import pytest
from numpy.typing import NDArray

from ir_transfer.conversion.heat.masks import MappedObject, Outlined, Soft, linear_weights, part_of, soft_mask
from ir_transfer.labels.regions import Region, mask_region, polygon_region

Floats = NDArray[np.float32]
BOX = (20.0, 10.0, 50.0, 70.0)


def full(soft: Soft, height: int = 80, width: int = 100) -> Floats:
    found = np.zeros((height, width), np.float32)
    found[soft.window] = soft.share
    return found


def cross() -> NDArray[np.bool_]:
    """A cross-shaped figure that leaves the corners of its box empty."""
    inside = np.zeros((80, 100), bool)
    inside[10:70, 30:40] = True
    inside[25:40, 20:50] = True
    return inside


def scene(inside: NDArray[np.bool_], contrast: float = 0.5) -> Floats:
    noise = np.random.default_rng(0).normal(0, contrast / 50, inside.shape)
    return (0.3 + contrast * inside + noise).astype(np.float32).clip(0, 1)


@pytest.mark.parametrize("contrast", [0.5, 0.05])
def test_box_mask_follows_image_edges_for_bright_and_dark_objects(contrast: float) -> None:
    share = full_of_box(scene(cross(), contrast))
    assert share[cross()].mean() > 0.75
    corner = np.zeros_like(cross())
    corner[10:22, 20:28] = corner[45:70, 20:28] = True
    assert share[corner].mean() < 0.1


def full_of_box(luma: Floats) -> Floats:
    soft = soft_mask(Region("person", "1", BOX), luma)
    assert soft is not None
    return full(soft)


def test_box_without_edges_gives_a_soft_ellipse() -> None:
    share = full_of_box(np.full((80, 100), 0.5, np.float32))
    assert share[40, 35] > 0.95
    assert max(share[12, 22], share[68, 48]) < 1e-3
    outside = np.ones_like(share, bool)
    outside[4:76, 14:56] = False
    assert share[outside].max() < 1e-3
    assert np.abs(np.diff(share, axis=1)).max() < 0.5


def test_mask_changes_only_at_its_edges() -> None:
    inside = cross()
    for luma in (scene(inside), np.full((80, 100), 0.5, np.float32)):
        soft = soft_mask(mask_region("person", "1", inside), luma)
        assert soft is not None
        share = full(soft)
        assert share[12:68, 33:37].min() > 0.9
        assert abs(share.sum() / inside.sum() - 1) < 0.1
        assert share[~inside].mean() < 0.02


def test_object_parts_blend_into_the_object() -> None:
    inside = np.zeros((80, 100), bool)
    inside[10:70, 20:50] = True
    soft = soft_mask(mask_region("person", "1", inside), np.full((80, 100), 0.5, np.float32))
    assert soft is not None
    whole = full(soft)
    shares = {part: full(part_of(soft, BOX, part)) for part in ("head", "torso", "engine", "wheels")}
    assert all((share <= whole + 1e-6).all() for share in shares.values())
    assert shares["head"][12:14, 33:37].min() > 0.8
    assert shares["head"][30:].max() == 0
    assert shares["torso"][35, 35] > 0.95
    assert shares["wheels"][66, 35] > 0.95
    assert shares["wheels"][:44].max() == 0
    engine = shares["engine"]
    assert engine[46, 35] > 0.95
    assert engine[15].max() == 0
    column = engine[:, 35]
    assert np.abs(np.diff(column)).max() < 0.3


@pytest.mark.parametrize(
    "box", [(-30.0, 10.0, 20.0, 50.0), (90.0, 70.0, 130.0, 95.0), (-1e9, -1e9, 1e9, 1e9), (40.2, 40.2, 40.6, 40.6)]
)
def test_extreme_boxes_are_handled(box: tuple[float, float, float, float]) -> None:
    start = time.process_time()
    soft = soft_mask(Region("person", "1", box), scene(cross()))
    assert time.process_time() - start < 1
    if soft is not None:
        share = full(soft)
        assert np.isfinite(share).all()
        assert share.min() >= 0
        assert share.max() <= 1.0001


@pytest.mark.parametrize("box", [(-30.0, 10.0, 0.0, 50.0), (100.0, 0.0, 120.0, 20.0), (0.0, 1e9, 5.0, 2e9)])
def test_box_outside_the_image_has_no_pixels(box: tuple[float, float, float, float]) -> None:
    assert soft_mask(Region("person", "1", box), scene(cross())) is None


def test_empty_mask_has_no_pixels() -> None:
    empty = Region("person", "1", BOX, lambda height, width: np.zeros((height, width), bool))
    assert soft_mask(empty, scene(cross())) is None


def test_rectangular_outline_is_treated_as_a_box() -> None:
    left, top, right, bottom = BOX
    outline = [left, top, right, top, right, bottom, left, bottom]
    luma = scene(cross())
    drawn = soft_mask(polygon_region("person", "1", [outline]), luma)
    assert drawn is not None
    np.testing.assert_array_equal(full(drawn), full_of_box(luma))
    slanted = soft_mask(polygon_region("person", "1", [[left, top, right, top + 3, right, bottom, left, bottom]]), luma)
    assert slanted is not None
    assert full(slanted)[12:20, 21:28].mean() > 0.5


def mapped(luma: Floats, inside: NDArray[np.bool_], cell: int) -> MappedObject:
    """Return the mapped object of a mask (H, W) on a grid of square cells."""
    height, width = (-(-side // cell) for side in inside.shape)
    grown = np.zeros((height * cell, width * cell), np.float32)
    grown[: inside.shape[0], : inside.shape[1]] = inside
    return MappedObject("person", (0, 0), grown.reshape(height, cell, width, cell).mean((1, 3)), (cell, cell))


@pytest.mark.parametrize("cell", [4, 6])
def test_coarse_map_is_refined_to_image_edges(cell: int) -> None:
    inside = cross()
    one = mapped(scene(inside), inside, cell)
    soft, flat = one.soft(scene(inside)), one.soft(np.full((80, 100), 0.5, np.float32))
    assert soft is not None
    assert flat is not None
    wrong, wrong_flat = (np.abs(full(found) - inside).sum() for found in (soft, flat))
    assert wrong < 0.5 * wrong_flat
    assert wrong < 0.2 * inside.sum()


def test_mapped_object_covers_its_cells() -> None:
    share = np.zeros((5, 4), np.float32)
    share[1:4, 1:3] = 1
    share[4, 1] = 0.4
    one = MappedObject("person", (2, 10), share, (5.0, 4.0))
    assert one.box == (44.0, 15.0, 52.0, 30.0)
    soft = one.soft(np.full((80, 100), 0.5, np.float32))
    assert soft is not None
    rows, columns = np.nonzero(full(soft) > 0.5)
    assert (rows.min(), columns.min()) == (15, 44)
    assert (columns.max(), abs(int(rows.max()) - 29) <= 2) == (51, True)


def test_labels_beyond_the_image_have_no_pixels() -> None:
    share = np.ones((4, 4), np.float32)
    assert MappedObject("person", (40, 0), share, (4.0, 4.0)).soft(np.zeros((80, 100), np.float32)) is None
    edge = MappedObject("person", (18, 23), share, (4.0, 4.0)).soft(np.zeros((80, 100), np.float32))
    assert edge is not None
    assert full(edge)[76:, 94:].min() > 0.9


def test_outlined_and_mapped_objects_have_the_same_parts() -> None:
    inside = np.zeros((80, 100), bool)
    inside[12:68, 20:52] = True
    luma = scene(inside)
    outlined, cells = Outlined(mask_region("person", "1", inside)), mapped(luma, inside, 4)
    assert outlined.box == cells.box == (20.0, 12.0, 52.0, 68.0)
    softs = [one.soft(luma) for one in (outlined, cells)]
    heads = [full(part_of(soft, outlined.box, "head")) for soft in softs if soft is not None]
    assert np.abs(heads[0] - heads[1]).mean() < 0.002


def test_values_are_interpolated_and_clamped() -> None:
    weights = linear_weights(np.array([-2.0, 0.0, 0.25, 1.5, 2.0, 9.0]), 3)
    np.testing.assert_allclose(weights @ [10.0, 20.0, 40.0], [10, 10, 12.5, 30, 40, 40])
