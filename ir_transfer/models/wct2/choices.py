"""Names shared by both sizes of WCT2."""

from __future__ import annotations

from collections.abc import Collection

from ir_transfer.errors import InputError

BANDS = ("lh", "hl", "hh")
"""Wavelet components that skip to the decoder, without LL."""


def check_choice(value: str, known: Collection[str], name: str) -> None:
    """Raise :class:`InputError` if a hyper-parameter is not one of the known values."""
    if value not in known:
        raise InputError(f"expected {name} to be one of {', '.join(known)}, got {value!r}")
