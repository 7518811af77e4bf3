"""Makes a process obey file permissions even if tests run as the superuser."""

from __future__ import annotations

import ctypes


def obey_permissions() -> None:
    """Drop the capability to bypass file permissions in the process that is about to start."""
    libc, drop = ctypes.CDLL(None), 24  # PR_CAPBSET_DROP
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        libc.prctl(drop, capability, 0, 0, 0)
