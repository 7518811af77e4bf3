"""Objects of a scene: cars, people, buildings, trees and lamps, each a list of surfaces."""

from dataclasses import dataclass

import numpy as np

from ir_transfer.synthetic.geometry import Point, Surface, disc, facing_rect, horizontal_rect, side_rect
from ir_transfer.synthetic.materials import MATERIALS

LEFT, RIGHT, UP, TOWARDS = (-1.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, -1.0)
_DARK = (0.25, 0.25, 0.25, 0.4)

Tint = tuple[float, float, float, float]


@dataclass(frozen=True)
class SceneObject:
    """An object at its position.

    Attributes:
        kind: ``person``, ``vehicle`` or ``scenery``.
        surfaces: Surfaces in drawing order, from far to near.
        box: Extent in x, y and z (m), used for its shadow.
    """

    kind: str
    surfaces: tuple[Surface, ...]
    box: tuple[Point, Point]

    @property
    def depth(self) -> float:
        """Distance of its near side (m)."""
        return self.box[0][2]


def _colour(random: np.random.Generator, low: float, high: float) -> Tint:
    """Draw a tint of a gray material, which is less saturated in the near infrared."""
    red, green, blue = (float(v) for v in random.uniform(low, high, 3))
    return red, green, blue, float(0.6 * (low + high) / 2 + 0.4 * max(red, green, blue))


def car(random: np.random.Generator, x: float, z: float, *, oncoming: bool, night: bool) -> SceneObject:
    """Return a car with its near end at (x, z); engine, bonnet, grille, exhaust and tyres are warm in 90%."""
    length, half, top = random.uniform(3.9, 4.8), random.uniform(0.82, 0.95), random.uniform(1.38, 1.75)
    waist, floor = 0.58 * top, 0.24
    shade = random.choice([0.12, 0.3, 0.9, 1.5])
    tint = _colour(random, 0.5 * shade, 1.1 * shade) if random.random() < 0.5 else (shade,) * 4
    heat = float(random.uniform(14, 26)) if random.random() < 0.9 else 0.0
    xs, body_top = (x - half, x + half), (waist, top)
    bumper = xs[0] + 0.05, xs[1] - 0.05
    cabin_z = (z + (0.28 if oncoming else 0.10) * length, z + (0.86 if oncoming else 0.68) * length)
    inner = (x - 0.86 * half, x + 0.86 * half)
    end_heat, side_heat = (0.5 * heat, 0.15 * heat) if oncoming else (0.15 * heat, 0.1 * heat)

    def piece(corners: tuple[Point, ...], normal: Point, material: str = "paint", **more: object) -> Surface:
        given: dict[str, object] = {"tint": tint if material == "paint" else (1.0,) * 4, **more}
        return Surface(corners, MATERIALS[material], normal, **given)  # type: ignore[arg-type]

    surfaces = [
        # exhaust and engine warm the ground below
        piece(horizontal_rect(xs, 0.01, (z, z + length)), UP, "asphalt", excess=0.2 * heat, tint=_DARK),
        piece(horizontal_rect(xs, waist, (z, z + length)), UP, excess=0.55 * heat if oncoming else 0.1 * heat),
        piece(horizontal_rect(inner, top, (cabin_z[0] + 0.3, cabin_z[1] - 0.3)), UP, excess=0.1 * heat),
    ]
    if abs(x) > half:
        face, normal = (xs[0], LEFT) if x > 0 else (xs[1], RIGHT)
        surfaces.append(piece(side_rect(face, (floor, waist), (z, z + length)), normal, excess=side_heat))
        pane = inner[0] if x > 0 else inner[1]
        surfaces.append(piece(side_rect(pane, body_top, cabin_z), normal, excess=0.1 * heat))
        pane_z = (cabin_z[0] + 0.35, cabin_z[1] - 0.35)
        surfaces.append(piece(side_rect(pane, (waist + 0.06, top - 0.1), pane_z), normal, "glass"))
        for wheel in (z + 0.18 * length, z + 0.8 * length):
            rim = tuple((face, 0.32 + 0.32 * np.sin(a), wheel + 0.32 * np.cos(a)) for a in np.linspace(0, 6.28, 12))
            surfaces.append(piece(rim, normal, "rubber", excess=0.45 * heat))
    surfaces += [
        piece(facing_rect(inner, body_top, cabin_z[0]), TOWARDS, excess=0.1 * heat),
        piece(facing_rect((inner[0] + 0.1, inner[1] - 0.1), (waist + 0.05, top - 0.1), cabin_z[0]), TOWARDS, "glass"),
        piece(facing_rect(xs, (floor, waist), z), TOWARDS, excess=end_heat),
        piece(facing_rect(bumper, (floor, floor + 0.2), z), TOWARDS, "plastic", excess=0.4 * heat),
    ]
    if oncoming:
        grille = facing_rect((x - 0.4, x + 0.4), (0.48, 0.66), z)
        surfaces.append(piece(grille, TOWARDS, "plastic", excess=heat))
    else:
        pipe = facing_rect((x - 0.6, x - 0.42), (0.2, 0.32), z)
        surfaces.append(piece(pipe, TOWARDS, "steel", excess=1.6 * heat))
    light = (9.0, 8.5, 7.5, 6.0) if oncoming else (2.5, 0.2, 0.1, 0.5)
    on = night and heat > 0
    for side in (-1, 1):
        at = x + side * (half - 0.22)
        lamp = facing_rect((at - 0.14, at + 0.14), (waist - 0.26, waist - 0.1), z)
        own: Tint = (1, 1, 1, 1) if oncoming else (0.7, 0.08, 0.06, 0.5)
        surfaces.append(piece(lamp, TOWARDS, "lamp", tint=own, glow=light if on else (0.0,) * 4, excess=0.3 * heat))
        tyre = facing_rect((at - 0.12, at + 0.12), (0.0, 0.34), z + 0.05)
        surfaces.insert(0, piece(tyre, TOWARDS, "rubber", excess=0.5 * heat))
    return SceneObject("vehicle", tuple(surfaces), ((xs[0], 0.0, z), (xs[1], top, z + length)))


