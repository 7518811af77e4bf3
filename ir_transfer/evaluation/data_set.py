"""The pairs that a comparison measures."""

from dataclasses import dataclass
from pathlib import Path

from ir_transfer.data.cards import GENERIC, Card, load_card
from ir_transfer.data.pairs import Pair, list_pairs
from ir_transfer.data.splits import choose_part
from ir_transfer.errors import InputError
from ir_transfer.evaluation.protocol import Protocol


@dataclass(frozen=True)
class DataSet:
    """The pairs to measure.

    Attributes:
        root: Their folder.
        pairs: The pairs.
        black_hot: Whether infrared files are black-hot; exemplars are assumed to have the same polarity.
        card: Their data set card, if one was named.
        part: The measured subset, if not all pairs.
    """

    root: Path
    pairs: list[Pair]
    black_hot: bool
    card: Card | None = None
    part: str | None = None

    @property
    def title(self) -> str:
        """Name in tables."""
        named = [f"card {self.card.name}"] if self.card else []
        named += [f"part {self.part}"] if self.part else []
        return "/".join(self.root.parts[-2:]) + (f" ({', '.join(named)})" if named else "")


def find_pairs(
    data: Path, protocol: Protocol, card: str | None = None, split: Path | None = None, part: str | None = None
) -> DataSet:
    """Find the pairs to measure.

    Without a card, these are in ``rgb/`` and ``ir/`` of the protocol's split below ``data``, or of ``data`` if there is
    none. With a card, they are the named subset, or the published subset of the protocol's split, or all pairs.

    Args:
        data: Root folder of the card's paths.
        protocol: Its band must be that of the card; its polarity is used if the card states none.
        card: Name or file of a data set card.
        split: File of ``ir-transfer datasets split``.
        part: Subset of the split file, or published subset; ``val`` by default if there is a split file.

    Raises:
        MissingFileError: A folder, card or split file is missing.
        InputError: The card does not fit the folder or the protocol, or there is no such subset.
    """
    if card is None and split is None and part is None:
        root = protocol.root(data)
        return DataSet(root, list_pairs(root), protocol.polarity == "black-hot")
    chosen = load_card(card or GENERIC)
    check_band(chosen, protocol)
    pairs = list_pairs(data, chosen)
    if part is None:
        published = {pair.part for pair in pairs}
        part = "val" if split is not None else protocol.split if protocol.split in published else None
    black_hot = is_black_hot(chosen, protocol) if card is not None else protocol.polarity == "black-hot"
    measured = choose_part(pairs, part, split, "--part")
    return DataSet(data, measured, black_hot, chosen if card is not None else None, part)


def check_band(card: Card, protocol: Protocol) -> None:
    """Refuse a card of another band than the protocol's.

    Raises:
        InputError: The bands differ.
    """
    if "any" not in {card.band, protocol.band} and card.band != protocol.band:
        raise InputError(
            f"expected a card of band {protocol.band} for the protocol {protocol.name}, got {card.name}, which is "
            f"{card.band}: use another --protocol or --card"
        )


def is_black_hot(card: Card, protocol: Protocol) -> bool:
    """Return whether infrared files are black-hot, by the card, or by the protocol if the card has no polarity.

    Raises:
        InputError: Card and protocol contradict each other.
    """
    if card.polarity in {"varies", "unknown"}:
        return protocol.polarity == "black-hot"
    if card.polarity != "black-hot" and protocol.polarity == "black-hot":
        raise InputError(
            f"expected the polarity of the card {card.name}, which is {card.polarity}, to be that of the protocol "
            f"{protocol.name}, got black-hot: correct the wrong one"
        )
    return card.polarity == "black-hot"
