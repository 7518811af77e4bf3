"""Names of what a new set has besides images and labels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from ir_transfer.conversion.inputs import MANIFEST_NAME
from ir_transfer.conversion.manifest import Entry

CARD_FOLDER = "_card"
CARD_NAME = "README.md"
PROBLEMS_NAME = "problems.txt"
"""All that is wrong with the labels of the source, a line each; the card and the command line show the first."""
HASHES_NAME = "labels.sha256"


def own_files(entries: Mapping[str, Entry]) -> set[PurePosixPath]:
    """Return the places that labels must leave alone: the manifest, the hashes and the images themselves."""
    images = {PurePosixPath(entry.output) for entry in entries.values() if entry.output is not None}
    return {PurePosixPath(MANIFEST_NAME), PurePosixPath(HASHES_NAME)} | images
