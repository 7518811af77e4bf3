from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ir_transfer.data.registration import Registration, apply_registration, measure_registration

Floats = NDArray[np.float32]


def pair(height: int = 240, width: int = 320, seed: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return an RGB image and an infrared image with the same edges but different contrast of either sign."""
    random = np.random.default_rng(seed)
    rgb, ir = np.full((height, width, 3), 0.5), np.full((height, width), 0.4)
    for _ in range(40):
        (x, y), (wide, tall) = random.uniform((0, 0), (width, height)), random.uniform(16, 80, 2)
        mask = np.zeros((height, width), np.uint8)
        cv2.ellipse(mask, ((x, y), (wide, tall), random.uniform(0, 180)), 1, -1)
        rgb[mask > 0], ir[mask > 0] = random.random(3), random.random()
    blurred = (cv2.GaussianBlur(image.astype(np.float32), (0, 0), 1.2) for image in (rgb, ir))
    first, second = ((image * 255).round().astype(np.uint8) for image in blurred)
    return first, second


def moved(infrared: NDArray[np.uint8], matrix: Floats) -> NDArray[np.uint8]:
    """Return the image warped by a motion; ``matrix`` is the inverse motion."""
    size = (infrared.shape[1], infrared.shape[0])
    found = cv2.warpAffine(infrared, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.uint8)


def largest_error(found: Floats, wanted: Floats, size: tuple[int, int]) -> float:
    """Return the largest distance in pixels of two motions over the central half of an image."""
    rows, columns = (np.linspace(0.15, 0.85, 5) * side for side in size)
    points = np.array([[x, y, 1] for x in columns for y in rows], np.float32)
    return float(np.linalg.norm(points @ found.T - points @ wanted.T, axis=1).max())


MOTIONS = {
    "shift": [[1, 0, 3.4], [0, 1, -2.2]],
    "small": [[1, 0, -0.8], [0, 1, 0.6]],
    "affine": [[1.008, 0.006, 1.5], [-0.005, 0.995, 2.0]],
}


@pytest.mark.parametrize("name", MOTIONS)
@pytest.mark.parametrize("size", [(240, 320), (300, 480)])
def test_known_motion_is_recovered_within_a_third_of_a_pixel(name: str, size: tuple[int, int]) -> None:
    wanted = np.array(MOTIONS[name], np.float32)
    photograph, infrared = pair(*size)
    off = moved(infrared, wanted)
    found = measure_registration(photograph, off)
    assert largest_error(found.matrix, wanted, size) < 0.3
    assert found.improves == (name != "small" or found.after >= found.before + 0.01)
    assert found.after > found.before
    middle = (slice(30, -30), slice(30, -30))
    before, after = (np.abs(image[middle].astype(float) - infrared[middle]).mean() for image in (
        off, apply_registration(off, found)
    ))  # fmt: skip
    assert after < 0.5 * before


def test_registered_pair_is_unchanged() -> None:
    photograph, infrared = pair()
    found = measure_registration(photograph, infrared)
    assert largest_error(found.matrix, np.eye(2, 3, dtype=np.float32), (240, 320)) < 0.3
    assert not found.improves


def test_registration_never_worsens_unrelated_images() -> None:
    for seed in range(4):
        found = measure_registration(pair(seed=seed)[0], pair(seed=seed + 10)[1])
        corners = np.array([[0, 0, 1], [320, 0, 1], [0, 240, 1], [320, 240, 1]], np.float32)
        assert np.abs(corners @ found.matrix.T - corners[:, :2]).max() <= 0.03 * 320 + 1e-3
        assert not found.improves or found.after > found.before


def test_failed_or_excessive_registration_gives_the_identity() -> None:
    photograph, infrared = pair()
    flat = np.full_like(infrared, 90)
    far = moved(infrared, np.array([[1, 0, 14], [0, 1, 0]], np.float32))
    for other in (flat, far):
        found = measure_registration(photograph, other)
        assert np.array_equal(found.matrix, np.eye(2, 3))
        assert found.after == found.before
        assert not found.improves
        assert np.array_equal(apply_registration(other, found), other)


def test_16_bit_images_stay_16_bit() -> None:
    photograph, infrared = pair()
    wide = infrared.astype(np.uint16) * 257
    off = cv2.warpAffine(
        wide, np.array([[1, 0, 4], [0, 1, 0]], np.float32), (320, 240), borderMode=cv2.BORDER_REPLICATE
    )
    found = measure_registration(photograph, np.asarray(off, np.uint16))
    assert found.matrix[0, 2] == pytest.approx(4, abs=0.3)
    back = apply_registration(np.asarray(off, np.uint16), found)
    assert back.dtype == np.uint16
    assert back.max() > 40_000


def test_a_gain_below_a_hundredth_changes_nothing() -> None:
    identity = np.eye(2, 3, dtype=np.float32)
    assert not Registration(identity, 0.5, 0.509).improves
    assert Registration(identity, 0.5, 0.511).improves
    assert not Registration(identity, 0.5, float("nan")).improves
