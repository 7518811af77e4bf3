"""Choice of the floating-point precision."""

from __future__ import annotations

import torch
from torch import Tensor


def bfloat16_is_fast(device: torch.device) -> bool:
    """Return whether a device has native bfloat16; emulation on a CPU takes ten times as long.

    Example:
        >>> isinstance(bfloat16_is_fast(torch.device("cpu")), bool)
        True
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported())  # type: ignore[no-untyped-call]


def at_least_float32(values: Tensor) -> Tensor:
    """Cast values (any shape) of less than float32 precision to float32; others are returned unchanged."""
    return values if values.dtype in {torch.float32, torch.float64} else values.float()


def full_precision(like: Tensor) -> torch.autocast:
    """Return a context without autocast for a tensor of any shape: bfloat16 has too few levels for images."""
    return torch.autocast(like.device.type, enabled=False)
