"""What an infrared camera does to an apparent intensity: optics, sampling, noise, bad pixels, ADC, and then AGC.

Everything is relative: an intensity in [0, 1] goes in and comes out, and no value is a temperature.
"""

from ir_transfer.sensor.agc import Agc
from ir_transfer.sensor.camera import Camera
from ir_transfer.sensor.model import SensorModel
from ir_transfer.sensor.presets import list_sensors, load_sensor

__all__ = ["Agc", "Camera", "SensorModel", "list_sensors", "load_sensor"]
