"""Lists the pairs of a data set on disk by its card."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ir_transfer.data.cards import GENERIC, Card, Layout, load_card
from ir_transfer.data.name_patterns import NamePattern
from ir_transfer.data.pair_files import Side
from ir_transfer.errors import InputError, MissingFileError


@dataclass(frozen=True)
class Single:
    """One image that has no partner, or is used without it.

    Attributes:
        stem: Its name; unique in the data set.
        path: The file.
        side: ``rgb`` or ``ir``.
        scene: The scene by the card's rule; None if names do not contain it.
        part: Its published subset; None without subsets.
        layout: Layout of the file; None for a plain one.
        black_hot: Whether an infrared image is black-hot.
    """

    stem: str
    path: Path
    side: Side
    scene: str | None = None
    part: str | None = None
    layout: Layout | None = None
    black_hot: bool = False


@dataclass(frozen=True)
class Pair:
    """Two images that show one scene.

    Attributes:
        stem: Their common name; unique in the data set.
        rgb: The file of the RGB image.
        ir: The file of the infrared image; the same file if it holds both.
        scene: The scene by the card's rule; None if names do not contain it.
        part: Its published subset; None without subsets.
        layout: Layout of the files; None for two plain files.
        black_hot: Whether the infrared file is black-hot.
    """

    stem: str
    rgb: Path
    ir: Path
    scene: str | None = None
    part: str | None = None
    layout: Layout | None = None
    black_hot: bool = False

    def alone(self, side: Side) -> Single:
        """Return one of its images."""
        path = self.rgb if side == "rgb" else self.ir
        return Single(self.stem, path, side, self.scene, self.part, self.layout, self.black_hot and side == "ir")


@dataclass
class Listing:
    """Contents of a folder.

    Attributes:
        pairs: The pairs, sorted by stem.
        unpaired: Files without a partner by side, or list entries whose file is missing.
    """

    pairs: list[Pair] = field(default_factory=list)
    unpaired: dict[Side, list[str]] = field(default_factory=lambda: {"rgb": [], "ir": []})


def list_pairs(root: Path, card: Card | None = None) -> list[Pair]:
    """Return the pairs of a folder, sorted by stem.

    Args:
        root: The folder.
        card: Its card; ``rgb/`` and ``ir/`` with the same stems by default.

    Raises:
        MissingFileError: A folder or list that the card names is missing.
        InputError: The folder has no pairs, or the card is unpaired.
    """
    card = card or load_card(GENERIC)
    listing = scan_pairs(root, card)
    if listing.pairs:
        return listing.pairs
    layout = card.layout
    if layout.kind == "two-files":
        sides = " and ".join(str(root / (layout.pattern(side).folder or ".")) for side in ("rgb", "ir"))
        unpaired = len(listing.unpaired["rgb"]), len(listing.unpaired["ir"])
        raise InputError(
            f"expected images of equal names in {sides} ({layout.rgb} and {layout.ir}), got none in common "
            f"({unpaired[0]} RGB images, {unpaired[1]} infrared files): see ir-transfer datasets show {card.name}"
        )
    raise InputError(
        f"expected images like {layout.files or layout.lists} in {root}, got none: "
        f"see ir-transfer datasets show {card.name}"
    )


def scan_pairs(root: Path, card: Card) -> Listing:
    """Return the pairs of a folder and the files without a partner.

    Raises:
        MissingFileError: A folder or list that the card names is missing.
        InputError: The card is unpaired, or two pairs have the same name.
    """
    layout = card.layout
    if not card.is_paired:
        raise InputError(
            f"expected a card with pairs, got {card.name}, which is unpaired: "
            "use its infrared files as exemplars or for unpaired training"
        )
    if not root.is_dir():
        raise MissingFileError(f"expected the folder {root}, found none: check the path")
    if layout.kind == "two-files":
        listing = _two_files(root, card)
    elif layout.kind == "list":
        listing = _from_lists(root, card)
    else:
        pattern = layout.pattern("files")
        listing = Listing([_pair(card, pattern.fields, key, p, p) for key, p in pattern.find(root).items()])
    listing.pairs.sort(key=lambda pair: pair.stem)
    for one, other in zip(listing.pairs, listing.pairs[1:], strict=False):
        if one.stem == other.stem:
            raise InputError(f"expected a single pair named {one.stem}, got {one.rgb} and {other.rgb}: rename one")
    return listing


def list_side(root: Path, card: Card, side: Side) -> list[Single]:
    """Return the images of one side, sorted by name; empty if an unpaired data set has no such side.

    Raises:
        MissingFileError: A folder that the card names is missing.
        InputError: No file matches, although the card has this side.
    """
    if card.is_paired:
        return [pair.alone(side) for pair in list_pairs(root, card)]
    text = getattr(card.layout, side)
    if text is None:
        return []
    pattern = NamePattern(text)
    _check_folders(root, card)
    layout = None if _is_plain(card) else card.layout
    black_hot = side == "ir" and card.polarity == "black-hot"
    found = []
    for key, path in pattern.find(root).items():
        stem, values = "_".join(key), dict(zip(pattern.fields, key, strict=True))
        found.append(Single(stem, path, side, card.scene_of(stem), values.get("part"), layout, black_hot))
    if not found:
        raise InputError(f"expected files like {text} in {root}, got none: see ir-transfer datasets show {card.name}")
    return found


def _check_folders(root: Path, card: Card) -> None:
    patterns = [NamePattern(text) for text in (card.layout.rgb, card.layout.ir) if text]
    names = [pattern.folder for pattern in patterns]
    for name in names:
        if not (root / name).is_dir():
            wanted = " and ".join(f"{name}/" for name in names)
            raise MissingFileError(
                f"expected the folder {root / name}, found none: {card.name} has {wanted} side by side; "
                f"see ir-transfer datasets show {card.name}, or name another card"
            )


def _pair(card: Card, fields: tuple[str, ...], key: tuple[str, ...], rgb: Path, ir: Path) -> Pair:
    stem = "_".join(key)
    values = dict(zip(fields, key, strict=True))
    layout = None if _is_plain(card) else card.layout
    black_hot = card.polarity == "black-hot"
    return Pair(stem, rgb, ir, card.scene_of(stem), values.get("part"), layout, black_hot)


def _is_plain(card: Card) -> bool:
    """Return whether every file of the card is one whole image with the white level of its type."""
    layout = card.layout
    return layout.kind in {"two-files", "list", "unpaired"} and not layout.border and layout.white is None


def _two_files(root: Path, card: Card) -> Listing:
    _check_folders(root, card)
    rgb, ir = card.layout.pattern("rgb"), card.layout.pattern("ir")
    order = [ir.fields.index(name) for name in rgb.fields]
    rgb_files = rgb.find(root)
    ir_files = {tuple(key[i] for i in order): path for key, path in ir.find(root).items()}
    common = rgb_files.keys() & ir_files.keys()
    return Listing(
        [_pair(card, rgb.fields, key, rgb_files[key], ir_files[key]) for key in common],
        {
            "rgb": sorted(str(p.relative_to(root)) for key, p in rgb_files.items() if key not in common),
            "ir": sorted(str(p.relative_to(root)) for key, p in ir_files.items() if key not in common),
        },
    )


def _from_lists(root: Path, card: Card) -> Listing:
    lists = card.layout.pattern("lists")
    found = lists.find(root)
    if not found:
        raise MissingFileError(
            f"expected the list {root / lists.text}, found none: see ir-transfer datasets show {card.name}"
        )
    listing = Listing()
    for key, path in found.items():
        for fields, rgb, ir in _entries(path, card, dict(zip(lists.fields, key, strict=True))):
            present = {side: name for side, name in (("rgb", rgb), ("ir", ir)) if (root / name).is_file()}
            if len(present) < 2:
                gone = rgb if "rgb" not in present else ir
                listing.unpaired["ir" if gone == rgb else "rgb"].append(f"{path.name} names {gone}, which is missing")
            else:
                listing.pairs.append(_pair(card, tuple(fields), tuple(fields.values()), root / rgb, root / ir))
    return listing


def _entries(path: Path, card: Card, outer: dict[str, str]) -> Iterator[tuple[dict[str, str], str, str]]:
    """Yield the fields and the two paths of every line of a list."""
    layout = card.layout
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if layout.line is not None:
            values = layout.pattern("line").match(text)
            if values is None:
                raise InputError(f"expected line {number} of {path} to be like {layout.line}, got {text!r}")
            fields = {**outer, **values}
            yield fields, layout.pattern("rgb").fill(fields), layout.pattern("ir").fill(fields)
            continue
        separator = next((s for s in ("\t", ",") if s in text), None)
        columns = [column.strip() for column in text.split(separator)]
        if len(columns) != 2:
            raise InputError(f"expected two paths in line {number} of {path}, got {text!r}: separate them with a tab")
        name = Path(columns[0]).with_suffix("").as_posix().replace("/", "_")
        yield {**outer, "id": name}, columns[0], columns[1]
