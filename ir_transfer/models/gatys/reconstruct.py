"""Reconstruction of content and style from noise (figure 1 of the paper), and texture synthesis."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from kornia.color import rgb_to_grayscale
from torch import Tensor

from ir_transfer.errors import InputError
from ir_transfer.models.gatys.equations import LEAST_SCALE, Aim
from ir_transfer.models.gatys.model import Gatys
from ir_transfer.models.gatys.network import check_layers
from ir_transfer.models.gatys.paper import PaperGatys
from ir_transfer.models.gatys.search import differentiable, noise, search
from ir_transfer.nn.gram import gram_matrix
from ir_transfer.nn.limits import SMALLEST_SIDE


def reconstruct_content(model: Gatys | PaperGatys, content: Tensor, layer: str | None = None) -> Tensor:
    """Return an image (1, 1, H, W) in [0, 1], optimised from noise, with the content's features at one layer.

    Args:
        model: Its options ``steps`` and ``tolerance`` limit the optimisation; ``on_step`` is called after each step.
        content: RGB image (1, 3, H, W), of which the luma is used, or gray image (1, 1, H, W), in [0, 1].
        layer: Name of a layer, the content layer if None; deeper layers preserve less detail.

    Raises:
        UnknownNameError: No such layer.
        InputError: An image smaller than 16 pixels.
    """
    layer = layer or model.features.content_layer
    check_layers(model.features, [layer])
    _check_size(content.shape[-2:])
    with differentiable(content.device):
        image = content.clone().to(model.dtype)
        luma = rgb_to_grayscale(image) if image.shape[1] == 3 else image
        with torch.no_grad():
            height, width = luma.shape[-2:]
            multiple = model.info.size_multiple
            padded = F.pad(luma, (0, -width % multiple, 0, -height % multiple), mode="reflect")
            wanted = model.features.at(padded, [layer])
        return _found(model, Aim(model.features, content=wanted, scales=_scales(wanted)), (height, width), luma)


def reconstruct_style(
    model: Gatys | PaperGatys,
    exemplar: Tensor,
    layers: Sequence[str] | None = None,
    size: tuple[int, int] | None = None,
) -> Tensor:
    """Return an image (1, 1, H, W) in [0, 1], optimised from noise, with the exemplar's Gram matrices.

    Args:
        model: See :func:`reconstruct_content`.
        exemplar: (1, 1, h, w) in [0, 1].
        layers: Names of layers, the style layers if None; deeper layers match structures of a larger scale.
        size: Height and width of the result; the exemplar's if None.

    Raises:
        UnknownNameError: No such layer.
        InputError: No layer, or a size below 16 pixels.
    """
    layers = model.features.style_layers if layers is None else layers
    check_layers(model.features, layers)
    if not layers:
        raise InputError(f"expected one or more layers, got none: name {model.features.layers[0]} or deeper ones")
    size = size or (exemplar.shape[-2], exemplar.shape[-1])
    _check_size((*size, *exemplar.shape[-2:]))
    with differentiable(exemplar.device):
        image = exemplar.clone().to(model.dtype)
        with torch.no_grad():
            features = model.features.at(image, layers)
        wanted = {name: gram_matrix(found) for name, found in features.items()}
        aim = Aim(model.features, style=wanted, scales=_scales(features))
        return _found(model, aim, size, image)


def synthesise_texture(model: Gatys | PaperGatys, exemplar: Tensor, size: tuple[int, int] | None = None) -> Tensor:
    """Return an image of the exemplar's texture without content (Gatys et al. 2015, arXiv:1505.07376).

    Equals :func:`reconstruct_style` with all layers of style transfer.
    """
    return reconstruct_style(model, exemplar, size=size)


def _check_size(sides: Sequence[int]) -> None:
    if min(sides) < SMALLEST_SIDE:
        raise InputError(f"expected sides of at least {SMALLEST_SIDE} pixels, got {min(sides)}: take a larger image")


def _scales(features: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: found.mean().clamp(min=LEAST_SCALE) for name, found in features.items()}


def _found(model: Gatys | PaperGatys, aim: Aim, size: Sequence[int], like: Tensor) -> Tensor:
    options = model.hyper_parameters
    height, width = (side + -side % model.info.size_multiple for side in size)
    start = noise(height, width, like)
    found = search(start, aim, options["steps"], options["tolerance"], model.on_step)
    return found[..., : size[0], : size[1]].clamp(0, 1)
