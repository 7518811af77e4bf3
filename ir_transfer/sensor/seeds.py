"""Random numbers that depend on what they are for, and on nothing that happened before."""

from __future__ import annotations

import hashlib
import operator
from typing import Literal, SupportsIndex

import numpy as np

from ir_transfer.errors import InputError

Purpose = Literal["fixed", "drift", "bad pixels", "temporal"]


def frame_number(frame: SupportsIndex | str) -> int:
    """Return the number of a frame; that of a key (the name of an image, say) is a hash of 64 bits of it.

    Raises:
        InputError: A negative number.
    """
    if isinstance(frame, str):
        # A file's name may hold bytes that are no text.
        digest = hashlib.blake2b(frame.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return int.from_bytes(digest, "little")
    number = operator.index(frame)
    if number < 0:
        raise InputError(f"expected a frame number of at least 0, got {number}")
    return number


def generator(seed: int, purpose: Purpose, number: int = 0) -> np.random.Generator:
    """Return the random numbers of one purpose and frame; the same on every machine with the same release of NumPy.

    SFC64, seeded through a hash: neighbouring seeds and frames have nothing in common.
    """
    digest = hashlib.blake2b(f"{seed}/{purpose}/{number}".encode(), digest_size=32).digest()
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(int.from_bytes(digest, "little"))))
