"""Naive reference implementations of the published checkpoints, with plain loops."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

State = dict[str, Tensor]

CHANNELS = {1: 64, 2: 128, 3: 256, 4: 512}
ENCODER = ("1_1", "1_2", "2_1", "2_2", "3_1", "3_2", "3_3", "3_4", "4_1")
POOLED = {"1_2", "2_2", "3_4"}
LOW, HIGH = torch.tensor([1.0, 1.0]) / 2**0.5, torch.tensor([-1.0, 1.0]) / 2**0.5
FILTERS = [torch.outer(rows, columns) for rows in (LOW, HIGH) for columns in (LOW, HIGH)]


def random_conv(state: State, key: str, inputs: int, outputs: int, kernel: int = 3) -> None:
    """Add a convolution that keeps the variance through a ReLU."""
    scale = (2 / (inputs * kernel**2)) ** 0.5
    state[f"{key}.weight"] = torch.randn(outputs, inputs, kernel, kernel) * scale
    state[f"{key}.bias"] = torch.randn(outputs) * 0.05


def wct2_states(kind: str) -> tuple[State, State]:
    """Return random encoder and decoder state dicts in the layout of clovaai/WCT2."""
    encoder: State = {}
    decoder: State = {}
    random_conv(encoder, "conv0", 3, 3, 1)
    before = 3
    for name in ENCODER:
        width = CHANNELS[int(name[0])]
        random_conv(encoder, f"conv{name}", before, width)
        back = before
        if name in POOLED and kind == "cat5":
            random_conv(decoder, f"conv{name}_2", 5 * width, back)
        else:
            random_conv(decoder, f"conv{name}", width, back)
        before = width
    for index, band in enumerate(("LL", "LH", "HL", "HH")):
        encoder[f"pool1.{band}.weight"] = FILTERS[index].expand(64, 1, 2, 2).clone()
    # Unpooling adds up four or five inputs of unit scale; keep the sum at unit scale too.
    for key in decoder:
        if kind == "sum" and key in {f"conv{name}.weight" for name in POOLED}:
            decoder[key] *= 0.5
    return encoder, decoder


def conv(state: State, key: str, x: Tensor) -> Tensor:
    return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), state[f"{key}.weight"], state[f"{key}.bias"])


def relu_conv(state: State, key: str, x: Tensor) -> Tensor:
    return conv(state, key, x).relu()


def depthwise(filter_: Tensor, channels: int) -> Tensor:
    return filter_.expand(channels, 1, 2, 2)


def pool(x: Tensor) -> list[Tensor]:
    channels = x.shape[1]
    return [F.conv2d(x, depthwise(f, channels), stride=2, groups=channels) for f in FILTERS]


def unpool(ll: Tensor, details: Sequence[Tensor], before: Tensor, kind: str) -> Tensor:
    channels = ll.shape[1]
    parts = [
        F.conv_transpose2d(band, depthwise(f, channels), stride=2, groups=channels)
        for band, f in zip([ll, *details], FILTERS, strict=True)
    ]
    return torch.cat([*parts, before], dim=1) if kind == "cat5" else torch.stack(parts).sum(0)


def encode_level(state: State, level: int, x: Tensor, kind: str) -> tuple[Tensor, list[Tensor], Tensor | None]:
    """Return the last feature of the level, the detail bands and the feature before pooling."""
    if level == 1:
        x = F.conv2d(x, state["conv0.weight"], state["conv0.bias"])
    if kind == "cat5":
        names = {1: [], 2: ["1_2"], 3: ["2_2"], 4: ["3_2", "3_3", "3_4"]}[level]
        for name in names:
            x = relu_conv(state, f"conv{name}", x)
        details: list[Tensor] = []
        before = None
        if level > 1:
            before = x
            x, *details = pool(x)
        return relu_conv(state, f"conv{level}_1", x), details, before
    names = {1: ["1_1", "1_2"], 2: ["2_1", "2_2"], 3: ["3_1", "3_2", "3_3", "3_4"], 4: ["4_1"]}[level]
    for name in names:
        x = relu_conv(state, f"conv{name}", x)
    if level == 4:
        return x, [], None
    before = x
    ll, *details = pool(x)
    return ll, details, before


def decode_level(
    state: State, level: int, x: Tensor, skips: dict[int, tuple[list[Tensor], Tensor]], kind: str
) -> Tensor:
    if level == 1:
        return conv(state, "conv1_1", x)
    x = relu_conv(state, f"conv{level}_1", x)
    x = unpool(x, *skips[level - 1], kind)
    suffix = "_2" if kind == "cat5" else ""
    tail = {4: ["3_4" + suffix, "3_3", "3_2"], 3: ["2_2" + suffix], 2: ["1_2" + suffix]}[level]
    for name in tail:
        x = relu_conv(state, f"conv{name}", x)
    return x


def wct(content: Tensor, style: Tensor, strength: float) -> Tensor:
    c, s = content[0].flatten(1).double(), style[0].flatten(1).double()
    c_mean, s_mean = c.mean(1, keepdim=True), s.mean(1, keepdim=True)
    identity = torch.eye(len(c), dtype=torch.float64)
    u, d, _ = torch.linalg.svd((c - c_mean) @ (c - c_mean).T / (c.shape[1] - 1) + identity)
    v, e, _ = torch.linalg.svd((s - s_mean) @ (s - s_mean).T / (s.shape[1] - 1) + identity)
    whitened = u @ torch.diag(d**-0.5) @ u.T @ (c - c_mean)
    coloured = v @ torch.diag(e**0.5) @ v.T @ whitened + s_mean
    coloured = coloured.clamp(c.min(), c.max())
    blended: Tensor = strength * coloured + (1 - strength) * c
    return blended.float().view_as(content)


def wct2(
    encoder: State,
    decoder: State,
    content: Tensor,
    style: Tensor,
    kind: str,
    places: Sequence[str],
    strength: float = 1.0,
) -> Tensor:
    """Return the result of a published WCT2 network for content and exemplar, both (1, 3, H, W)."""
    shift = 0 if kind == "cat5" else 1  # of the level whose encoding leaves pooling p behind
    style_ends: dict[int, Tensor] = {}
    style_skips: dict[int, tuple[list[Tensor], Tensor]] = {}
    y = style
    for level in (1, 2, 3, 4):
        y, details, before = encode_level(encoder, level, y, kind)
        style_ends[level] = y
        if before is not None:
            style_skips[level - 1 + shift] = (details, before)
    style_inputs: dict[int, Tensor] = {}
    for level in (4, 3, 2, 1):
        style_inputs[level] = y
        y = decode_level(decoder, level, y, style_skips, kind)

    skips: dict[int, tuple[list[Tensor], Tensor]] = {}
    x = content
    for level in (1, 2, 3, 4):
        x, details, before = encode_level(encoder, level, x, kind)
        if before is not None:
            skips[level - 1 + shift] = (details, before)
        if "encoder" in places:
            x = wct(x, style_ends[level], strength)
    if "skip" in places:
        for number, (details, before) in skips.items():
            theirs = style_skips[number][0]
            skips[number] = ([wct(d, t, strength) for d, t in zip(details, theirs, strict=True)], before)
    for level in (4, 3, 2, 1):
        if "decoder" in places and (level < 4 or "encoder" not in places):
            x = wct(x, style_inputs[level], strength)
        x = decode_level(decoder, level, x, skips, kind)
    return x


ADAIN_DECODER = ((512, 256), "up", (256, 256), (256, 256), (256, 256), (256, 128), "up", (128, 128), (128, 64), "up")


def adain_states() -> tuple[State, State]:
    """Return random state dicts in the layout of naoto0804/pytorch-AdaIN; the encoder continues after relu4_1."""
    encoder: State = {}
    random_conv(encoder, "0", 3, 3, 1)
    index, before = 2, 3
    for name in (*ENCODER, "4_2"):
        width = CHANNELS[int(name[0])]
        random_conv(encoder, str(index), before, width)
        before = width
        index += 4 if name in POOLED else 3  # conv, ReLU, (max pooling,) reflection padding
    decoder: State = {}
    index = 1
    for layer in (*ADAIN_DECODER, (64, 64), (64, 3)):
        if isinstance(layer, str):
            index += 1
        else:
            random_conv(decoder, str(index), *layer)
            index += 3
    return encoder, decoder


def adain(encoder: State, decoder: State, content: Tensor, style: Tensor, strength: float = 1.0) -> Tensor:
    """Return the result of a published AdaIN network for content and exemplar, both (1, 3, H, W)."""

    def encoded(x: Tensor) -> Tensor:
        x = F.conv2d(x, encoder["0.weight"], encoder["0.bias"])
        for index in (2, 5, 9, 12, 16, 19, 22, 25, 29):
            x = relu_conv(encoder, str(index), x)
            if index in {5, 12, 25}:
                x = F.max_pool2d(x, 2, ceil_mode=True)
        return x

    x, y = encoded(content), encoded(style)
    std_x, std_y = ((f.flatten(2).var(2, unbiased=True) + 1e-5).sqrt()[..., None, None] for f in (x, y))
    mean_x, mean_y = (f.flatten(2).mean(2)[..., None, None] for f in (x, y))
    t = std_y * (x - mean_x) / std_x + mean_y
    x = strength * t + (1 - strength) * x
    for index in (1, 5, 8, 11, 14, 18, 21, 25):
        x = relu_conv(decoder, str(index), x)
        if index in {1, 14, 21}:
            x = F.interpolate(x, scale_factor=2, mode="nearest")
    return conv(decoder, "28", x)
