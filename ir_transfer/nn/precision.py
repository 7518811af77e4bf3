"""Where computing in bfloat16 pays."""

from __future__ import annotations

import torch


def bfloat16_is_fast(device: torch.device) -> bool:
    """Return whether a device computes in bfloat16 itself; a CPU that imitates it takes ten times as long.

    Example:
        >>> isinstance(bfloat16_is_fast(torch.device("cpu")), bool)
        True
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if not torch.backends.mkldnn.is_available():
        return False
    supported: bool = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return supported
