"""Lists the image files of a recipe's sources and validation sets, by card and split; no file is opened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ir_transfer.data.cards import GENERIC, Card, load_card
from ir_transfer.data.pair_files import Side
from ir_transfer.data.pairs import Pair, Single, list_pairs, list_side
from ir_transfer.data.splits import choose_part
from ir_transfer.errors import InputError, MissingFileError
from ir_transfer.imaging.image_names import is_image_name
from ir_transfer.training.recipe import DataSection, Source, ValidationSet


@dataclass(frozen=True)
class ImageFiles:
    """Image files of a source or of a validation set.

    Attributes:
        where: Key of the set in the recipe.
        rgb: RGB images.
        infrared: Infrared images; if paired, in the order of the RGB images.
        pairs: Both together, or None if they are unpaired.
        card: Name of the card that defines the scenes; None without one.
        parted: Whether only a named subset of the set is used.
    """

    where: str
    rgb: Sequence[Single]
    infrared: Sequence[Single]
    pairs: Sequence[Pair] | None
    card: str | None
    parted: bool

    @property
    def files(self) -> list[Path]:
        """Paths of all files without duplicates."""
        return list(dict.fromkeys(single.path for single in (*self.rgb, *self.infrared)))


def find_sources(data: DataSection, root: Path) -> list[ImageFiles]:
    """Return the image files of every source, including those used for validation.

    Raises:
        MissingFileError: A folder, card or split is missing.
        InputError: A card of another band, without pairs, or of unknown polarity; no such subset; or no images.
    """
    found = []
    for index, source in enumerate(data.sources):
        where = f"data.sources[{index}]"
        card = _card(source.card, root, data.band, f"{where}.card")
        if source.pairing == "paired":
            found.append(_paired(source, root, card, where, f"{where}.part"))
            continue
        if data.looks and source.infrared is None and card is None:
            infrared = [single for name in data.looks for single in style_files(name, data.looks, root)]
            rgb = _plain(root / source.path, "rgb")
            found.append(ImageFiles(where, rgb, infrared, None, None, parted=False))
            continue
        rgb = _side(source, root, card, "rgb", where)
        if source.infrared is None:
            infrared = _side(source, root, card, "ir", where)
        else:
            other = _card(source.infrared_card, root, data.band, f"{where}.infrared_card")
            folder = root / source.infrared
            infrared = _plain(folder, "ir") if other is None else list_side(folder, other, "ir")
        if not rgb:
            raise InputError(
                f"expected RGB images in {where}, whose card {source.card} has none: set 'path' to a folder of RGB "
                f"images, and write 'infrared: {source.path}' and 'infrared_card: {source.card}'"
            )
        parted = source.part is not None or source.split is not None
        found.append(ImageFiles(where, rgb, infrared, None, None if card is None else card.name, parted))
    return found


def find_validations(data: DataSection, root: Path) -> list[ImageFiles]:
    """Return the image files of every validation set; ``infrared`` is empty without ground truth.

    Raises:
        MissingFileError: A folder, card or split is missing.
        InputError: As for :func:`find_sources`.
    """
    several = bool(data.validations)
    where = [
        f"data.validations[{index}]" if several else "data.validation" for index in range(len(data.validation_sets))
    ]
    dot = "." if several else "_"
    return [
        _find_validation(chosen, data.band, root, key, f"{key}{dot}")
        for chosen, key in zip(data.validation_sets, where, strict=True)
    ]


def _find_validation(chosen: ValidationSet, band: str, root: Path, where: str, key: str) -> ImageFiles:
    card = _card(chosen.card, root, band, f"{key}card")
    source = Source(chosen.path, split=chosen.split, part=chosen.part, card=chosen.card)
    if chosen.pairing == "paired":
        found = _paired(source, root, card, where, f"{key}part")
        pairs = (found.pairs or ())[:: chosen.every]
        return _of_pairs(pairs, found.where, found.card, found.parted)
    rgb = _plain(root / chosen.path, "rgb") if card is None else _side(source, root, card, "rgb", where)
    parted = source.part is not None or source.split is not None
    name = None if card is None else card.name
    return ImageFiles(where, rgb[:: chosen.every], [], None, name, parted)


def style_files(name: str, named: Mapping[str, Sequence[str]], root: Path) -> list[Single]:
    """Return the infrared files of a style of the recipe (``data.looks``).

    Raises:
        MissingFileError: One is missing.
    """
    paths = [root / text for text in named[name]]
    for path in paths:
        if not path.is_file():
            raise MissingFileError(f"expected an image of data.looks.{name} at {path}, found none: check --data")
    return [Single(path.stem, path, "ir") for path in paths]


def _card(name: str | None, root: Path, band: str, key: str) -> Card | None:
    if name is None:
        return None
    card = load_card(root / name if Path(name).suffix in {".yaml", ".yml"} else name)
    if card.band not in {"any", band}:
        raise InputError(
            f"expected a card of band {band} as {key}, got {name}, which is {card.band}: "
            f"use another one, or --set data.band={card.band}"
        )
    if card.polarity in {"varies", "unknown"}:
        raise InputError(
            f"expected a card of known polarity as {key}, got {name}, whose polarity is {card.polarity!r}: ground "
            "truths must be white-hot, so inspect its images and add 'polarity: white-hot' or 'black-hot' to the card"
        )
    return card


def _paired(source: Source, root: Path, card: Card | None, where: str, key: str) -> ImageFiles:
    folder = root / source.path
    if card is not None and not card.is_paired:
        raise InputError(
            f"expected a card with pairs in {where}, got {card.name}, whose images are not paired: "
            "write 'pairing: unpaired'"
        )
    split = None if source.split is None else root / source.split
    pairs = choose_part(list_pairs(folder, card or load_card(GENERIC)), source.part, split, key)
    parted = source.part is not None or split is not None
    return _of_pairs(pairs, where, None if card is None else card.name, parted)


def _of_pairs(pairs: Sequence[Pair], where: str, card: str | None, parted: bool) -> ImageFiles:
    rgb, infrared = [p.alone("rgb") for p in pairs], [p.alone("ir") for p in pairs]
    return ImageFiles(where, rgb, infrared, pairs, card, parted)


def _side(source: Source, root: Path, card: Card | None, side: Side, where: str) -> list[Single]:
    folder = root / source.path
    if card is None:
        found = _plain(folder if source.infrared is not None else folder / side, side)
    else:
        found = list_side(folder, card, side)
    split = None if source.split is None else root / source.split
    return choose_part(found, source.part, split, f"{where}.part") if found else []


def _plain(folder: Path, side: Side) -> list[Single]:
    if not folder.is_dir():
        raise MissingFileError(f"expected a folder of images at {folder}, found none: check --data and the recipe")
    found = sorted(path for path in folder.iterdir() if is_image_name(path))
    if not found:
        raise InputError(f"expected images in {folder}, got none: check the recipe's data section")
    return [Single(path.stem, path, side) for path in found]
