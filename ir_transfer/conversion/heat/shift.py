"""Thermal contrast by class: objects become hotter or colder than the network made them, with soft edges."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ir_transfer.conversion.heat.finder import Finder, count
from ir_transfer.conversion.heat.masks import HeatObject, Outlined, Soft, part_of
from ir_transfer.conversion.heat.rules import HeatRule, plain
from ir_transfer.imaging.image_io import DecodedImage
from ir_transfer.labels.regions import Region

Floats = NDArray[np.float32]
RegionsOf = Callable[[Path, DecodedImage], Sequence[Region]]

COLDEST, HOTTEST = 0.1, 0.9
"""No shift takes the mean of an object past these: beyond them its texture would be lost in black or white."""


_INSIDE = 0.5  # share from which a pixel counts as one of an object


@dataclass(frozen=True)
class Heated:
    """An intensity in which objects are shifted.

    Attributes:
        intensity: (H, W) in [0, 1], white-hot.
        changed: Number of ``objects`` that were shifted and of ``pixels`` they have, by the name of their class.
        found: How many objects of each class were found; None where none were looked for.
    """

    intensity: Floats
    changed: Mapping[str, Mapping[str, int]]
    found: Mapping[str, int] | None


class Heat:
    """Shifts apparent intensity inside of objects; where two overlap, the stronger shift counts.

    An object whose pixels have the mean m becomes I + s + |s| (m - I): its mean moves by the shift s and its contrast
    shrinks by a share of |s|, since a thermal camera sees less of prints and paint than an RGB image does. The shift
    ends where the mean would leave :data:`COLDEST` to :data:`HOTTEST`. Intensities are relative: no shift stands for
    a temperature.

    Args:
        rules: For labelled objects.
        regions: Returns the labelled objects of an image, by its path; None where there are no labels.
        finder: Finds others.
        found_rules: For what it finds.
    """

    def __init__(
        self,
        rules: Sequence[HeatRule] = (),
        regions: RegionsOf | None = None,
        finder: Finder | None = None,
        found_rules: Sequence[HeatRule] = (),
    ) -> None:
        self._rules, self._regions = rules, regions
        self._finder, self._found_rules = finder, found_rules

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the pixels besides the options, for the manifest."""
        if self._finder is None:
            return {}
        return {"heat_found": {**self._finder.facts, "rules": [rule.text for rule in self._found_rules]}}

    def __call__(self, intensity: Floats, image: DecodedImage, source: Path) -> Heated:
        """Shift the objects of an image.

        Args:
            intensity: (H, W) in [0, 1], white-hot: of its translation.
            image: The RGB image.
            source: Its file, by which labels know it.

        Raises:
            MemoryError: The device has too little to look for objects.
        """
        labelled = [Outlined(one) for one in self._regions(source, image)] if self._rules and self._regions else []
        found = None if self._finder is None else self._finder(image)
        shifts = _Shifts(intensity, image)
        for rules, objects in ((self._rules, labelled), (self._found_rules, found or ())):
            for one in objects:
                shifts.add(one, [rule for rule in rules if rule.name == plain(one.name)])
        shifted = (intensity + shifts.change).clip(0, 1)
        return Heated(shifted, shifts.changed, None if found is None else count(found))


class _Shifts:
    """Adds up by how much the pixels of an intensity (H, W) change."""

    def __init__(self, intensity: Floats, image: DecodedImage) -> None:
        self.change = np.zeros_like(intensity)
        self.changed: dict[str, dict[str, int]] = {}
        self._intensity, self._image = intensity, image
        self._strongest = np.zeros_like(intensity)
        self._luma: Floats | None = None

    def add(self, one: HeatObject, rules: Sequence[HeatRule]) -> None:
        """Shift an object and its parts by rules; nothing without any."""
        if not rules:
            return
        self._luma = self._image.gray()[0] if self._luma is None else self._luma
        soft = self._valid_part(one.soft(self._luma))
        if soft is None:
            return
        parts = [soft if rule.part is None else part_of(soft, one.box, rule.part) for rule in rules]
        for part, rule in zip(parts, rules, strict=True):
            self._shift(part, rule.shift)
        told = self.changed.setdefault(plain(one.name), {"objects": 0, "pixels": 0})
        told["objects"] += 1
        told["pixels"] += int((np.max([part.share for part in parts], axis=0) >= _INSIDE).sum())

    def _valid_part(self, soft: Soft | None) -> Soft | None:
        """Return the valid pixels of an object; None if it has none."""
        valid = self._image.valid
        if soft is None or valid is None:
            return soft
        share = soft.share * valid[soft.window]
        return Soft(soft.window, share) if share.any() else None

    def _shift(self, soft: Soft, shift: float) -> None:
        force, there = np.abs(np.float32(shift)) * soft.share, self._strongest[soft.window]
        stronger = force > there
        there[stronger] = force[stronger]
        change = _change(self._intensity[soft.window], soft.share, shift)
        self.change[soft.window][stronger] = change[stronger]


def _change(intensity: Floats, share: Floats, shift: float) -> Floats:
    """Return by how much the pixels of an object change."""
    total = float(share.sum())
    if total == 0:
        return np.zeros_like(intensity)
    mean = float((intensity * share).sum()) / total
    target = min(mean + shift, max(mean, HOTTEST)) if shift > 0 else max(mean + shift, min(mean, COLDEST))
    return (share * (np.float32(target - mean) + np.float32(abs(shift)) * (np.float32(mean) - intensity))).astype(
        np.float32
    )
