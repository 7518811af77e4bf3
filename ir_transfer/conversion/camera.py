"""The simulated camera of a run: a sensor model and automatic gain control (AGC), applied to translated images."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import asdict, dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ir_transfer.errors import InputError
from ir_transfer.imaging.image_io import DecodedImage

if TYPE_CHECKING:
    from ir_transfer.conversion.plan import Job
    from ir_transfer.sensor import Agc, Camera, SensorModel

_CACHED_PIXELS = 2**22  # of all cameras: about 60 MB of noise patterns and transfer functions

AgcChoice = Literal["none", "camera", "linear", "percentile", "plateau", "clahe"]


@dataclass(frozen=True)
class CameraOptions:
    """The camera that a run simulates; none by default.

    Attributes:
        sensor: Name of a preset, or a YAML file.
        agc: Gain control; ``"none"`` keeps one radiometric window for the whole run, ``"camera"`` is that of the
            sensor.
        window: Intensities that a linear gain control maps to black and white.
    """

    sensor: str | None = None
    agc: AgcChoice = "none"
    window: tuple[float, float] = (0.0, 1.0)

    def open(self) -> tuple[SensorModel | None, Agc | None]:
        """Load the sensor and the gain control.

        Raises:
            InputError: ``agc="camera"`` without a sensor, or a window out of range or without ``agc="linear"``.
            IrTransferError: An unknown sensor, or an invalid file.
        """
        sensor = None if self.sensor is None else _load(self.sensor)
        low, high = self.window
        if not 0 <= low < high <= 1:
            raise InputError(f"expected --agc-window as LOW..HIGH in 0..1, got {low:g}..{high:g}")
        if self.window != (0.0, 1.0) and self.agc != "linear":
            raise InputError(f"expected --agc linear with --agc-window, got --agc {self.agc}: set it, or omit one")
        if self.agc == "none":
            return sensor, None
        if self.agc == "camera":
            if sensor is None:
                raise InputError("expected --sensor with --agc camera, got none: add one (see ir-transfer sensors)")
            return sensor, sensor.agc
        from ir_transfer.sensor import Agc

        return sensor, Agc(self.agc, low, high)

    def settings(self) -> dict[str, Any]:
        """Return everything that determines the pixel values, for the manifest; nothing without a camera."""
        sensor, agc = self.open()
        settings: dict[str, Any] = {} if sensor is None else {"sensor": sensor.look()}
        return settings if agc is None else {**settings, "agc": asdict(agc)}


NO_CAMERA = CameraOptions()


def _load(name: str) -> SensorModel:
    from ir_transfer.sensor import load_sensor  # takes half a second, so only with a sensor

    return load_sensor(name)


class CameraStep:
    """Applies a camera to the intensities of a run; thread-safe and picklable.

    The noise depends on the seed and the name of the result, not on the order of the images. Recently used cameras
    are cached by image size up to a total number of pixels, so that runs over many sizes do not grow in memory.

    Args:
        options: Sensor and gain control.
        seed: Seed of the run.
    """

    def __init__(self, options: CameraOptions, seed: int) -> None:
        self._options = options
        self._sensor, self._agc = options.open()
        self._seed = seed
        self._cameras: OrderedDict[tuple[int, ...], Camera] = OrderedDict()
        self._lock = Lock()

    def __reduce__(self) -> tuple[type[CameraStep], tuple[CameraOptions, int]]:
        """Pickle without the lock and the cached cameras."""
        return type(self), (self._options, self._seed)

    def __call__(self, intensity: NDArray[np.float32], job: Job, image: DecodedImage) -> NDArray[np.float32]:
        """Return a white-hot intensity (H, W) in [0, 1] as the camera displays it."""
        if self._sensor is not None:
            intensity = self._camera(self._sensor, intensity.shape).observe(intensity, str(job.output))
        return intensity if self._agc is None else self._agc.apply(intensity)

    def _camera(self, sensor: SensorModel, size: tuple[int, ...]) -> Camera:
        from ir_transfer.sensor import Camera

        with self._lock:
            camera = self._cameras.pop(size, None) or Camera(sensor, size[0], size[1], self._seed)
            self._cameras[size] = camera  # most recently used last
            while len(self._cameras) > 1 and sum(map(math.prod, self._cameras)) > _CACHED_PIXELS:
                self._cameras.popitem(last=False)
            return camera
