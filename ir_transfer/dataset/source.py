"""Where the RGB set of a generated one is stored: the set, its source or both may have been moved since."""

from __future__ import annotations

import os
from pathlib import Path

from ir_transfer.conversion.manifest import Manifest
from ir_transfer.imaging.remote import is_remote, public


def source_fields(root: Path, out: Path) -> tuple[str, str | None]:
    """Return how a manifest names the root of its source: by itself, and from the folder of the results.

    Args:
        root: Of the RGB set.
        out: Root of the new set.
    """
    root, out = root.resolve(), out.resolve()
    if is_remote(root) or is_remote(out):
        return public(root), None
    return str(root), Path(os.path.relpath(root, out)).as_posix()


def find_source(manifest: Manifest) -> Path | None:
    """Return the root of the source of a generated set, None if it is stored in no place that the manifest names."""
    header = manifest.header
    places = [] if header.source is None else [Path(header.source)]
    if header.source_from_here is not None:
        places.append(Path(os.path.normpath(manifest.path.parent.resolve() / header.source_from_here)))
    return next((place for place in places if place.is_dir()), None)
