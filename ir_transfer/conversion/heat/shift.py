"""Shifts the apparent intensity of objects by class, within their soft masks."""

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
"""Limits of the mean intensity of a shifted object, beyond which its texture would be clipped."""

_INSIDE = 0.5  # coverage from which a pixel counts as part of an object


@dataclass(frozen=True)
class Heated:
    """An intensity in which objects are shifted.

    Attributes:
        intensity: (H, W) in [0, 1], white-hot.
        changed: Number of ``objects`` that were shifted and of their ``pixels``, by class.
        found: Number of objects of each class that were found; None without an object finder.
    """

    intensity: Floats
    changed: Mapping[str, Mapping[str, int]]
    found: Mapping[str, int] | None


class Heat:
    """Shifts the apparent intensity of objects; where two overlap, the stronger shift is applied.

    The intensity I of an object with mean m becomes I + s + |s| (m - I): its mean moves by the shift s and its
    contrast is reduced by the factor 1 - |s|, since thermal images show less of prints and paint than RGB images. The
    shift is limited to a mean between :data:`COLDEST` and :data:`HOTTEST`. Intensities are relative: a shift is not a
    temperature.

    Args:
        rules: Rules for labelled objects.
        regions: Returns the labelled objects of an image, by its path; None without labels.
        finder: Finds further objects.
        found_rules: Rules for objects that are found.
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
        """Settings that determine the pixel values besides the options, for the manifest."""
        if self._finder is None:
            return {}
        return {"heat_found": {**self._finder.facts, "rules": [rule.text for rule in self._found_rules]}}

    def __call__(self, intensity: Floats, image: DecodedImage, source: Path) -> Heated:
        """Shift the objects of an image.

        Args:
            intensity: White-hot intensity (H, W) in [0, 1] of its translation.
            image: The RGB image.
            source: Its file, which identifies its labels.

        Raises:
            MemoryError: The device has too little memory to detect objects.
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
    """Accumulates the change of each pixel of an intensity (H, W)."""

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
        counts = self.changed.setdefault(plain(one.name), {"objects": 0, "pixels": 0})
        counts["objects"] += 1
        counts["pixels"] += int((np.max([part.share for part in parts], axis=0) >= _INSIDE).sum())

    def _valid_part(self, soft: Soft | None) -> Soft | None:
        """Return the mask of the valid pixels of an object; None if it has none."""
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
    """Return the change (h, w) of the pixels of an object."""
    total = float(share.sum())
    if total == 0:
        return np.zeros_like(intensity)
    mean = float((intensity * share).sum()) / total
    target = min(mean + shift, max(mean, HOTTEST)) if shift > 0 else max(mean + shift, min(mean, COLDEST))
    return (share * (np.float32(target - mean) + np.float32(abs(shift)) * (np.float32(mean) - intensity))).astype(
        np.float32
    )
