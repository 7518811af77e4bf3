"""The bands of a raster for red, green and blue: chosen by the user, declared by the file, or guessed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from rasterio.enums import ColorInterp

from ir_transfer.errors import InputError
from ir_transfer.imaging.pixels.gdal_dataset import band_colours
from ir_transfer.imaging.pixels.pages import BAND_ADVICE

_COLOURS = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
_NAMES = {
    "red": re.compile(r"\bred\b", re.I),
    "green": re.compile(r"\bgreen\b", re.I),
    "blue": re.compile(r"\bblue\b", re.I),
}
_OTHER_NAMES = re.compile(
    r"\b(red[ _-]?edge|re\d?|nir\d?|near[ _-]?infra-?red|swir\d?|coastal|yellow|cirrus|pan)\b", re.I
)
_NUMBERED = re.compile(r"^(?:SR_)?B(?P<word>and)?[ _-]?0*(?P<number>\d+[A-Z]?)\b", re.I)
_SENTINEL = {"4": "red", "3": "green", "2": "blue"}  # and Landsat 8 and 9
_LATER = frozenset({"8", "8A", "9", "10", "11", "12"})
"""Bands that Landsat 4 to 7 lack or do not number with the others; their 3, 2 and 1 are red, green and blue."""
_ALPHA_NAME = re.compile(r"alpha|mask|opacity|transparen|valid|coverage|weight", re.I)
_MARKS = re.compile(r"[_\W]+")


@dataclass(frozen=True)
class BandChoice:
    """The bands to read.

    Attributes:
        numbers: Band numbers, from 1.
        names: Their names in the file; empty where it has none.
        guessed: Whether neither the user nor the file names them red, green and blue.
        is_by_number: Whether they are guessed from names that are the numbers of a satellite's bands.
    """

    numbers: tuple[int, ...]
    names: tuple[str, ...]
    guessed: bool = False
    is_by_number: bool = False

    def note(self, count: int) -> str:
        """Return the note on a guess in a file of ``count`` bands; empty if the choice is certain."""
        shown = ", ".join(map(str, self.numbers))
        if not self.guessed:
            return ""
        if self.is_by_number:
            return (
                f"its bands {', '.join(self.names)} (numbers {shown}) are used as red, green and blue, as of "
                f"Sentinel-2 and Landsat 8 ({BAND_ADVICE})"
            )
        return f"its {count} bands are not named: {shown} are used as red, green and blue ({BAND_ADVICE})"

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
    meaning = band_colours(dataset)
    if asked is not None:
        if not (any_count or len(asked) in {1, 3}) or not all(1 <= band <= dataset.count for band in asked):
            count, remedy = ("", "correct the card") if any_count else ("one or three ", "correct --bands")
            raise InputError(f"{path}: expected {count}bands of 1 to {dataset.count}, got {tuple(asked)}: {remedy}")
        return _choice(asked, names, meaning)
    # GeoTIFFs of more than three bands are often declared RGB by their writer's default: names are more reliable.
    by_name = _by_name(names)
    if by_name is not None:
        return _choice(by_name, names, meaning)
    by_number, is_certain = _by_number(names)
    if by_number is not None:
        return replace(_choice(by_number, names, meaning, guessed=not is_certain), is_by_number=True)
    if all(colour in meaning for colour in _COLOURS):
        return _choice([meaning.index(colour) + 1 for colour in _COLOURS], names, meaning)
    alpha = alpha_band(dataset)
    kinds = [(number, kind) for number, kind in enumerate(meaning, start=1) if number != alpha]
    plain = [number for number, kind in kinds if _may_be_visible(kind, names[number - 1])]
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
    return [found[colour] for colour in ("red", "green", "blue")] if len(found) == 3 else None


def _by_number(names: Sequence[str]) -> tuple[list[int] | None, bool]:
    """Return the bands that are numbered as those of Sentinel-2 and Landsat 8, and whether it is one of these."""
    matches = {number: match for number, name in enumerate(names, 1) if (match := _NUMBERED.match(name))}
    if matches and all(_says_its_place(names[number - 1], number) for number in matches):
        return None, False
    numbered = {match["number"].upper(): number for number, match in matches.items()}
    found = [numbered[band] for band in _SENTINEL if band in numbered]
    return (found if len(found) == 3 else None), "1" not in numbered or not _LATER.isdisjoint(numbered)


def _says_its_place(name: str, number: int) -> bool:
    """Return whether a name such as ``Band 4`` states only the number of the band."""
    match = _NUMBERED.fullmatch(name.strip())
    return match is not None and match["word"] is not None and match["number"] == str(number)


def alpha_band(dataset: Any) -> int | None:
    """Return the number of the alpha band of an open dataset; None without one.

    Writers tag a fourth band as alpha by default; one with its own name is data.
    """
    for number, kind in enumerate(band_colours(dataset), start=1):
        name = str(dataset.descriptions[number - 1] or "")
        if kind == ColorInterp.alpha and (not name or _ALPHA_NAME.search(name) or _says_its_place(name, number)):
            return number
    return None


def _may_be_visible(kind: Any, name: str) -> bool:
    infrared = kind.name in {"nir", "swir", "mwir", "lwir", "tir", "other_ir", "rededge", "coastal", "pan"}
    return not infrared and not _OTHER_NAMES.search(_MARKS.sub(" ", name))
