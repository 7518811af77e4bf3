"""The bands of a raster for red, green and blue: chosen by the user, declared by the file, or guessed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rasterio.enums import ColorInterp

from ir_transfer.errors import InputError

_COLOURS = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
_NAMES = {
    "red": re.compile(r"\bred\b", re.I),
    "green": re.compile(r"\bgreen\b", re.I),
    "blue": re.compile(r"\bblue\b", re.I),
}
_OTHER_NAMES = re.compile(
    r"\b(red[ _-]?edge|re\d?|nir\d?|near[ _-]?infra-?red|swir\d?|coastal|yellow|cirrus|pan)\b", re.I
)
_NUMBERED = re.compile(r"^B(?:and)?[ _-]?0*(\d+[A-Z]?)\b", re.I)
_SENTINEL = {"4": "red", "3": "green", "2": "blue"}  # and Landsat 8 and 9
_MARKS = re.compile(r"[_\W]+")


@dataclass(frozen=True)
class BandChoice:
    """The bands to read.

    Attributes:
        numbers: Band numbers, from 1.
        names: Their names in the file; empty where it has none.
        guessed: Whether neither the user nor the file names them red, green and blue.
    """

    numbers: tuple[int, ...]
    names: tuple[str, ...]
    guessed: bool = False

    def facts(self) -> dict[str, Any]:
        """Return the choice in the form of the manifest."""
        named = {"names": list(self.names)} if any(self.names) else {}
        return {"bands": list(self.numbers), **named, **({"guessed": True} if self.guessed else {})}


def choose_bands(dataset: Any, asked: Sequence[int] | None, path: str, *, any_count: bool = False) -> BandChoice:
    """Return the bands of an open dataset for red, green and blue, or the one for gray.

    Names come first (``red``, ``green``, ``blue``; ``B4``, ``B3``, ``B2`` of Sentinel-2 and of Landsat 8), then colour
    interpretations, then, as a guess, the first three bands that are neither alpha nor infrared.

    Args:
        dataset: Open.
        asked: The user's bands, from 1; None to choose.
        path: Name in errors.
        any_count: Whether ``asked`` may be other than one or three bands.

    Raises:
        InputError: Bands that the file does not have.
    """
    names = tuple(str(text or "") for text in dataset.descriptions)
    meaning = list(dataset.colorinterp)
    if asked is not None:
        if not (any_count or len(asked) in {1, 3}) or not all(1 <= band <= dataset.count for band in asked):
            count, remedy = ("", "correct the card") if any_count else ("one or three ", "correct --bands")
            raise InputError(f"{path}: expected {count}bands of 1 to {dataset.count}, got {tuple(asked)}: {remedy}")
        return _choice(asked, names, meaning)
    by_name = _by_name(names)
    # GeoTIFFs of more than three bands are often declared RGB by their writer's default: names are more reliable.
    if by_name is not None:
        return _choice(by_name, names, meaning)
    if all(colour in meaning for colour in _COLOURS):
        return _choice([meaning.index(colour) + 1 for colour in _COLOURS], names, meaning)
    plain = [number for number, kind in enumerate(meaning, start=1) if _may_be_visible(kind, names[number - 1])]
    if len(plain) >= 3:
        is_certain = dataset.count == 3 and not any(names)
        return _choice(plain[:3], names, meaning, guessed=not is_certain)
    return _choice(plain[:1] or [1], names, meaning, guessed=dataset.count > 2 or not plain)


def _choice(
    numbers: Sequence[int], names: tuple[str, ...], meaning: Sequence[Any], *, guessed: bool = False
) -> BandChoice:
    said = tuple(
        names[number - 1] or (meaning[number - 1].name if meaning[number - 1] != ColorInterp.undefined else "")
        for number in numbers
    )
    return BandChoice(tuple(numbers), said, guessed)


def _by_name(names: Sequence[str]) -> list[int] | None:
    found: dict[str, int] = {}
    for number, name in enumerate(names, start=1):
        plain = _MARKS.sub(" ", name).strip()
        if not plain or _OTHER_NAMES.search(plain):
            continue
        for colour, pattern in _NAMES.items():
            if pattern.search(plain):
                found.setdefault(colour, number)
    if len(found) < 3:
        numbered = {
            match[1].upper(): number for number, name in enumerate(names, 1) if (match := _NUMBERED.match(name))
        }
        found = {colour: numbered[band] for band, colour in _SENTINEL.items() if band in numbered}
    return [found[colour] for colour in ("red", "green", "blue")] if len(found) == 3 else None


def _may_be_visible(kind: Any, name: str) -> bool:
    if kind == ColorInterp.alpha:
        return False
    infrared = kind.name in {"nir", "swir", "mwir", "lwir", "tir", "other_ir", "rededge", "coastal", "pan"}
    return not infrared and not _OTHER_NAMES.search(_MARKS.sub(" ", name))
