"""The camera of a run: a sensor that observes what was translated, and the gain control that shows it."""

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

_KEPT_PIXELS = 2**22  # of all cameras: about 60 MB of patterns and transfer functions

AgcChoice = Literal["none", "camera", "linear", "percentile", "plateau", "clahe"]


@dataclass(frozen=True)
class CameraOptions:
    """What camera a run was asked to imitate; none by default.

    Attributes:
        sensor: Name of a preset or a YAML file.
        agc: ``"none"`` keeps one radiometric window for the whole run, ``"camera"`` takes the sensor's own control.
        window: Intensities that a linear gain control shows black and white.
    """

    sensor: str | None = None
    agc: AgcChoice = "none"
    window: tuple[float, float] = (0.0, 1.0)

    def open(self) -> tuple[SensorModel | None, Agc | None]:
        """Return the sensor and the gain control that were asked for.

        Raises:
            InputError: ``agc`` of no sensor, or a window out of range or without ``agc`` of kind linear.
            IrTransferError: No such sensor, or a faulty file.
        """
        sensor = None if self.sensor is None else _load(self.sensor)
        low, high = self.window
        if not 0 <= low < high <= 1:
            raise InputError(f"expected --agc-window as LOW..HIGH in 0..1, got {low:g}..{high:g}")
        if self.window != (0.0, 1.0) and self.agc != "linear":
            raise InputError(f"expected --agc linear with --agc-window, got --agc {self.agc}: set it, or leave one out")
        if self.agc == "none":
            return sensor, None
        if self.agc == "camera":
            if sensor is None:
                raise InputError("expected --sensor with --agc camera, got none: name one (see ir-transfer sensors)")
            return sensor, sensor.agc
        from ir_transfer.sensor import Agc

        return sensor, Agc(self.agc, low, high)

    def look(self) -> dict[str, Any]:
        """Return all that decides the pixels, for the manifest; nothing without a camera."""
        sensor, agc = self.open()
        look: dict[str, Any] = {} if sensor is None else {"sensor": sensor.look()}
        return look if agc is None else {**look, "agc": asdict(agc)}


NO_CAMERA = CameraOptions()


def _load(name: str) -> SensorModel:
    from ir_transfer.sensor import load_sensor  # half a second, which runs without a sensor are spared

    return load_sensor(name)


class CameraStep:
    """Observes intensities with one sensor through a whole run; many threads and other processes may call it.

    Its noise is that of the seed and the name of the result, whatever the order of the images. Cameras of small
    sizes that were used lately are kept; in a run over thousands of sizes they take no more memory.

    Args:
        options: What was asked for.
        seed: Of the run.
    """

    def __init__(self, options: CameraOptions, seed: int) -> None:
        self._options = options
        self._sensor, self._agc = options.open()
        self._seed = seed
        self._cameras: OrderedDict[tuple[int, ...], Camera] = OrderedDict()
        self._lock = Lock()

    def __reduce__(self) -> tuple[type[CameraStep], tuple[CameraOptions, int]]:
        """Let it travel to another process without its lock and cameras."""
        return type(self), (self._options, self._seed)

    def __call__(self, intensity: NDArray[np.float32], job: Job, image: DecodedImage) -> NDArray[np.float32]:
        """Return what the camera shows of a white-hot intensity (H, W) in [0, 1]."""
        if self._sensor is not None:
            intensity = self._camera(self._sensor, intensity.shape).observe(intensity, str(job.output))
        return intensity if self._agc is None else self._agc.apply(intensity)

    def _camera(self, sensor: SensorModel, size: tuple[int, ...]) -> Camera:
        from ir_transfer.sensor import Camera

        with self._lock:
            camera = self._cameras.pop(size, None) or Camera(sensor, size[0], size[1], self._seed)
            self._cameras[size] = camera  # the last to be dropped
            while len(self._cameras) > 1 and sum(map(math.prod, self._cameras)) > _KEPT_PIXELS:
                self._cameras.popitem(last=False)
            return camera
