"""Start of a distillation from an encoder without normalisations, such as the bundled one."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from ir_transfer.nn.content_encoder import ContentEncoder, ConvNorm

_EPS = nn.BatchNorm2d(1).eps


@torch.no_grad()
def with_norms(encoder: ContentEncoder, batches: Iterable[Tensor]) -> ContentEncoder:
    """Return an encoder with batch normalisations that equals ``encoder`` in evaluation mode.

    The statistics of every normalisation are those of the encoder's features of the images. Its scale and offset undo
    them, so that the function is the same before the first step, and batches are normalised from then on.

    Args:
        encoder: Encoder from :meth:`~ir_transfer.nn.content_encoder.ContentEncoder.folded`.
        batches: Images (B, 3, H, W) in [0, 1], at least one batch.
    """
    sums: dict[str, list[Tensor]] = {}

    def adds_to(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def add(_: nn.Module, __: tuple[Tensor, ...], features: Tensor) -> None:
            values = features.double().transpose(0, 1).flatten(1)
            count = torch.full_like(values[:, 0], values.shape[1])
            found = [count, values.sum(1), values.square().sum(1)]
            sums[name] = [a + b for a, b in zip(sums[name], found, strict=True)] if name in sums else found

        return add

    convolutions = {name: part.conv for name, part in encoder.named_modules() if isinstance(part, ConvNorm)}
    hooks = [part.register_forward_hook(adds_to(name)) for name, part in convolutions.items()]
    for images in batches:
        encoder(images)
    for hook in hooks:
        hook.remove()
    normed = ContentEncoder(encoder.widths, encoder.depths, encoder.head_width, norm=True)
    state = {name: value for name, value in encoder.state_dict().items() if name in normed.state_dict()}
    for name, (count, total, squares) in sums.items():
        mean = total / count
        variance = (squares / count - mean.square()).clamp(min=0)
        bias = convolutions[name].bias
        state |= {
            f"{name}.norm.running_mean": mean if bias is None else mean - bias,
            f"{name}.norm.running_var": variance,
            f"{name}.norm.weight": (variance + _EPS).sqrt(),
            f"{name}.norm.bias": mean,
            f"{name}.norm.num_batches_tracked": torch.zeros((), dtype=torch.long),
        }
    normed.load_state_dict(state)
    return normed
