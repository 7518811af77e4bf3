"""Common implementations of AdaIN and WCT2, as a reference for speed in the same run on the same machine.

Written from the papers' equations, for timing with random weights only: full VGG-19 widths, NCHW, the exemplar encoded
for every image, a singular value decomposition for each whitening and colouring.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_PADDING = (1, 1, 1, 1)


class CommonAdaIN(nn.Module):
    """VGG-19 to relu4_1, AdaIN, mirrored decoder (Huang and Belongie 2017, arXiv:1703.06868)."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(3, 3, 1),
            *_block(3, 64, 64),
            nn.MaxPool2d(2),
            *_block(64, 128, 128),
            nn.MaxPool2d(2),
            *_block(128, 256, 256, 256, 256),
            nn.MaxPool2d(2),
            *_block(256, 512),
        )
        self.decoder = nn.Sequential(
            *_block(512, 256),
            nn.Upsample(scale_factor=2),
            *_block(256, 256, 256, 256, 128),
            nn.Upsample(scale_factor=2),
            *_block(128, 128, 64),
            nn.Upsample(scale_factor=2),
            *_block(64, 64, 3)[:-1],
        )

    def forward(self, content: Tensor, exemplar: Tensor) -> Tensor:
        """Return content (1, 3, H, W) translated to the style of an exemplar (1, 3, h, w)."""
        x, y = self.encoder(content), self.encoder(exemplar)
        std_x, mean_x = torch.std_mean(x, dim=(2, 3), keepdim=True)
        std_y, mean_y = torch.std_mean(y, dim=(2, 3), keepdim=True)
        output: Tensor = self.decoder(std_y * (x - mean_x) / (std_x + 1e-5) + mean_y)
        return output


class CommonWCT2(nn.Module):
    """VGG-19 with Haar pooling and cat5 unpooling, WCT after every block (Yoo et al. 2019, arXiv:1903.09760)."""

    WIDTHS = (64, 128, 256)

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 3, 1), *_block(3, 64))
        self.before_pool = nn.ModuleList([_chain(64, 64), _chain(128, 128), _chain(256, 256, 256, 256)])
        self.after_pool = nn.ModuleList([_chain(64, 128), _chain(128, 256), _chain(256, 512)])
        self.before_unpool = nn.ModuleList([_chain(128, 64), _chain(256, 128), _chain(512, 256)])
        self.after_unpool = nn.ModuleList([_chain(320, 64), _chain(640, 128), _chain(1280, 256, 256, 256)])
        self.last = _block(64, 3)[1]
        low, high = torch.tensor([1.0, 1.0]) / 2**0.5, torch.tensor([-1.0, 1.0]) / 2**0.5
        filters = [torch.outer(rows, columns) for rows in (low, high) for columns in (low, high)]
        self.register_buffer("filters", torch.stack(filters)[:, None, None])

    def forward(self, content: Tensor, exemplar: Tensor) -> Tensor:
        """Return content (1, 3, H, W) translated to the style of an exemplar (1, 3, h, w), sides multiples of 8."""
        codes, skips = self._encode_exemplar(exemplar)
        x = _transfer(self.first(content), codes["encoder"][0])
        kept = []
        for level in range(3):
            before = self.before_pool[level](x)
            low, *bands = self._pool(before)
            kept.append([*(_transfer(b, s) for b, s in zip(bands, skips[level][0], strict=True)), before])
            x = _transfer(self.after_pool[level](low), codes["encoder"][level + 1])
        for level in (2, 1, 0):
            x = self._unpool(level, x, kept[level])
            x = _transfer(x, codes["decoder"][level])
        output: Tensor = self.last(F.pad(x, _PADDING, mode="reflect"))
        return output

    def _encode_exemplar(self, exemplar: Tensor) -> tuple[dict[str, list[Tensor]], list[tuple[list[Tensor], Tensor]]]:
        x = self.first(exemplar)
        encoder, skips = [x], []
        for level in range(3):
            before = self.before_pool[level](x)
            low, *bands = self._pool(before)
            skips.append((bands, before))
            x = self.after_pool[level](low)
            encoder.append(x)
        decoder = [x] * 3
        for level in (2, 1, 0):
            x = decoder[level] = self._unpool(level, x, [*skips[level][0], skips[level][1]])
        return {"encoder": encoder, "decoder": decoder}, skips

    def _pool(self, x: Tensor) -> list[Tensor]:
        return [F.conv2d(x, f.expand(x.shape[1], -1, -1, -1), stride=2, groups=x.shape[1]) for f in self._filters()]

    def _unpool(self, level: int, x: Tensor, skip: Sequence[Tensor]) -> Tensor:
        *bands, before = skip
        components = [self.before_unpool[level](x), *bands]
        width = self.WIDTHS[level]
        spread = [
            F.conv_transpose2d(c, f.expand(width, -1, -1, -1), stride=2, groups=width)
            for c, f in zip(components, self._filters(), strict=True)
        ]
        output: Tensor = self.after_unpool[level](torch.cat([*spread, before], dim=1))
        return output

    def _filters(self) -> list[Tensor]:
        return list(self.get_buffer("filters"))


def _block(*widths: int) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.ReflectionPad2d(1), nn.Conv2d(before, after, 3), nn.ReLU()]
    return layers


def _chain(*widths: int) -> nn.Sequential:
    return nn.Sequential(*_block(*widths))


def _transfer(content: Tensor, style: Tensor) -> Tensor:
    """Whitening and colouring: E_s D_s^(1/2) E_s^T E_c D_c^(-1/2) E_c^T (x - mean) + style mean."""
    x, y = content[0].flatten(1), style[0].flatten(1)
    mean_x, mean_y = x.mean(1, keepdim=True), y.mean(1, keepdim=True)
    x, y = x - mean_x, y - mean_y
    identity = torch.eye(len(x))
    e_c, d_c, _ = torch.linalg.svd(x @ x.T / (x.shape[1] - 1) + identity)
    e_s, d_s, _ = torch.linalg.svd(y @ y.T / (y.shape[1] - 1) + identity)
    whitened = e_c @ torch.diag(d_c.rsqrt()) @ e_c.T @ x
    coloured: Tensor = e_s @ torch.diag(d_s.sqrt()) @ e_s.T @ whitened
    return (coloured + mean_y).view_as(content)
