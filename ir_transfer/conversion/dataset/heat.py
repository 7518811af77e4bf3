"""Thermal contrast by class: objects become hotter or colder than the network made them, with soft edges."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ir_transfer.conversion.dataset.heat_masks import Soft, part_of, soft_mask
from ir_transfer.conversion.dataset.heat_rules import HeatRule, plain
from ir_transfer.conversion.plan import Job
from ir_transfer.data.image_io import Picture
from ir_transfer.data.labels.regions import Region

if TYPE_CHECKING:
    from ir_transfer.conversion.dataset.heat_finder import Finder

Floats = NDArray[np.float32]
RegionsOf = Callable[[Job, Picture], Sequence[Region]]

COLDEST, HOTTEST = 0.1, 0.9
"""No shift takes the mean of an object past these: beyond them its texture would be lost in black or white."""


class Heat:
    """Shifts apparent intensity inside of objects; where two overlap, the stronger shift counts.

    An object whose pixels have the mean m becomes I + s + |s| (m - I): its mean moves by the shift s and its contrast
    shrinks by a share of |s|, since a thermal camera sees less of prints and paint than a photograph does. The shift
    ends where the mean would leave :data:`COLDEST` to :data:`HOTTEST`. Intensities are relative: no shift stands for
    a temperature.

    Args:
        rules: For labelled objects.
        regions: Returns the labelled objects of a job's picture.
        finder: Finds others.
        found_rules: For what it finds.
    """

    def __init__(
        self,
        rules: Sequence[HeatRule],
        regions: RegionsOf,
        finder: Finder | None = None,
        found_rules: Sequence[HeatRule] = (),
    ) -> None:
        self._sources = [(rules, regions)] if rules else []
        self._finder = finder
        self._found_rules = found_rules
        if finder is not None:
            self._sources.append((found_rules, lambda _, picture: finder(picture)))

    @property
    def look(self) -> dict[str, Any]:
        """What decides the pixels besides the options, for the manifest."""
        if self._finder is None:
            return {}
        rules = [rule.text for rule in self._found_rules]
        return {"heat_found": {"weights": self._finder.weights_hash, "score": self._finder.score, "rules": rules}}

    def found(self, job: Job, picture: Picture) -> Mapping[str, int] | None:
        """Return how many objects of each class were found, None where none were looked for: not for a plain luma."""
        plain_luma = job.variant is not None and job.variant.style is None
        return None if self._finder is None or plain_luma else self._finder.count(picture)

    def __call__(self, intensity: Floats, job: Job, picture: Picture) -> Floats:
        """Return the shifted intensity (H, W) in [0, 1]; white-hot in, white-hot out."""
        strongest, change = np.zeros_like(intensity), np.zeros_like(intensity)
        for soft, shift in self._shifts(job, picture):
            force, there = np.abs(np.float32(shift)) * soft.share, strongest[soft.window]
            stronger = force > there
            there[stronger] = force[stronger]
            change[soft.window][stronger] = _change(intensity[soft.window], soft.share, shift)[stronger]
        return (intensity + change).clip(0, 1)

    def _shifts(self, job: Job, picture: Picture) -> Iterator[tuple[Soft, float]]:
        luma: Floats | None = None
        for rules, regions in self._sources:
            for region in regions(job, picture):
                mine = [rule for rule in rules if rule.name == plain(region.name)]
                if not mine:
                    continue
                luma = picture.gray()[0] if luma is None else luma
                soft = soft_mask(region, luma)
                if soft is None:
                    continue
                for rule in mine:
                    yield soft if rule.part is None else part_of(soft, region.box, rule.part), rule.shift


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
