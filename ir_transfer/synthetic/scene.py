"""Random scenes: weather, street and objects, reproducible by seed."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ir_transfer.synthetic.geometry import Camera, Point
from ir_transfer.synthetic.objects import SceneObject, building, car, lamp_post, person, tree

ObjectFactory = tuple[float, float, Callable[[], SceneObject]]
"""Start of an object along z (m), its movement per frame (m), and the function that creates it."""


@dataclass(frozen=True)
class Weather:
    """Weather of a scene.

    Attributes:
        night: Whether it is night.
        air: Air temperature (K). Scenes are set in the cool half of the year, so that bodies and engines are the
            warmest things in them; on a hot day a road is warmer than a person.
        sun: Unit vector towards the sun.
        sunshine: Strength of the direct sun, 0 to 1.
        skylight: Strength of the diffuse light of the sky.
        clear: 1 is a clear sky, 0 an overcast one.
        haze: Extinction of light per metre.
    """

    night: bool
    air: float
    sun: Point
    sunshine: float
    skylight: float
    clear: float
    haze: float


@dataclass(frozen=True)
class Street:
    """The ground plan.

    Attributes:
        middle: Offset of the middle of the road from the camera (m).
        half_width: Half the width of the road (m).
        pavement: Width of each pavement (m).
        verge: Material beyond the pavement.
    """

    middle: float
    half_width: float
    pavement: float
    verge: str


@dataclass(frozen=True)
class Scene:
    """A scene before rendering.

    Attributes:
        weather: Light and air conditions.
        street: The ground plan.
        objects: Objects; ``Surface.object_id`` is the index in this tuple, from 1.
        camera_height: Height of the camera above the ground (m).
        horizon: Row of the horizon as a share of the height.
        focal: Focal length as a share of the width.
    """

    weather: Weather
    street: Street
    objects: tuple[SceneObject, ...]
    camera_height: float
    horizon: float
    focal: float

    def camera(self, width: int, height: int) -> Camera:
        """Return the camera for an image size."""
        return Camera(width, height, self.camera_height, self.horizon, self.focal)


def draw_weather(random: np.random.Generator, night: bool | None = None) -> Weather:
    """Draw the weather; by default, four scenes in ten are at night."""
    dark = bool(random.random() < 0.4) if night is None else night
    clear = float(random.choice([random.uniform(0.6, 1.0), random.uniform(0.0, 0.4)]))
    azimuth, elevation = random.uniform(-2.6, -0.5) * random.choice([-1, 1]), random.uniform(0.35, 0.95)
    sun = (
        float(np.cos(elevation) * np.sin(azimuth)),
        float(np.sin(elevation)),
        float(np.cos(elevation) * np.cos(azimuth)),
    )
    return Weather(
        night=dark,
        air=float(random.uniform(264, 281)),
        sun=sun,
        sunshine=0.0 if dark else clear,
        skylight=0.012 if dark else float(0.28 + 0.3 * (1 - clear)),
        clear=clear,
        haze=float(random.uniform(0.0004, 0.004)),
    )


def draw_scene(seed: int, frame: int = 0, *, night: bool | None = None) -> Scene:
    """Draw a street scene.

    Args:
        seed: Seed of the scene.
        frame: Frame of its video: the camera drives on, cars drive and people walk.
        night: Day or night; drawn if None.
    """
    random = np.random.default_rng([seed, 7])
    weather = draw_weather(random, night)
    half = float(random.uniform(3.2, 5.0))
    middle, pavement = float(random.uniform(-2.2, 2.2)), float(random.uniform(1.5, 3.0))
    street = Street(middle, half, pavement, str(random.choice(["grass", "grass", "soil", "pavement"])))
    factories: list[ObjectFactory] = []
    for side in (-1, 1):
        factories += _roadside(random, weather, street, side)
    factories += _traffic(random, weather, street)
    factories += _people(random, street)
    ahead = 0.45 * frame
    objects: list[SceneObject] = []
    for z, speed, make in factories:
        if z + speed * frame - ahead > 2.2:
            objects.append(_positioned(make(), len(objects) + 1, speed * frame - ahead))
    height, horizon = float(random.uniform(1.5, 3.2)), float(random.uniform(0.36, 0.46))
    return Scene(weather, street, tuple(objects), height, horizon, float(random.uniform(0.85, 1.25)))


def _positioned(item: SceneObject, number: int, dz: float) -> SceneObject:
    """Return the object with its number in its surfaces, shifted along z."""
    near, far = item.box
    box = ((near[0], near[1], near[2] + dz), (far[0], far[1], far[2] + dz))
    name = 0 if item.kind == "scenery" else number
    return replace(item, surfaces=tuple(replace(s.moved(0.0, dz), object_id=name) for s in item.surfaces), box=box)


def _child_generator(random: np.random.Generator) -> np.random.Generator:
    """Return an independent generator, so that the draws of one object do not affect the next."""
    return np.random.default_rng(int(random.integers(2**31)))


def _roadside(random: np.random.Generator, weather: Weather, street: Street, side: int) -> list[ObjectFactory]:
    """Return buildings, trees and lamps along one side."""
    edge = street.middle + side * (street.half_width + street.pavement)
    built = random.random() < 0.65
    factories: list[ObjectFactory] = []
    z = float(random.uniform(3, 9))
    while z < 130:
        depth = float(random.uniform(8, 20))
        if built and random.random() < 0.8:
            away = float(random.uniform(0.5, 5))
            inner, outer = edge + side * away, edge + side * (away + random.uniform(9, 16))
            x, tall = (min(inner, outer), max(inner, outer)), float(random.uniform(4.5, 21))
            own, span = _child_generator(random), (z, z + depth)
            factories.append((z, 0.0, partial(building, own, x, span, tall, night=weather.night)))
        else:
            for _ in range(int(random.integers(1, 4))):
                at, tall = edge + side * float(random.uniform(0.5, 9)), float(random.uniform(1.2, 9))
                own, tz = _child_generator(random), z + float(random.uniform(0, depth))
                factories.append((tz, 0.0, partial(tree, own, at, tz, tall)))
        z += depth + float(random.choice([0.0, 0.0, 3.0]))
    if random.random() < 0.6:
        at = street.middle + side * (street.half_width + 0.4)
        for post in np.arange(random.uniform(6, 18), 90, 24):
            factories.append((float(post), 0.0, partial(lamp_post, at, float(post), night=weather.night)))
    return factories


def _traffic(random: np.random.Generator, weather: Weather, street: Street) -> list[ObjectFactory]:
    """Return one to six cars in two lanes, without collisions."""
    factories: list[ObjectFactory] = []
    for lane in (-1, 1):
        z = float(random.uniform(5, 14))
        for _ in range(max(int(random.integers(0, 4)), lane)):  # at least one on our side
            oncoming = lane == -1
            x = street.middle + lane * 0.5 * street.half_width + float(random.uniform(-0.25, 0.25))
            own, speed = _child_generator(random), -0.5 if oncoming else 0.4
            factories.append((z, speed, partial(car, own, x, z, oncoming=oncoming, night=weather.night)))
            z += float(random.uniform(7.5, 26))
    return factories


def _people(random: np.random.Generator, street: Street) -> list[ObjectFactory]:
    """Return one to seven people, most of them on the pavements."""
    factories: list[ObjectFactory] = []
    for _ in range(int(random.integers(1, 8))):
        side = int(random.choice([-1, 1]))
        offset = float(random.uniform(0.3, street.pavement - 0.2))
        crossing = random.random() < 0.15
        x = street.middle + side * (street.half_width + offset)
        x = street.middle + float(random.uniform(-1, 1)) * street.half_width if crossing else x
        z, own = float(random.uniform(5, 13) * random.uniform(1, 3)), _child_generator(random)
        factories.append((z, 0.05 * side, partial(person, own, x, z)))
    return factories
