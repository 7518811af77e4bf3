"""Settings of the composite; composites are comparable only if all settings are equal."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Final, Literal

from ir_transfer.errors import InputError

ANY: Final = "any"
NONE: Final = "none"
HEAT_SOURCES = ("object_heat", "hot_region_share")
"""Columns of the heat aspect, the preferred one first."""


@dataclass(frozen=True)
class CompositeSettings:
    """Settings that determine a composite, besides the images.

    Attributes:
        feature_network: Name of the network of ``patch_frechet``, as in column names; ``none`` omits it, ``any``
            uses that of the run.
        heat: Column of the heat aspect; ``none`` omits it, ``any`` uses the first measured one.
        emd_scale: Earth mover's distance, a share of the range, at which its similarity falls to 1/e.
        spectrum_scale: Difference of spectra in dB at which its similarity falls to 1/e.
        floor: Smallest value of an aspect other than structure, so that one 0 does not hide all other differences.
    """

    feature_network: str = ANY
    heat: Literal["any", "none", "object_heat", "hot_region_share"] = ANY
    emd_scale: float = 0.1
    spectrum_scale: float = 10.0
    floor: float = 0.01

    @property
    def text(self) -> str:
        """All settings on one line; composites are comparable if this text is equal."""
        return ", ".join(f"{key} {value}" for key, value in self._items)

    @property
    def _items(self) -> list[tuple[str, str | float]]:
        return [*asdict(self).items()]

    def check(self, where: str) -> None:
        """Check the ranges of the constants.

        Args:
            where: The file, for the message.

        Raises:
            InputError: A constant is out of its range.
        """
        for name in ("emd_scale", "spectrum_scale"):
            if not getattr(self, name) > 0:
                raise InputError(f"expected {where}: {name} above 0, got {getattr(self, name)}")
        if not 0 <= self.floor < 1:
            raise InputError(f"expected {where}: floor in [0, 1), got {self.floor}")

    def resolved(self, network: str | None, measured: Collection[str]) -> CompositeSettings:
        """Return the settings with the network and the heat column that were measured in place of ``any``.

        Args:
            network: Name of the network of the run; None without one.
            measured: Keys of the measured columns.
        """
        network = network if network is not None and "patch_frechet" in measured else NONE
        wanted = HEAT_SOURCES if self.heat == ANY else (self.heat, *HEAT_SOURCES)
        heat = NONE if self.heat == NONE else next((key for key in wanted if key in measured), NONE)
        own = NONE if self.feature_network == NONE else network
        return replace(self, feature_network=own, heat=heat)  # type: ignore[arg-type]

    def changes(self, applied: CompositeSettings) -> list[str]:
        """Return the settings that were not applied, in the form of a comparison's changes."""
        pairs = [(name, asked, dict(applied._items)[name]) for name, asked in self._items]
        return [f"composite {name} {got} instead of {asked}" for name, asked, got in pairs if asked not in {ANY, got}]


MEASURED = CompositeSettings()
"""The composite of all measured columns, with the default constants."""


def refuse_changed(changes: Collection[str]) -> None:
    """Refuse a composite that is not that of its protocol.

    Args:
        changes: Changes of the protocol, in the form of a comparison.

    Raises:
        InputError: A change concerns the composite.
    """
    if found := [change for change in changes if change.startswith("composite ")]:
        raise InputError(
            f"expected the composite of the protocol, got {', '.join(found)}: pass --vgg and labels as specified in "
            "the protocol, or use your own protocol"
        )
