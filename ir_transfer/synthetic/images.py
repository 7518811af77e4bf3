"""Rendering a scene: the surface that each pixel shows, and its visible, near-infrared and long-wave radiance.

Visible and near infrared: reflectance times (sun + sky + lamps), plus emitted light. Long-wave infrared: emissivity
times the radiance at the temperature of the surface, plus (1 - emissivity) times that of its surroundings. All images
use the same surfaces and the same pinhole camera, so that they are registered exactly.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ir_transfer.synthetic.geometry import NEAR, Camera, Surface, hull
from ir_transfer.synthetic.materials import MATERIALS, ground_noise, smooth_noise
from ir_transfer.synthetic.radiometry import (
    SAMPLES,
    blur,
    downsample,
    lwir_camera,
    nir_camera,
    radiance,
    rgb_camera,
    temperature,
)
from ir_transfer.synthetic.scene import Scene, draw_scene

Floats = NDArray[np.float32]
Band = Literal["lwir", "nir"]

LABELS = {"person": 1, "vehicle": 2}
"""Levels of a mask; 0 is everything else."""

_BODY = 306.0
_MIN_AREA = 12  # pixels; smaller objects get no box
_MIN_VISIBLE_SHARE = 0.2  # of the frame of an object that its visible pixels must fill to get a box


@dataclass(frozen=True)
class Box:
    """Bounding box of an object (left, top, width, height in pixels) and its label, ``person`` or ``vehicle``."""

    left: int
    top: int
    width: int
    height: int
    label: str


@dataclass(frozen=True)
class Rendered:
    """Images of one scene.

    Attributes:
        rgb: sRGB image, float32 (H, W, 3) in [0, 1].
        ir: Infrared image, float32 (H, W) in [0, 1], white-hot, after gain control.
        boxes: Bounding boxes of the visible pixels of people and vehicles.
        night: Whether it is night.
        labels: Mask, uint8 (H, W), with the levels of :data:`LABELS`.
    """

    rgb: Floats
    ir: Floats
    boxes: list[Box]
    night: bool
    labels: NDArray[np.uint8]


def render(
    seed: int, frame: int = 0, *, size: tuple[int, int] = (320, 256), band: Band = "lwir", night: bool | None = None
) -> Rendered:
    """Render RGB image and infrared image of a street scene.

    Args:
        seed: Seed of the scene; equal arguments give equal images.
        frame: Frame number of its video.
        size: Width and height in pixels.
        band: ``lwir`` shows temperature and emissivity, ``nir`` reflectance at 0.8 um.
        night: Day or night; drawn if None.
    """
    scene = draw_scene(seed, frame, night=night)
    camera = scene.camera(size[0] * SAMPLES, size[1] * SAMPLES)
    random = np.random.default_rng([seed, frame, 11])
    view = _View(scene, camera, np.random.default_rng([seed, 13]))
    light = view.light()
    rgb = rgb_camera(downsample(light[..., :3]), scene.weather, random)
    if band == "nir":
        ir = nir_camera(blur(downsample(light[..., 3]), 0.4), random, noise=0.02 if scene.weather.night else 0.006)
    else:
        # optics blur more in the long wave; the detector noise is about 40 mK
        heat = blur(downsample(view.heat()), 0.6)
        ir = lwir_camera(heat + random.normal(0, 0.0006, heat.shape).astype(np.float32))
    return Rendered(rgb, ir, view.boxes(), scene.weather.night, view.labels())


class _View:
    """Maps (H, W) of the surfaces that each sub-pixel shows.

    Args:
        scene: Scene to render.
        camera: Camera with its size in sub-pixels.
        random: Generator of the textures.
    """

    def __init__(self, scene: Scene, camera: Camera, random: np.random.Generator) -> None:
        self.scene, self.camera = scene, camera
        objects = sorted(scene.objects, key=lambda item: -item.depth)
        self.x, self.z = camera.ground()
        self.shadow = self._cast_shadows()
        self.surfaces: list[Surface] = [surface for item in objects for surface in item.surfaces]
        canvas = Image.new("I", (camera.width, camera.height_px), 0)
        draw = ImageDraw.Draw(canvas)
        for number, surface in enumerate(self.surfaces, 1):
            if max(point[2] for point in surface.corners) > NEAR:
                draw.polygon(camera.project(surface.corners), fill=number)
        self.seen = np.asarray(canvas, dtype=np.int32)
        self._fill_maps(random)

    def _cast_shadows(self) -> NDArray[np.bool_]:
        camera, sun = self.camera, self.scene.weather.sun
        canvas = Image.new("L", (camera.width, camera.height_px), 0)
        draw = ImageDraw.Draw(canvas)
        for item in self.scene.objects if self.scene.weather.sunshine > 0 else ():
            (x0, y0, z0), (x1, y1, z1) = item.box
            ground = [
                (x - sun[0] / sun[1] * y, max(z - sun[2] / sun[1] * y, NEAR))
                for x in (x0, x1)
                for y in (y0, y1)
                for z in (z0, z1)
            ]
            corners = hull(ground)
            if len(corners) > 2:
                draw.polygon(camera.project([(x, 0.0, z) for x, z in corners]), fill=255)
        return np.asarray(canvas) > 0

    def _fill_maps(self, random: np.random.Generator) -> None:
        """Fill the maps (H, W, ...) of surface properties: a table row per surface, and the ground by its zones."""
        weather = self.scene.weather
        ground = self._ground(random)
        rows = [self._row(surface) for surface in self.surfaces]
        table = np.array(rows or [[0.0] * 13], dtype=np.float32)
        on_ground = self.seen == 0
        maps = table[np.maximum(self.seen - 1, 0)]
        maps[on_ground] = ground[on_ground]
        self.reflectance, self.glow = maps[..., 0:4], maps[..., 4:8]
        self.sunlit, self.skylit = maps[..., 8], maps[..., 9]
        self.emissivity, self.kelvin, self.distance = maps[..., 10], maps[..., 11], maps[..., 12]
        self.sky = on_ground & ~np.isfinite(self.z)
        grain = smooth_noise(random, self.seen.shape, 3) * 0.6 + smooth_noise(random, self.seen.shape, 24) * 0.4
        self.reflectance *= 1 + np.float32(0.07) * grain[..., None]
        self.kelvin += np.float32(0.25) * grain
        self.clouds = np.clip(smooth_noise(random, self.seen.shape, 90, 3) - 0.2, 0, 1)
        self.air_radiance = float(radiance(np.float32(weather.air)))

    def _row(self, surface: Surface) -> list[float]:
        weather, material, normal = self.scene.weather, surface.material, surface.normal
        sunlit = max(sum(a * b for a, b in zip(normal, weather.sun, strict=True)), 0.0) * self._lit(surface)
        skylit = 0.55 + 0.45 * normal[1]
        reflectance = [min(r * t, 0.95) for r, t in zip(material.reflectance, surface.tint, strict=True)]
        absorbed = 1 - (sum(reflectance[:3]) / 3 + reflectance[3]) / 2
        kelvin = temperature(material, weather, absorbed, sunlit, skylit, max(normal[1], 0.0)) + surface.excess
        kelvin += surface.body * (_BODY - kelvin)
        return [*reflectance, *surface.glow, sunlit, skylit, material.emissivity, kelvin, max(surface.depth, NEAR)]

    def _lit(self, surface: Surface) -> float:
        """Return 0.15 for a person or car in the shadow of another object, otherwise 1."""
        if not surface.object_id:
            return 1.0
        item = self.scene.objects[surface.object_id - 1]
        (x0, _, z0), (x1, _, z1) = item.box
        sun = self.scene.weather.sun
        towards = ((x0 + x1) / 2 + 1.2 * sun[0] / max(sun[1], 0.1), (z0 + z1) / 2 + 1.2 * sun[2] / max(sun[1], 0.1))
        ((column, row),) = self.camera.project([(towards[0], 0.0, towards[1])])
        inside = 0 <= column < self.camera.width and 0 <= row < self.camera.height_px
        return 0.15 if inside and self.shadow[int(row), int(column)] else 1.0

    def _ground(self, random: np.random.Generator) -> Floats:
        """Return the maps of the ground (H, W, 13)."""
        scene, street = self.scene, self.scene.street
        across = np.abs(self.x - street.middle)
        finite = np.where(np.isfinite(self.z), self.z, 1e4)
        maps = np.zeros((*self.seen.shape, 13), np.float32)
        dashes = (across < 0.08) & (np.mod(finite, 6) < 3) | (np.abs(across - street.half_width + 0.25) < 0.06)
        zones = [
            (across < np.inf, street.verge),
            (across < street.half_width + street.pavement, "pavement"),
            (across < street.half_width, "asphalt"),
            (dashes, "marking"),
        ]
        noise = ground_noise(random, self.x, finite)
        shadow = self.shadow
        for mask, name in zones:
            material = MATERIALS[name]
            row = self._row(Surface(((0, 0, 1),) * 3, material, (0.0, 1.0, 0.0)))
            maps[mask] = np.array(row, np.float32)
            maps[mask, :4] *= 1 + material.texture * noise[mask, None]
            # ground in shadow now was in the sun half of the time
            shaded = temperature(material, scene.weather, material.absorptance, 0.45 * row[8], 1.0, 1.0)
            maps[mask & shadow, 11] = shaded
            maps[mask, 11] += 6 * material.texture * noise[mask]
        maps[..., 8] *= np.where(shadow, 0.06, 1)
        maps[..., 12] = finite
        if scene.weather.night:
            self._add_lamplight(maps)
        return maps

    def _add_lamplight(self, maps: Floats) -> None:
        """Add the light of street lamps and headlights on the ground as emitted light."""
        light = np.zeros(self.seen.shape, np.float32)
        for item in self.scene.objects:
            (x0, _, z0), (x1, top, _) = item.box
            if any(s.material is MATERIALS["lamp"] and s.glow[0] > 5 for s in item.surfaces):
                reach, height = (0.0, 0.7) if item.kind == "vehicle" else (1.2, top)
                cx, cz = (x0 + x1) / 2 - np.sign(x0) * reach, z0 - (3.0 if item.kind == "vehicle" else 0.0)
                light += (3.0 if item.kind == "scenery" else 0.8) / (
                    (self.x - cx) ** 2 + (np.where(np.isfinite(self.z), self.z, 1e4) - cz) ** 2 + height**2
                )
        warm = np.array([1, 0.88, 0.62, 0.5], np.float32)
        maps[..., 4:8] += maps[..., :4] * light[..., None] * warm

    def light(self) -> Floats:
        """Return the light (H, W, 4) in red, green, blue and near infrared."""
        weather = self.scene.weather
        sun = weather.sunshine * np.array([1.0, 0.95, 0.85, 0.95], np.float32)
        sky = weather.skylight * (
            np.array([0.8, 0.95, 1.25, 0.45], np.float32) * weather.clear
            + np.array([1, 1, 1, 0.95], np.float32) * (1 - weather.clear)
        )
        light = self.reflectance * (self.sunlit[..., None] * sun + self.skylit[..., None] * sky) + self.glow
        horizon, zenith = sky * 2.3, sky * (1.5 - 0.5 * weather.clear)
        up = self._elevation()[..., None]
        dome = horizon * (1 - up) ** 2 + zenith * (1 - (1 - up) ** 2)
        dome = dome + 0.6 * weather.skylight * self.clouds[..., None] * (1 if weather.clear > 0.5 else 0.2)
        away = 1 - np.exp(-weather.haze * self.distance)[..., None]
        light = light * (1 - away) + horizon * away
        return np.asarray(np.where(self.sky[..., None], dome, light), dtype=np.float32)

    def heat(self) -> Floats:
        """Return the long-wave radiance (H, W), 1 for a black body at 300 K."""
        weather = self.scene.weather
        up = self._elevation()
        # a clear sky gets colder with elevation; clouds and the horizon radiate like the air
        sky = weather.air - weather.clear * 55 * np.sqrt(up) - 6 * (1 - weather.clear) - 4
        sky = sky + 14 * weather.clear * self.clouds
        around = radiance(np.float32(weather.air - weather.clear * 25)) * np.clip(self.skylit, 0.3, 1) + (
            self.air_radiance * (1 - np.clip(self.skylit, 0.3, 1))
        )
        heat = self.emissivity * radiance(self.kelvin) + (1 - self.emissivity) * around
        away = 1 - np.exp(-0.0012 * self.distance)
        heat = heat * (1 - away) + self.air_radiance * away
        return np.asarray(np.where(self.sky, radiance(sky.astype(np.float32)), heat), dtype=np.float32)

    def _elevation(self) -> Floats:
        rows = np.arange(self.camera.height_px, dtype=np.float32)[:, None]
        up = np.clip((self.camera.horizon_row - rows) / self.camera.horizon_row, 0, 1)
        return np.broadcast_to(up, self.seen.shape)

    def labels(self) -> NDArray[np.uint8]:
        """Return the mask, uint8 (H, W), sampled at pixel centres."""
        kinds = [self.scene.objects[s.object_id - 1].kind if s.object_id else "" for s in self.surfaces]
        levels = np.array([0, *(LABELS.get(kind, 0) for kind in kinds)], np.uint8)
        return levels[self.seen][SAMPLES // 2 :: SAMPLES, SAMPLES // 2 :: SAMPLES]

    def boxes(self) -> list[Box]:
        """Return the bounding boxes of the visible pixels of people and vehicles."""
        owner = np.array([0, *(surface.object_id for surface in self.surfaces)])[self.seen]
        boxes = []
        for number in np.unique(owner[owner > 0]):
            rows, columns = np.nonzero(owner == number)
            if len(rows) < _MIN_AREA * SAMPLES**2:
                continue
            if len(rows) < _MIN_VISIBLE_SHARE * self._frame_area(int(number)):
                continue
            left, top = int(columns.min()) // SAMPLES, int(rows.min()) // SAMPLES
            right, bottom = int(columns.max()) // SAMPLES + 1, int(rows.max()) // SAMPLES + 1
            label = self.scene.objects[int(number) - 1].kind
            boxes.append(Box(left, top, right - left, bottom - top, label))
        return boxes

    def _frame_area(self, number: int) -> float:
        """Return the area (sub-pixels) of the bounding box of an object with its hidden parts, clipped to the image."""
        corners = [c for s in self.scene.objects[number - 1].surfaces for c in self.camera.project(s.corners)]
        columns = np.clip([column for column, _ in corners], 0, self.camera.width)
        rows = np.clip([row for _, row in corners], 0, self.camera.height_px)
        return float(np.ptp(columns) * np.ptp(rows))
