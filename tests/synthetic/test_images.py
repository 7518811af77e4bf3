import numpy as np
import pytest

from ir_transfer.synthetic.images import Rendered, render


def heat_over_ring(image: Rendered, label: str) -> list[float]:
    """Brightest quarter of every box minus the median of the ring around it."""
    found = []
    for box in image.boxes:
        if box.label != label:
            continue
        rows, columns = slice(box.top, box.top + box.height), slice(box.left, box.left + box.width)
        margin = 4
        ring = np.zeros(image.ir.shape, bool)
        ring[
            max(box.top - margin, 0) : box.top + box.height + margin,
            max(box.left - margin, 0) : box.left + box.width + margin,
        ] = True
        ring[rows, columns] = False
        found.append(float(np.percentile(image.ir[rows, columns], 75) - np.median(image.ir[ring])))
    return found


@pytest.fixture(scope="module")
def scenes() -> list[Rendered]:
    return [render(seed, size=(200, 160)) for seed in range(14)]


def test_equal_arguments_give_equal_images() -> None:
    one, other = (render(3, 1, size=(96, 80)) for _ in range(2))
    np.testing.assert_array_equal(one.rgb, other.rgb)
    np.testing.assert_array_equal(one.ir, other.ir)
    assert one.boxes == other.boxes
    assert np.abs(one.rgb - render(4, 1, size=(96, 80)).rgb).mean() > 0.02


def test_ranges_sizes_and_boxes(scenes: list[Rendered]) -> None:
    for scene in scenes:
        assert (scene.rgb.shape, scene.ir.shape) == ((160, 200, 3), (160, 200))
        assert 0 <= scene.rgb.min() <= scene.rgb.max() <= 1
        assert 0 <= scene.ir.min() <= scene.ir.max() <= 1
        for box in scene.boxes:
            assert 0 <= box.left < box.left + box.width <= 200
            assert 0 <= box.top < box.top + box.height <= 160
    assert {box.label for scene in scenes for box in scene.boxes} == {"person", "vehicle"}
    assert {scene.night for scene in scenes} == {True, False}


def test_people_and_most_cars_are_warmer_than_what_is_around_them(scenes: list[Rendered]) -> None:
    people = [gap for scene in scenes for gap in heat_over_ring(scene, "person")]
    cars = [gap for scene in scenes for gap in heat_over_ring(scene, "vehicle")]
    assert len(people) > 15
    assert np.mean(np.array(people) > 0.03) > 0.9
    assert np.mean(np.array(cars) > 0) > 0.6


def test_rgb_image_does_not_reveal_heat() -> None:
    gaps = []
    for seed in range(8):
        scene = render(seed, size=(200, 160), night=False)
        gray = Rendered(scene.rgb, scene.rgb.mean(axis=2), scene.boxes, scene.night, scene.labels)
        gaps += heat_over_ring(gray, "person")
    assert np.mean(np.array(gaps) > 0.03) < 0.5


def test_nir_leaves_are_bright_and_clear_sky_is_cold() -> None:
    scene, near = (render(4, size=(200, 160), night=False, band=band) for band in ("lwir", "nir"))
    np.testing.assert_array_equal(scene.rgb, near.rgb)
    green = (scene.rgb[..., 1] > scene.rgb[..., 0] + 0.05) & (scene.rgb[..., 1] > scene.rgb[..., 2] + 0.05)
    assert green.sum() > 50
    assert near.ir[green].mean() > scene.rgb[green].mean() + 0.15
    assert np.median(scene.ir[:15]) < 0.1 < 0.2 < np.median(scene.ir[-15:])


def test_objects_move_between_frames() -> None:
    first, second, last = (render(4, frame, size=(96, 80), night=False) for frame in (0, 1, 6))
    near, far = (np.abs(first.rgb - other.rgb).mean() for other in (second, last))
    assert 0 < near < far
