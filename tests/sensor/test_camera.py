"""The simulated camera: no stages, every single stage, and reproducibility by seed and frame."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from typing import SupportsIndex

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from ir_transfer.errors import InputError
from ir_transfer.sensor import Camera, SensorModel, load_sensor
from ir_transfer.sensor.model import Adc, BadPixels, Drift, Fixed, Optics, Sampling, Temporal
from tests.conftest import thermal
from tests.sensor.three_d_noise import Noise, measure_noise

SIZE = (128, 128)


def scene(height: int = 48, width: int = 64) -> NDArray[np.float32]:
    return thermal(height, width).astype(np.float32) / np.float32(255)


def flat(level: float = 0.5) -> NDArray[np.float32]:
    return np.full(SIZE, level, np.float32)


def measured(model: SensorModel, level: float = 0.5, frames: int = 24) -> Noise:
    camera = Camera(model, *SIZE, seed=5)
    return measure_noise(np.stack([camera.observe(flat(level), frame) for frame in range(frames)]))


@pytest.mark.parametrize(
    "model",
    [
        load_sensor("ideal"),
        SensorModel(
            optics=None,
            fixed=Fixed(),
            temporal=Temporal(netd_mk=0, span_kelvin=25),
            drift=Drift(shutter_frames=10),
            bad_pixels=BadPixels(replace=True),
            adc=Adc(16),
        ),
    ],
)
def test_without_noise_16_bits_only_round(model: SensorModel) -> None:
    image = np.random.default_rng(0).random((50, 60), dtype=np.float32)
    before = image.copy()
    observed = Camera(model, 50, 60, 0).observe(image, 3)
    assert np.abs(observed - image).max() <= 0.5001 / 65535
    assert (image == before).all()
    assert observed.dtype == np.float32


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_adc_has_the_given_number_of_levels(bits: int) -> None:
    ramp = np.linspace(-0.2, 1.2, 40_000, dtype=np.float32).reshape(100, 400)
    observed = Camera(SensorModel(adc=Adc(bits)), 100, 400, 0).observe(ramp, 0)  # type: ignore[arg-type]
    levels = observed.astype(np.float64) * (2**bits - 1)
    assert np.abs(levels - np.rint(levels)).max() < 0.01
    assert observed.min() == 0
    assert observed.max() == 1
    assert np.abs(observed - ramp.clip(0, 1)).max() <= 0.501 / (2**bits - 1)


def test_adc_saturates_at_its_limits_and_without_adc_values_are_clipped() -> None:
    ramp = np.linspace(-0.2, 1.2, 4000, dtype=np.float32).reshape(40, 100)
    narrow = Camera(SensorModel(adc=Adc(8, low=0.2, high=0.6)), 40, 100, 0).observe(ramp, 0)
    assert narrow.min() == pytest.approx(0.2)
    assert narrow.max() == pytest.approx(0.6)
    assert len(np.unique(narrow)) == 256
    assert (Camera(SensorModel(), 40, 100, 0).observe(ramp, 0) == ramp.clip(0, 1)).all()


@pytest.mark.parametrize(("netd", "span"), [(40, 25), (150, 10)])
def test_measured_netd_equals_the_given_one(netd: float, span: float) -> None:
    found = measured(SensorModel(temporal=Temporal(netd_mk=netd, span_kelvin=span), adc=Adc(14)))
    assert found.netd_mk(span) == pytest.approx(netd, rel=0.05)
    assert found.temporal == pytest.approx(netd / 1000 / span, rel=0.05)
    assert found.fixed < 0.1 * found.temporal


@pytest.mark.parametrize(("offset", "gain", "level"), [(0.004, 0, 0.5), (0, 0.01, 0.8), (0.003, 0.01, 0.4)])
def test_measured_fixed_pattern_noise_equals_the_given_one(offset: float, gain: float, level: float) -> None:
    model = SensorModel(
        fixed=Fixed(offset, gain), temporal=Temporal(netd_mk=100, span_kelvin=25, row=0.001), adc=Adc(14)
    )
    found = measured(model, level)
    assert found.fixed == pytest.approx(np.hypot(offset, gain * level), rel=0.05)
    assert found.netd_mk(25) == pytest.approx(100, rel=0.05)


def test_bundled_sensor_on_its_own_grid_reproduces_its_noise() -> None:
    sensor = replace(load_sensor("boson-320"), drift=None, bad_pixels=None, sampling=Sampling(128, 128))
    assert sensor.temporal is not None
    assert sensor.fixed is not None
    found = measured(sensor)
    assert found.netd_mk(25) == pytest.approx(40, rel=0.05)
    fixed = sensor.fixed
    parts = np.array([fixed.offset, fixed.gain / 2, fixed.row, fixed.column, fixed.shading])
    assert found.fixed == pytest.approx(np.sqrt((parts**2).sum()), rel=0.05)


@pytest.mark.parametrize("axis", ["row", "column"])
def test_row_and_column_noise_are_measured_separately(axis: str) -> None:
    found = measured(SensorModel(temporal=Temporal(read=0.002, **{axis: 0.003})))
    other = "column" if axis == "row" else "row"
    assert getattr(found, axis) == pytest.approx(0.003, rel=0.05)
    assert getattr(found, other) < 0.0002
    assert found.pixel == pytest.approx(0.002, rel=0.05)
    stripes = measured(SensorModel(fixed=Fixed(**{axis: 0.01})))
    assert getattr(stripes, f"fixed_{axis}") == pytest.approx(0.01, rel=0.2)  # 128 lines only
    assert stripes.temporal < 1e-6


@pytest.mark.parametrize("level", [0.1, 0.7])
def test_shot_noise_grows_with_the_signal(level: float) -> None:
    found = measured(SensorModel(temporal=Temporal(full_well_electrons=10_000, read=0.002)), level)
    assert found.pixel == pytest.approx(np.sqrt(level / 10_000 + 0.002**2), rel=0.05)


def test_shading_is_smooth_and_has_the_given_amplitude() -> None:
    observed = Camera(SensorModel(fixed=Fixed(shading=0.02)), *SIZE, 2).observe(flat(), 0) - 0.5
    assert observed.std() == pytest.approx(0.02, rel=0.001)
    assert np.abs(np.diff(observed, axis=0)).max() < 0.01


def test_drift_grows_between_shutter_corrections() -> None:
    camera = Camera(SensorModel(drift=Drift(shutter_frames=10, pattern=0.004, level=0.05)), *SIZE, 0)
    frames = [camera.observe(flat(), frame) for frame in (0, 5, 9, 10, 25)]
    assert (frames[0] == 0.5).all()
    assert (frames[3] == frames[0]).all()
    assert (frames[4] == frames[1]).all()
    assert frames[1].mean() - 0.5 == pytest.approx(0.025, abs=1e-4)
    assert frames[2].std() == pytest.approx(0.9 * 0.004, rel=0.03)
    assert np.corrcoef(frames[1].ravel(), frames[2].ravel())[0, 1] > 0.999


def test_bad_pixels_are_counted_and_replaced() -> None:
    shown = Camera(SensorModel(bad_pixels=BadPixels(dead=0.01, hot=0.005)), *SIZE, 0).observe(flat(), 0)
    assert (shown == 0).sum() == round(0.01 * 128 * 128)
    assert (shown == 1).sum() == round(0.005 * 128 * 128)
    ramp = np.broadcast_to(np.linspace(0.2, 0.8, 128, dtype=np.float32), SIZE)
    hidden = Camera(SensorModel(bad_pixels=BadPixels(0.01, 0.005, replace=True)), *SIZE, 0).observe(ramp, 0)
    assert np.abs(hidden - ramp).max() < 0.01
    assert ((shown != 0.5) | (hidden == ramp)).all()


def test_fixed_pattern_depends_on_seed_and_sensor() -> None:
    model = SensorModel(fixed=Fixed(offset=0.01, gain=0.01), bad_pixels=BadPixels(dead=0.01))
    one, again, other = (Camera(model, *SIZE, seed).observe(flat(), 0) for seed in (1, 1, 2))
    assert (one == again).all()
    assert (one != other).mean() > 0.9
    # A sensor with a grid of its own sees images of all sizes with its middle.
    sensor = replace(model, sampling=Sampling(128, 128))
    small = Camera(sensor, 64, 80, 1).observe(np.full((64, 80), 0.5, np.float32), 0)
    assert (small == Camera(sensor, *SIZE, 1).observe(flat(), 0)[32:96, 24:104]).all()


def test_stages_use_independent_random_numbers() -> None:
    fixed, temporal = Fixed(offset=0.01), Temporal(read=0.01)
    both, first, second = (
        Camera(SensorModel(fixed=f, temporal=t), *SIZE, 3).observe(flat(), 4) - 0.5
        for f, t in ((fixed, temporal), (fixed, None), (None, temporal))
    )
    assert both == pytest.approx(first + second, abs=1e-6)


def test_frames_do_not_depend_on_their_order() -> None:
    sensor = load_sensor("boson-640")
    keys: list[SupportsIndex | str] = [0, 7, "a.png", "\udcff.png", np.int64(7)]
    first = [Camera(sensor, 48, 64, 1).observe(scene(), key).tobytes() for key in keys]
    camera = Camera(sensor, 48, 64, 1)
    assert [camera.observe(scene(), key).tobytes() for key in reversed(keys)] == first[::-1]
    assert first[1] == first[4]
    assert len(set(first)) == 4


def test_frames_do_not_depend_on_the_process() -> None:
    code = (
        "import hashlib, numpy; from ir_transfer.sensor import *;"
        "x = numpy.linspace(0, 1, 3072, dtype=numpy.float32).reshape(48, 64);"
        "print(hashlib.sha256(Camera(load_sensor('lepton-3.5'), 48, 64, 9).observe(x, 'b.jpg').tobytes()).hexdigest())"
    )
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    ramp = np.linspace(0, 1, 3072, dtype=np.float32).reshape(48, 64)
    here = Camera(load_sensor("lepton-3.5"), 48, 64, 9).observe(ramp, "b.jpg").tobytes()
    assert hashlib.sha256(here).hexdigest() == there


def shift_of(image: NDArray[np.float32], observed: NDArray[np.float32]) -> tuple[float, float]:
    """Return the shift down and right in pixels, by least squares together with the blur, away from the borders."""
    down, right = (np.gradient(image, axis=axis) for axis in (0, 1))
    blur = cv2.Laplacian(image, cv2.CV_32F)
    inside = np.s_[8:-8, 8:-8]
    parts = np.stack([part[inside].ravel() for part in (-down, -right, blur)], axis=1)
    found = np.linalg.lstsq(parts, (observed - image)[inside].ravel())[0]
    return float(found[0]), float(found[1])


def test_coarse_sensor_keeps_size_and_position() -> None:
    lens = Optics(1.1, 11, 12, 0.3)
    model = SensorModel(sampling=Sampling(32, 24), optics=lens, adc=Adc(14))
    camera = Camera(model, 97, 131, 0)
    image = cv2.GaussianBlur(np.random.default_rng(0).random((97, 131), dtype=np.float32), (0, 0), 6)
    image = 0.5 + 10 * (image - image.mean())
    observed = camera.observe(image, 0)
    assert observed.shape == image.shape
    # A shift would go the other way in the mirrored image.
    for mirror in (np.s_[::-1], np.s_[:, ::-1]):
        assert np.abs(camera.observe(image[mirror], 0)[mirror] - observed).max() <= 1.1 / (2**14 - 1)
    assert shift_of(image, observed) == pytest.approx((0, 0), abs=0.1)  # a pixel of the sensor is 4 wide
    assert shift_of(image, np.roll(observed, 1, axis=1))[1] > 0.5
    levels = observed.astype(np.float64) * (2**14 - 1)
    assert np.abs(levels - np.rint(levels)).max() < 0.01


def test_noise_of_a_coarse_sensor_is_on_its_own_grid() -> None:
    model = SensorModel(sampling=Sampling(32, 32), temporal=Temporal(read=0.01))
    camera = Camera(model, *SIZE, 0)
    noise = camera.observe(flat(), 0) - 0.5
    assert np.corrcoef(noise[:, :-1].ravel(), noise[:, 1:].ravel())[0, 1] > 0.8
    assert 0.5 * 0.01 < noise.std() < 0.8 * 0.01


def test_invalid_images_are_rejected() -> None:
    camera = Camera(load_sensor("ideal"), 20, 30, 0)
    with pytest.raises(InputError, match="20 x 30"):
        camera.observe(np.zeros((30, 20), np.float32), 0)
    with pytest.raises(InputError, match="finite"):
        camera.observe(np.full((20, 30), np.nan, np.float32), 0)
    with pytest.raises(InputError, match="at least 0, got -1"):
        camera.observe(np.zeros((20, 30), np.float32), -1)
    with pytest.raises(InputError, match="seed"):
        Camera(load_sensor("ideal"), 20, 30, -1)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (17, 3)])
def test_tiny_images(size: tuple[int, int]) -> None:
    sensor = load_sensor("lepton-2.5")
    observed = Camera(sensor, *size, 0).observe(np.full(size, 0.5, np.float32), 0)
    assert observed.shape == size
    assert np.isfinite(sensor.agc.apply(observed)).all()
