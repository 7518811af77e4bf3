"""Drawing lots: the weather and what stands where, reproducibly for a seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ir_transfer.synthetic.geometry import Camera, Point
from ir_transfer.synthetic.objects import Thing, building, car, lamp_post, person, tree

Maker = tuple[float, float, Callable[[], Thing]]
"""Where a thing begins along z (m), how far it moves per frame, and what makes it."""


@dataclass(frozen=True)
class Weather:
    """Light and air.

    Attributes:
        night: Whether the sun is down.
        air: Air temperature (K). Scenes are set in the cool half of the year, so that bodies and engines are the
            warmest things in them; on a hot day a road is warmer than a person.
        sun: Unit vector towards the sun.
        sunshine: Strength of the direct sun, 0 to 1.
        skylight: Strength of the light of the sky.
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
        middle: Offset of the road's middle from the camera (m).
        half_width: Of the road (m).
        pavement: Width of each pavement (m).
        verge: Material beyond the pavement.
    """

    middle: float
    half_width: float
    pavement: float
    verge: str


@dataclass(frozen=True)
class Scene:
    """Everything that is seen, before it is seen.

    Attributes:
        weather: Light and air.
        street: The ground plan.
        things: Objects; the number of a surface's thing is its place in this list, from 1.
        camera_height: Metres.
        horizon: Row of the horizon as a share of the height.
        focal: Focal length as a share of the width.
    """

    weather: Weather
    street: Street
    things: tuple[Thing, ...]
    camera_height: float
    horizon: float
    focal: float

    def camera(self, width: int, height: int) -> Camera:
        """Return the camera for an image size."""
        return Camera(width, height, self.camera_height, self.horizon, self.focal)


def draw_weather(random: np.random.Generator, night: bool | None = None) -> Weather:
    """Draw the weather; four scenes in ten are at night unless it is given."""
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
        seed: The scene; equal seeds are one place.
        frame: Frame of its video: the camera drives on, cars drive and people walk.
        night: Day or night; drawn if None.
    """
    random = np.random.default_rng([seed, 7])
    weather = draw_weather(random, night)
    half = float(random.uniform(3.2, 5.0))
    street = Street(float(random.uniform(-2.2, 2.2)), half, float(random.uniform(1.5, 3.0)), str(_verge(random)))
    makers: list[Maker] = []
    for side in (-1, 1):
        makers += _roadside(random, weather, street, side)
    makers += _traffic(random, weather, street)
    makers += _people(random, street)
    ahead = 0.45 * frame
    things: list[Thing] = []
    for z, speed, make in makers:
        if z + speed * frame - ahead > 2.2:
            things.append(_place(make(), len(things) + 1, speed * frame - ahead))
    height, horizon = float(random.uniform(1.5, 3.2)), float(random.uniform(0.36, 0.46))
    return Scene(weather, street, tuple(things), height, horizon, float(random.uniform(0.85, 1.25)))


def _verge(random: np.random.Generator) -> str:
    return str(random.choice(["grass", "grass", "soil", "pavement"]))


def _place(thing: Thing, number: int, dz: float) -> Thing:
    """Return it numbered, so that its pixels are known again, and shifted along z."""
    near, far = thing.box
    box = ((near[0], near[1], near[2] + dz), (far[0], far[1], far[2] + dz))
    name = 0 if thing.kind == "scenery" else number
    return replace(thing, surfaces=tuple(replace(s.moved(0.0, dz), thing=name) for s in thing.surfaces), box=box)


def _own(random: np.random.Generator) -> np.random.Generator:
    """Return a generator of its own, so that what one thing draws does not change the next."""
    return np.random.default_rng(int(random.integers(2**31)))


def _roadside(random: np.random.Generator, weather: Weather, street: Street, side: int) -> list[Maker]:
    """Return buildings, trees and lamps along one side."""
    edge = street.middle + side * (street.half_width + street.pavement)
    built = random.random() < 0.65
    makers: list[Maker] = []
    z = float(random.uniform(3, 9))
    while z < 130:
        depth = float(random.uniform(8, 20))
        if built and random.random() < 0.8:
            away = float(random.uniform(0.5, 5))
            inner, outer = edge + side * away, edge + side * (away + random.uniform(9, 16))
            x, tall = (min(inner, outer), max(inner, outer)), float(random.uniform(4.5, 21))
            own, span = _own(random), (z, z + depth)
            makers.append((z, 0.0, partial(building, own, x, span, tall, night=weather.night)))
        else:
            for _ in range(int(random.integers(1, 4))):
                at, tall = edge + side * float(random.uniform(0.5, 9)), float(random.uniform(1.2, 9))
                own, tz = _own(random), z + float(random.uniform(0, depth))
                makers.append((tz, 0.0, partial(tree, own, at, tz, tall)))
        z += depth + float(random.choice([0.0, 0.0, 3.0]))
    if random.random() < 0.6:
        at = street.middle + side * (street.half_width + 0.4)
        for post in np.arange(random.uniform(6, 18), 90, 24):
            makers.append((float(post), 0.0, partial(lamp_post, at, float(post), night=weather.night)))
    return makers


def _traffic(random: np.random.Generator, weather: Weather, street: Street) -> list[Maker]:
    """Return one to six cars in two lanes, none into another."""
    makers: list[Maker] = []
    for lane in (-1, 1):
        z = float(random.uniform(5, 14))
        for _ in range(max(int(random.integers(0, 4)), lane)):  # at least one on our side
            oncoming = lane == -1
            x = street.middle + lane * 0.5 * street.half_width + float(random.uniform(-0.25, 0.25))
            own, speed = _own(random), -0.5 if oncoming else 0.4
            makers.append((z, speed, partial(car, own, x, z, oncoming=oncoming, night=weather.night)))
            z += float(random.uniform(7.5, 26))
    return makers


def _people(random: np.random.Generator, street: Street) -> list[Maker]:
    """Return one to seven people, most of them on the pavements."""
    makers: list[Maker] = []
    for _ in range(int(random.integers(1, 8))):
        side = int(random.choice([-1, 1]))
        offset = float(random.uniform(0.3, street.pavement - 0.2))
        crossing = random.random() < 0.15
        x = street.middle + side * (street.half_width + offset)
        x = street.middle + float(random.uniform(-1, 1)) * street.half_width if crossing else x
        z, own = float(random.uniform(5, 13) * random.uniform(1, 3)), _own(random)
        makers.append((z, 0.05 * side, partial(person, own, x, z)))
    return makers