def person(random: np.random.Generator, x: float, z: float) -> SceneObject:
    """Return a standing or walking person; skin is near body temperature, clothes between that and the air."""
    size = float(random.uniform(1.55, 1.9)) / 1.75
    stride = float(random.uniform(0.02, 0.2)) * size
    coat, trousers = _colour(random, 0.1, 1.6), _colour(random, 0.1, 1.0)
    complexion = float(random.uniform(0.35, 1.1))
    skin: Tint = (complexion, complexion, complexion, 0.8 + 0.2 * complexion)
    warm_cloth = float(random.uniform(0.5, 0.68))

    def part(corners: tuple[Point, ...], tint: Tint, body: float, material: str = "cloth") -> Surface:
        return Surface(corners, MATERIALS[material], TOWARDS, tint, body=body)

    hip, shoulder, neck = 0.85 * size, 1.42 * size, 1.5 * size
    surfaces = []
    for side in (-1, 1):
        foot, joint = x + side * stride, x + side * 0.08 * size
        w = 0.075 * size
        leg = ((foot - w, 0.0, z), (foot + w, 0.0, z), (joint + w, hip, z), (joint - w, hip, z))
        surfaces.append(part(leg, trousers, warm_cloth))
        arm_x = x + side * 0.25 * size
        arm = ((arm_x - 0.05, 0.8 * size, z), (arm_x + 0.05, 0.8 * size, z), (x + side * 0.2 * size, shoulder, z))
        surfaces.append(part(arm, coat, warm_cloth - 0.05))
        surfaces.append(part(disc(arm_x, 0.78 * size, z, 0.05 * size), skin, 0.8, "skin"))
    torso = (
        (x - 0.17 * size, hip - 0.05, z),
        (x + 0.17 * size, hip - 0.05, z),
        (x + 0.22 * size, shoulder, z),
        (x + 0.08 * size, neck, z),
        (x - 0.08 * size, neck, z),
        (x - 0.22 * size, shoulder, z),
    )
    surfaces.append(part(torso, coat, warm_cloth))
    surfaces.append(part(disc(x, 1.64 * size, z, 0.125 * size, 0.8), (1.0,) * 4, 0.7, "hair"))
    surfaces.append(part(disc(x, 1.61 * size, z, 0.11 * size, 0.75), skin, 0.92, "skin"))
    return SceneObject("person", tuple(surfaces), ((x - 0.2, 0.0, z - 0.1), (x + 0.2, 1.75 * size, z + 0.1)))


