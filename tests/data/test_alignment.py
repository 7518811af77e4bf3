import numpy as np
import pytest

from ir_transfer.data.alignment import measure_shift
from ir_transfer.synthetic.images import render


@pytest.mark.parametrize("seed", [1, 4])
@pytest.mark.parametrize(("dx", "dy"), [(7, -4), (-5, 9)])
def test_known_offset_is_recovered(seed: int, dx: int, dy: int) -> None:
    scene = render(seed, size=(240, 180))
    photograph, infrared = scene.rgb.mean(axis=2), scene.ir
    moved = np.roll(infrared, (dy, dx), axis=(0, 1))
    shift = measure_shift(photograph[10:-10, 10:-10], moved[10:-10, 10:-10])
    assert shift.is_sure
    assert abs(shift.dx - dx) < 0.8
    assert abs(shift.dy - dy) < 0.8


def test_offset_is_in_full_resolution_pixels() -> None:
    scene = render(4, size=(640, 400))
    shift = measure_shift(scene.rgb.mean(axis=2)[:, :-12], scene.ir[:, 12:])
    assert abs(shift.dx + 12) < 1.5


def test_unrelated_images_have_low_confidence() -> None:
    random = np.random.default_rng(0)
    one, other = (random.random((120, 160)).astype(np.float32) for _ in range(2))
    assert measure_shift(one, other).score < 4.5
    flat = measure_shift(one, np.zeros((120, 160), np.float32))
    assert not flat.is_sure
