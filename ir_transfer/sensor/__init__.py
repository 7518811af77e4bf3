"""Model of an infrared camera: optics, sampling, noise, bad pixels, ADC, and AGC as a separate last stage.

Input and output are apparent intensities in [0, 1]; no value is a temperature.
"""

from ir_transfer.sensor.agc import Agc
from ir_transfer.sensor.camera import Camera
from ir_transfer.sensor.model import SensorModel, list_sensors, load_sensor

__all__ = ["Agc", "Camera", "SensorModel", "list_sensors", "load_sensor"]
