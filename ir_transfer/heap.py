"""Settings of the C library's heap, for feature maps that are freed and allocated again; does not import torch."""

from __future__ import annotations

import ctypes
import sys

_KEPT = {-3: 64 * 2**20, -1: 256 * 2**20}
"""mallopt: size in bytes from which blocks are mapped separately, and of the free end of the heap that stays."""


def reuse_freed() -> None:
    """Keep freed feature maps in the process for the next ones if the C library is glibc; it has no effect elsewhere.

    The system otherwise maps and clears their pages for each image anew, which took 10% of the time of a conversion
    or a training step.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if set_option is not None:
        for option, size in _KEPT.items():
            set_option(option, size)


def return_freed() -> None:
    """Return freed memory to the system if the C library is glibc.

    Feature maps of changing sizes fragment its heap: over many tiles the fragments grew to 900 MB.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