def building(
    random: np.random.Generator, x: tuple[float, float], z: tuple[float, float], height: float, *, night: bool
) -> SceneObject:
    """Return a heated building with windows on its visible sides, some of them lit at night."""
    wall = MATERIALS[str(random.choice(["brick", "plaster", "concrete"]))]
    shade = float(random.uniform(0.65, 1.2))
    tint: Tint = (shade, shade * float(random.uniform(0.9, 1.05)), shade * float(random.uniform(0.85, 1.05)), shade)
    leak = float(random.uniform(0.2, 1.2))
    face, normal = (x[0], LEFT) if x[0] > 0 else (x[1], RIGHT)
    surfaces = [
        Surface(side_rect(face, (0, height), z), wall, normal, tint, excess=leak),
        Surface(facing_rect(x, (0, height), z[0]), wall, TOWARDS, tint, excess=leak),
    ]
    floors = max(int(height / 3.2), 1)
    for level in range(floors):
        y = (level * 3.2 + 1.0, level * 3.2 + 2.4)
        if y[1] > height - 0.3:
            break
        for start in np.arange(z[0] + 0.8, z[1] - 1.6, 2.6):
            corners = side_rect(face + 0.02 * normal[0], y, (float(start), float(start) + 1.3))
            surfaces.append(_window(random, corners, normal, night=night))
        for start in np.arange(x[0] + 0.8, x[1] - 1.6, 2.6):
            corners = facing_rect((float(start), float(start) + 1.3), y, z[0] - 0.02)
            surfaces.append(_window(random, corners, TOWARDS, night=night))
    return SceneObject("scenery", tuple(surfaces), ((x[0], 0.0, z[0]), (x[1], height, z[1])))


def _window(random: np.random.Generator, corners: tuple[Point, ...], normal: Point, *, night: bool) -> Surface:
    lit = night and random.random() < 0.3
    power = float(random.uniform(0.3, 0.9)) if lit else 0.0
    glow: Tint = (power, 0.8 * power, 0.5 * power, 0.7 * power)
    warm = float(random.uniform(1.5, 5.0))
    return Surface(corners, MATERIALS["glass"], normal, excess=warm, glow=glow)


def tree(random: np.random.Generator, x: float, z: float, height: float) -> SceneObject:
    """Return a tree, or a bush if it is lower than 2 m."""
    crown, trunk = 0.32 * height, 0.045 * height
    base = 0.0 if height < 2 else 0.38 * height
    shade = random.uniform(0.75, 1.25)
    surfaces = [Surface(facing_rect((x - trunk, x + trunk), (0, base + 0.2 * height), z), MATERIALS["bark"])]
    for _ in range(26):
        angle, far = random.uniform(0, 2 * np.pi), np.sqrt(random.random())
        cx, cy = x + crown * far * np.cos(angle), base + 0.5 * (height - base) * (1 + far * np.sin(angle))
        # lower leaves are in the shadow of upper ones
        tone = float(shade * random.uniform(0.6, 1.15) * (0.65 + 0.5 * (cy - base) / (height - base)))
        leaf: Tint = (tone * float(random.uniform(0.85, 1.3)), tone, tone, 0.5 * tone + 0.5)
        corners = disc(float(cx), float(cy), z, float(crown * random.uniform(0.25, 0.45)), corners=9)
        facing = (0.3, 0.6, -0.74) if cx > x else (-0.3, 0.6, -0.74)
        surfaces.append(Surface(corners, MATERIALS["leaves"], facing, leaf))
    return SceneObject("scenery", tuple(surfaces), ((x - crown, base, z - crown), (x + crown, height, z + crown)))


def lamp_post(x: float, z: float, *, night: bool) -> SceneObject:
    """Return a street lamp; its head is warm and bright at night."""
    reach = -1.2 if x > 0 else 1.2
    glow: Tint = (7.0, 6.0, 4.0, 3.0) if night else (0.0,) * 4
    arm = (min(x, x + reach), max(x, x + reach))
    surfaces = (
        Surface(facing_rect((x - 0.07, x + 0.07), (0, 6), z), MATERIALS["steel"]),
        Surface(facing_rect(arm, (5.92, 6.02), z), MATERIALS["steel"]),
        Surface(
            facing_rect((x + reach - 0.3, x + reach + 0.3), (5.8, 5.96), z),
            MATERIALS["lamp"],
            glow=glow,
            excess=12.0 if night else 0.0,
        ),
    )
    return SceneObject("scenery", surfaces, ((x - 0.1, 0.0, z - 0.1), (x + 0.1, 6.0, z + 0.1)))
